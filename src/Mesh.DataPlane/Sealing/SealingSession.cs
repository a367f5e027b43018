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
        if (!TryBegin(1, out SealingRun run))
            return false;
        run.Seal(plaintext, datagram);
        run.Dispose();
        return true;
    }

    /// <summary>Begins to seal several datagrams one after the other: a counter and a cipher are taken once for all of them.</summary>
    /// <param name="count">How many there will be at most.</param>
    /// <param name="run">Seals them; it has to be disposed.</param>
    /// <returns>False where the key is used up.</returns>
    internal bool TryBegin(int count, out SealingRun run)
    {
        ulong end = Interlocked.Add(ref _nextCounter, (ulong)count);
        if (end > SealedDatagram.CounterLimit)
        {
            run = default;
            return false;   // 2^60 packets: centuries; going on until the counter wraps would take centuries more
        }
        run = new SealingRun(_ciphers, ReceiverIndex, end - (ulong)count);
        return true;
    }

    /// <summary>Whether this session seals with this cipher and key.</summary>
    public bool Is(DataCipher cipher, ReadOnlySpan<byte> key) => _ciphers.Is(cipher, key);

    /// <summary>Frees native memory. A thread that is sealing finishes its packet.</summary>
    public void Retire() => _ciphers.Retire();
}
