using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane;

/// <summary>What the forwarding threads know of one tunnel. The control thread swaps parts; each part is immutable or safe to share.</summary>
internal sealed class Tunnel(TunnelIndex index)
{
    // The old receive key outlives the first use of the new one: datagrams overtake each other.
    private static readonly TimeSpan PreviousKeyGrace = TimeSpan.FromSeconds(10);
    private static readonly long MovedInterval = TimeSpan.FromMilliseconds(100).Ticks, WornInterval = TimeSpan.FromSeconds(1).Ticks;

    private SealingSession? _sealing;
    private ReceiveKeys? _receiveKeys;
    private TunnelPath _path = TunnelPath.None;
    private long _movedQuietUntil = long.MinValue, _wornQuietUntil = long.MinValue;
    private Silence _silence = new();
    private long _sentPackets, _sentOctets, _receivedPackets, _receivedOctets;

    public TunnelIndex Index => index;

    public TunnelPath Path
    {
        get => Volatile.Read(ref _path);
        set
        {
            Volatile.Write(ref _path, value);
            Volatile.Write(ref _movedQuietUntil, long.MinValue);
        }
    }

    public SealingSession? Sealing => Volatile.Read(ref _sealing);

    public TunnelCounters Counters => new(
        Volatile.Read(ref _sentPackets), Volatile.Read(ref _sentOctets), Volatile.Read(ref _receivedPackets), Volatile.Read(ref _receivedOctets));

    public void SetKeys(DataKeys keys, PacketCipherFactory factory)
    {
        if (_sealing is { } sealing && sealing.Is(keys.Cipher, keys.SendKey.Span))
        {
            sealing.ReceiverIndex = keys.ReceiverIndex;
        }
        else
        {
            var next = new SealingSession(keys.ReceiverIndex, keys.Cipher, keys.SendKey.Span, factory);
            Interlocked.Exchange(ref _sealing, next)?.Retire();
        }

        ReceiveKeys? before = Volatile.Read(ref _receiveKeys);
        if (before is null || !before.Current.Is(keys.Cipher, keys.ReceiveKey.Span))
        {
            // An unused key that is replaced already was never accepted by the peer: what it still seals with is the one before.
            var current = new OpeningSession(keys.Cipher, keys.ReceiveKey.Span, factory);
            bool neverUsed = before is { Current.FirstUse: null, Previous: not null };
            Volatile.Write(ref _receiveKeys, new ReceiveKeys(current, neverUsed ? before!.Previous : before?.Current));
            (neverUsed ? before!.Current : before?.Previous)?.Retire();
        }
    }

    /// <summary>Opens a datagram in its place.</summary>
    public bool TryOpen(Span<byte> datagram, TimeSpan now, out Span<byte> inner, out bool newest, out DropReason reason)
    {
        inner = default;
        newest = false;
        reason = DropReason.NoKeys;
        if (Volatile.Read(ref _receiveKeys) is not { } keys)
            return false;

        OpenResult result;
        if (keys.Previous is not { } previous)
            result = keys.Current.Open(datagram, now, out inner);
        else if (keys.Current.FirstUse is not { } firstUse)
            result = OpenWithEither(previous, keys.Current, datagram, now, out inner);
        else
        {
            if (now - firstUse > PreviousKeyGrace && Interlocked.CompareExchange(ref _receiveKeys, new ReceiveKeys(keys.Current, Previous: null), keys) == keys)
                previous.Retire();
            result = OpenWithEither(keys.Current, previous, datagram, now, out inner);
        }

        newest = result == OpenResult.Newest;
        reason = result switch
        {
            OpenResult.Replayed => DropReason.Replayed,
            OpenResult.TooOld => DropReason.TooOld,
            OpenResult.Malformed => DropReason.MalformedDatagram,
            _ => DropReason.NotAuthentic,
        };
        return result is OpenResult.Newest or OpenResult.Late;
    }

    /// <summary>Whether to say now that the peer has moved.</summary>
    public bool ShouldReportMove(in DatagramEndpoint from, TimeSpan now)
    {
        if (Path is not { Kind: TunnelPathKind.Datagram } path || path.Remote == from)
            return false;
        return IsTimeToSay(ref _movedQuietUntil, MovedInterval, now);
    }

    /// <summary>Whether to say now that a receive key is worn.</summary>
    public bool ShouldReportWorn(TimeSpan now) => IsTimeToSay(ref _wornQuietUntil, WornInterval, now);

    /// <summary>Whether to say now that packets are sent and nothing comes back.</summary>
    public bool IsSilent(TimeSpan now) => _silence.Sent(now);

    public void CountSent(int packets, int octets)
    {
        Interlocked.Add(ref _sentPackets, packets);
        Interlocked.Add(ref _sentOctets, octets);
    }

    public void CountReceived(int packets, int octets)
    {
        _silence.Received();
        Interlocked.Add(ref _receivedPackets, packets);
        Interlocked.Add(ref _receivedOctets, octets);
    }

    public void Retire()
    {
        Interlocked.Exchange(ref _sealing, null)?.Retire();
        if (Interlocked.Exchange(ref _receiveKeys, null) is not { } keys)
            return;
        keys.Current.Retire();
        keys.Previous?.Retire();
    }

    // For one of the threads that ask at once.
    private static bool IsTimeToSay(ref long quietUntil, long interval, TimeSpan now)
    {
        long before = Volatile.Read(ref quietUntil);
        return now.Ticks >= before && Interlocked.CompareExchange(ref quietUntil, now.Ticks + interval, before) == before;
    }

    // A wrong key destroys the ciphertext, so the first try works on a copy. The replay windows usually tell which key it is without trying.
    private static OpenResult OpenWithEither(OpeningSession likely, OpeningSession other, Span<byte> datagram, TimeSpan now, out Span<byte> inner)
    {
        inner = default;
        OpenResult result = likely.Peek(datagram);
        if (result == OpenResult.Malformed)
            return result;
        if (result is OpenResult.Newest or OpenResult.Late)
        {
            Span<byte> copy = Scratch.ForTrial(datagram.Length);
            datagram.CopyTo(copy);
            result = likely.Open(copy, now, out Span<byte> opened);
            if (!opened.IsEmpty || result is OpenResult.Newest or OpenResult.Late)
            {
                opened.CopyTo(datagram[SealedDatagram.HeaderLength..]);
                inner = datagram.Slice(SealedDatagram.HeaderLength, opened.Length);
                return result;
            }
        }
        OpenResult second = other.Open(datagram, now, out inner);
        return second == OpenResult.NotAuthentic ? result : second;
    }

    private sealed record ReceiveKeys(OpeningSession Current, OpeningSession? Previous);
}

internal enum TunnelPathKind
{
    None,
    Stream,
    Datagram,
}

/// <summary>A <see cref="DataPath"/> in the form that forwarding needs.</summary>
internal sealed record TunnelPath(TunnelPathKind Kind, StreamId Stream, DatagramEndpoint Remote, int Mtu)
{
    public static TunnelPath None { get; } = new(TunnelPathKind.None, default, default, SealedDatagram.MaxPlaintextLength);

    public static TunnelPath From(DataPath path) => path switch
    {
        DataPath.Stream stream => None with { Kind = TunnelPathKind.Stream, Stream = stream.Id },
        DataPath.Datagram { Mtu: < Packets.Ipv6Header.MinimumMtu or > SealedDatagram.MaxPlaintextLength } datagram =>
            throw new ArgumentOutOfRangeException(nameof(path), datagram.Mtu, "An MTU lies in 1280..65535."),
        DataPath.Datagram datagram => new TunnelPath(TunnelPathKind.Datagram, default, DatagramEndpoint.From(datagram.Remote), datagram.Mtu),
        _ => None,
    };
}
