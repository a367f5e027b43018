namespace Mesh.DataPlane.Sealing;

/// <summary>Seals datagrams with one key. Safe for several threads; allocates nothing per packet.</summary>
public sealed class SealingSession
{
    private readonly CipherSlots _ciphers;
    private uint _receiverIndex;
    private ulong _nextCounter;

    /// <summary>A session that has sealed nothing yet.</summary>
    /// <param name="receiverIndex">The index the peer wants to see.</param>
    /// <param name="cipher">Which cipher.</param>
    /// <param name="key"><see cref="SealedDatagram.KeyLength"/> octets that no other session has ever sealed with.</param>
    /// <param name="factory">Makes ciphers; null for the real ones.</param>
    public SealingSession(uint receiverIndex, DataCipher cipher, ReadOnlySpan<byte> key, PacketCipherFactory? factory = null)
    {
        _receiverIndex = receiverIndex;
        _ciphers = new CipherSlots(factory ?? PacketCipher.Create, cipher, key);
    }

    /// <summary>The index in the datagrams. It may change while the key, and with it the counter, goes on.</summary>
    public uint ReceiverIndex
    {
        get => Volatile.Read(ref _receiverIndex);
        set => Volatile.Write(ref _receiverIndex, value);
    }

    /// <summary>How many datagrams were sealed.</summary>
    public ulong SealedCount => Math.Min(Volatile.Read(ref _nextCounter), SealedDatagram.CounterLimit);

    /// <summary>Seals <paramref name="plaintext"/> into <paramref name="datagram"/>.</summary>
    /// <param name="plaintext">Outside of <paramref name="datagram"/>, or in it at <see cref="SealedDatagram.HeaderLength"/> exactly.</param>
    /// <param name="datagram">Gets the datagram; as long as the plaintext and <see cref="SealedDatagram.Overhead"/>.</param>
    /// <returns>False where the key is used up; nothing was written.</returns>
    public bool TrySeal(ReadOnlySpan<byte> plaintext, Span<byte> datagram)
    {
        if (datagram.Length != plaintext.Length + SealedDatagram.Overhead)
            throw new ArgumentException("The datagram has to be as long as the plaintext and the overhead.", nameof(datagram));

        ulong counter = Interlocked.Increment(ref _nextCounter) - 1;
        if (counter >= SealedDatagram.CounterLimit)
            return false;   // 2^60 packets: centuries; going on until the counter wraps would take centuries more

        SealedDatagram.WriteHeader(datagram, ReceiverIndex, counter);
        Span<byte> nonce = stackalloc byte[SealedDatagram.NonceLength];
        SealedDatagram.WriteNonce(nonce, counter);
        Span<byte> ciphertext = datagram.Slice(SealedDatagram.HeaderLength, plaintext.Length);
        Span<byte> tag = datagram[^SealedDatagram.TagLength..];

        PacketCipher cipher = _ciphers.Rent();
        cipher.Seal(nonce, plaintext, ciphertext, tag, datagram[..SealedDatagram.HeaderLength]);
        _ciphers.Return(cipher);
        return true;
    }

    /// <summary>Whether this session seals with this cipher and key.</summary>
    public bool Is(DataCipher cipher, ReadOnlySpan<byte> key) => _ciphers.Is(cipher, key);

    /// <summary>Frees native memory. A thread that is sealing finishes its packet.</summary>
    public void Retire() => _ciphers.Retire();
}
