using System.Diagnostics;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;

namespace Mesh.Platform.Linux.Crypto;

/// <summary>Which cipher is fastest on this processor: some have instructions for AES, some wide ones that ChaCha20 likes better, and which wins is measured rather than guessed.</summary>
public static class CipherSpeed
{
    private const int PacketLength = 1420;
    private const int Round = 200;
    private const int Rounds = 8;

    /// <summary>Time to seal and open a packet of 1420 octets, best of some rounds.</summary>
    public static TimeSpan Measure(DataCipher cipher)
    {
        using PacketCipher measured = OpenSslCipher.Create(cipher, new byte[SealedDatagram.KeyLength]);
        byte[] text = new byte[PacketLength], tag = new byte[SealedDatagram.TagLength], nonce = new byte[SealedDatagram.NonceLength], head = new byte[SealedDatagram.HeaderLength];
        TimeSpan best = TimeSpan.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Round; i++)
            {
                measured.Seal(nonce, text, text, tag, head);
                if (!measured.TryOpen(nonce, text, tag, text, head))
                    throw new InvalidOperationException($"{cipher} does not open what it has sealed.");
            }
            TimeSpan taken = Stopwatch.GetElapsedTime(start);
            best = taken < best ? taken : best;
        }
        return best / Round;
    }

    /// <summary>The ciphers that hide packets, the fastest first. Takes some milliseconds.</summary>
    public static IReadOnlyList<DataCipher> Order() => [.. new[] { DataCipher.Aes256Gcm, DataCipher.ChaCha20Poly1305 }.OrderBy(Measure)];
}
