using System.Buffers.Binary;

namespace Mesh.DataPlane.Sealing;

/// <summary>The layout of a sealed datagram.</summary>
/// <remarks><code>
///  0      4          12                        n + 12   n + 28
///  | receiver index | counter u64 | ciphertext (n) | tag (16) |      integers big-endian
///  |---- associated data ---------|
/// </code>
/// The AEAD nonce is four zero octets and the counter.</remarks>
public static class SealedDatagram
{
    /// <summary>Octets before the ciphertext.</summary>
    public const int HeaderLength = 12;

    /// <summary>Octets after the ciphertext.</summary>
    public const int TagLength = 16;

    /// <summary>Octets that sealing adds.</summary>
    public const int Overhead = HeaderLength + TagLength;

    /// <summary>Octets of a key.</summary>
    public const int KeyLength = 32;

    /// <summary>Octets of a nonce.</summary>
    public const int NonceLength = 12;

    /// <summary>The longest plaintext that is sealed: the longest IP packet.</summary>
    public const int MaxPlaintextLength = 65_535;

    /// <summary>A counter that is never reached: a key is used up before it.</summary>
    public const ulong CounterLimit = 1UL << 60;

    /// <summary>Reads the header of a received datagram.</summary>
    /// <returns>False where the datagram is too short to be one or its counter is beyond <see cref="CounterLimit"/>.</returns>
    public static bool TryReadHeader(ReadOnlySpan<byte> datagram, out uint receiverIndex, out ulong counter)
    {
        receiverIndex = 0;
        counter = 0;
        if (datagram.Length < Overhead)
            return false;
        receiverIndex = BinaryPrimitives.ReadUInt32BigEndian(datagram);
        counter = BinaryPrimitives.ReadUInt64BigEndian(datagram[4..]);
        return counter < CounterLimit;
    }

    /// <summary>Writes the header.</summary>
    public static void WriteHeader(Span<byte> datagram, uint receiverIndex, ulong counter)
    {
        BinaryPrimitives.WriteUInt32BigEndian(datagram, receiverIndex);
        BinaryPrimitives.WriteUInt64BigEndian(datagram[4..], counter);
    }

    internal static void WriteNonce(Span<byte> nonce, ulong counter)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], counter);
    }
}
