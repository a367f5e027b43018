using System.Security.Cryptography;

namespace Mesh.DataPlane.Sealing;

/// <summary>Lends out ciphers of one key: one cipher object may not be used by two threads at once, but one key may.</summary>
/// <remarks>Made when first needed, so a key that is never used costs no native memory.</remarks>
internal sealed class CipherSlots
{
    private readonly PacketCipherFactory _factory;
    private readonly DataCipher _cipher;
    private readonly byte[] _key;
    private readonly PacketCipher?[] _idle = new PacketCipher?[4];
    private int _retired;

    public CipherSlots(PacketCipherFactory factory, DataCipher cipher, ReadOnlySpan<byte> key)
    {
        if (key.Length != SealedDatagram.KeyLength)
            throw new ArgumentException($"A key has {SealedDatagram.KeyLength} octets, not {key.Length}.", nameof(key));
        _factory = factory;
        _cipher = cipher;
        _key = key.ToArray();
    }

    public bool Is(DataCipher cipher, ReadOnlySpan<byte> key) => cipher == _cipher && CryptographicOperations.FixedTimeEquals(_key, key);

    public PacketCipher Rent()
    {
        foreach (ref PacketCipher? slot in _idle.AsSpan())
        {
            if (Interlocked.Exchange(ref slot, null) is { } idle)
                return idle;
        }
        return _factory(_cipher, _key);
    }

    public void Return(PacketCipher cipher)
    {
        if (Volatile.Read(ref _retired) == 0)
        {
            foreach (ref PacketCipher? slot in _idle.AsSpan())
            {
                if (Interlocked.CompareExchange(ref slot, cipher, null) is null)
                    return;
            }
        }
        cipher.Dispose();
    }

    /// <summary>Frees what is idle. A thread that is still using the key finishes its packet.</summary>
    public void Retire()
    {
        Volatile.Write(ref _retired, 1);
        foreach (ref PacketCipher? slot in _idle.AsSpan())
            Interlocked.Exchange(ref slot, null)?.Dispose();
    }
}
