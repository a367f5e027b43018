namespace Mesh.DataPlane.Sealing;

/// <summary>Seals some datagrams of one session, one after the other, on one thread.</summary>
internal ref struct SealingRun
{
    private readonly CipherSlots _ciphers;
    private readonly PacketCipher _cipher;
    private readonly uint _receiverIndex;
    private ulong _counter;

    public SealingRun(CipherSlots ciphers, uint receiverIndex, ulong counter)
    {
        _ciphers = ciphers;
        _cipher = ciphers.Rent();
        (_receiverIndex, _counter) = (receiverIndex, counter);
    }

    /// <summary>Seals the next datagram.</summary>
    /// <param name="plaintext">Outside of <paramref name="datagram"/>, or in it at <see cref="SealedDatagram.HeaderLength"/> exactly.</param>
    /// <param name="datagram">As long as the plaintext and <see cref="SealedDatagram.Overhead"/>.</param>
    public void Seal(ReadOnlySpan<byte> plaintext, Span<byte> datagram)
    {
        SealedDatagram.WriteHeader(datagram, _receiverIndex, _counter);
        Span<byte> nonce = stackalloc byte[SealedDatagram.NonceLength];
        SealedDatagram.WriteNonce(nonce, _counter++);
        _cipher.Seal(nonce, plaintext, datagram.Slice(SealedDatagram.HeaderLength, plaintext.Length), datagram[^SealedDatagram.TagLength..],
            datagram[..SealedDatagram.HeaderLength]);
    }

    public readonly void Dispose() => _ciphers.Return(_cipher);
}
