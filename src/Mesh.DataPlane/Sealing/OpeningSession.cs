namespace Mesh.DataPlane.Sealing;

/// <summary>What came of opening a datagram.</summary>
public enum OpenResult : byte
{
    /// <summary>Authentic, and newer than all before.</summary>
    Newest,

    /// <summary>Authentic and not seen before, but overtaken on the way.</summary>
    Late,

    /// <summary>Not sealed with this key, or changed on the way.</summary>
    NotAuthentic,

    /// <summary>Its counter was seen before.</summary>
    Replayed,

    /// <summary>Its counter is too far behind.</summary>
    TooOld,

    /// <summary>Too short to be a datagram, or a counter that no sender uses.</summary>
    Malformed,
}

/// <summary>Opens datagrams sealed with one key and refuses repeats. Safe for several threads; allocates nothing for a packet that is authentic.</summary>
public sealed class OpeningSession
{
    private readonly CipherSlots _ciphers;
    private ReplayWindow _window = new();
    private SpinLock _windowLock = new(enableThreadOwnerTracking: false);
    private long _firstUseTicks = long.MinValue;

    /// <summary>A session that has opened nothing yet.</summary>
    /// <param name="cipher">Which cipher.</param>
    /// <param name="key"><see cref="SealedDatagram.KeyLength"/> octets.</param>
    /// <param name="factory">Makes ciphers; null for the real ones.</param>
    public OpeningSession(DataCipher cipher, ReadOnlySpan<byte> key, PacketCipherFactory? factory = null) =>
        _ciphers = new CipherSlots(factory ?? PacketCipher.Create, cipher, key);

    /// <summary>When this session first opened a datagram, or null.</summary>
    public TimeSpan? FirstUse => Volatile.Read(ref _firstUseTicks) is var ticks and not long.MinValue ? new TimeSpan(ticks) : null;

    /// <summary>Whether a datagram is worth trying to open: says what is wrong with it as far as that shows without the key.</summary>
    public OpenResult Peek(ReadOnlySpan<byte> datagram) =>
        SealedDatagram.TryReadHeader(datagram, out _, out ulong counter) ? ToResult(Check(counter)) : OpenResult.Malformed;

    /// <summary>Opens a datagram in its place.</summary>
    /// <param name="datagram">The whole datagram. Its ciphertext becomes the plaintext; where the tag is wrong it is lost.</param>
    /// <param name="now">A monotonic time, for <see cref="FirstUse"/>.</param>
    /// <param name="plaintext">A part of <paramref name="datagram"/>, or empty.</param>
    public OpenResult Open(Span<byte> datagram, TimeSpan now, out Span<byte> plaintext)
    {
        plaintext = default;
        if (!SealedDatagram.TryReadHeader(datagram, out _, out ulong counter))
            return OpenResult.Malformed;
        if (Check(counter) is var early and (Freshness.Replayed or Freshness.TooOld))
            return ToResult(early);

        Span<byte> nonce = stackalloc byte[SealedDatagram.NonceLength];
        SealedDatagram.WriteNonce(nonce, counter);
        Span<byte> text = datagram[SealedDatagram.HeaderLength..^SealedDatagram.TagLength];
        PacketCipher cipher = _ciphers.Rent();
        bool authentic = cipher.TryOpen(nonce, text, datagram[^SealedDatagram.TagLength..], text, datagram[..SealedDatagram.HeaderLength]);
        _ciphers.Return(cipher);
        if (!authentic)
            return OpenResult.NotAuthentic;

        // Between the check above and here another thread may have opened a copy of the same datagram: only one gets it accepted.
        OpenResult result = ToResult(Accept(counter));
        if (result is not (OpenResult.Newest or OpenResult.Late))
            return result;
        if (Volatile.Read(ref _firstUseTicks) == long.MinValue)
            Interlocked.CompareExchange(ref _firstUseTicks, now.Ticks, long.MinValue);
        plaintext = text;
        return result;
    }

    /// <summary>Whether this session opens with this cipher and key.</summary>
    public bool Is(DataCipher cipher, ReadOnlySpan<byte> key) => _ciphers.Is(cipher, key);

    /// <summary>Frees native memory. A thread that is opening finishes its packet.</summary>
    public void Retire() => _ciphers.Retire();

    // Without the lock: this only spares work, Accept decides. What is read may be of two instants, never half written.
    private Freshness Check(ulong counter) => _window.Check(counter);

    private Freshness Accept(ulong counter)
    {
        bool taken = false;
        _windowLock.Enter(ref taken);
        Freshness freshness = _window.Accept(counter);
        _windowLock.Exit();
        return freshness;
    }

    private static OpenResult ToResult(Freshness freshness) => freshness switch
    {
        Freshness.Newest => OpenResult.Newest,
        Freshness.Late => OpenResult.Late,
        Freshness.Replayed => OpenResult.Replayed,
        _ => OpenResult.TooOld,
    };
}
