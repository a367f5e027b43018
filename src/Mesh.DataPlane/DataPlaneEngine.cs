using System.Collections.Immutable;
using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane;

/// <summary>Decides what becomes of every packet of one machine. Knows no OS, no clock and no thread.</summary>
/// <remarks>
/// <code>
///  host ──HandleHostPacket──▶ ┌────────┐ ──DeliverToHost─▶ host
///  UDP  ──HandleDatagram────▶ │ engine │ ──SendDatagram──▶ UDP
///  TLS  ──HandleStreamPacket▶ └────────┘ ──SendOnStream──▶ TLS
/// </code>
/// The <c>Handle</c> methods may be called from any number of threads; they read snapshots that the control methods swap. The control methods are
/// called from one thread at a time. A machine counts as one hop: what goes from tunnel to tunnel loses one of its hop limit; what the host sends or
/// gets does not, since the host's own stack has done or will do that where it forwards.
/// </remarks>
public sealed partial class DataPlaneEngine
{
    /// <summary>How many tunnels a machine may have at a time.</summary>
    public const int MaxTunnels = 4096;

    private readonly IPacketOutput _output;
    private readonly IControlSink _sink;
    private readonly PacketCipherFactory _cipherFactory;
    private readonly TokenBucket _icmpErrors;
    private readonly bool _forwardsForHost;
    private readonly ulong _wornAfter;
    private readonly long[] _drops = new long[Enum.GetValues<DropReason>().Length];
    private Tunnel?[] _tunnels = [];
    private Dictionary<StreamId, Tunnel> _streams = [];
    private ForwardingTable _table = ForwardingTable.Empty;
    private long _fromHost, _toHost, _transit, _icmpErrorsSent, _icmpErrorsSuppressed;

    /// <summary>An engine without tunnels and routes.</summary>
    public DataPlaneEngine(DataPlaneOptions options, IPacketOutput output, IControlSink sink)
    {
        _output = output;
        _sink = sink;
        _cipherFactory = options.CipherFactory;
        _forwardsForHost = options.ForwardsForHost;
        _wornAfter = (ulong)options.WornAfter;
        _icmpErrors = new TokenBucket(options.IcmpErrorsPerSecond, options.IcmpErrorBurst);
    }

    /// <summary>Makes a tunnel known.</summary>
    /// <exception cref="ArgumentException">The index is in use or not in 1..<see cref="MaxTunnels"/>.</exception>
    public void AddTunnel(TunnelIndex tunnel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tunnel.Value, 1, nameof(tunnel));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tunnel.Value, MaxTunnels, nameof(tunnel));
        if (Find(tunnel) is not null)
            throw new ArgumentException($"{tunnel} exists.", nameof(tunnel));
        Tunnel?[] tunnels = _tunnels;
        if (tunnels.Length <= tunnel.Value)
            Array.Resize(ref tunnels, Math.Max(tunnel.Value + 1, Math.Min(2 * tunnels.Length, MaxTunnels + 1)));   // a copy: threads may be reading the old one
        Volatile.Write(ref tunnels[tunnel.Value], new Tunnel(tunnel));
        Volatile.Write(ref _tunnels, tunnels);
    }

    /// <summary>Sets a tunnel's keys; see <see cref="DataKeys"/> for how to change them without loss.</summary>
    /// <exception cref="ArgumentException">There is no such tunnel, or a key is not of 32 octets.</exception>
    public void SetKeys(TunnelIndex tunnel, DataKeys keys)
    {
        if (keys.SendKey.Length != SealedDatagram.KeyLength || keys.ReceiveKey.Length != SealedDatagram.KeyLength)
            throw new ArgumentException($"A key has {SealedDatagram.KeyLength} octets, not {keys.SendKey.Length} and {keys.ReceiveKey.Length}.", nameof(keys));
        Get(tunnel).SetKeys(keys, _cipherFactory);
    }

    /// <summary>Says how a tunnel's packets leave.</summary>
    /// <exception cref="ArgumentException">There is no such tunnel, or the path's MTU is out of range.</exception>
    public void SetPath(TunnelIndex tunnel, DataPath path) => Get(tunnel).Path = TunnelPath.From(path);

    /// <summary>Packets that arrive inside <paramref name="stream"/> belong to <paramref name="tunnel"/> from now on.</summary>
    /// <exception cref="ArgumentException">There is no such tunnel.</exception>
    public void BindStream(TunnelIndex tunnel, StreamId stream) =>
        Volatile.Write(ref _streams, new Dictionary<StreamId, Tunnel>(_streams) { [stream] = Get(tunnel) });

    /// <summary>Forgets which tunnel a stream belongs to. Does nothing where it belongs to none.</summary>
    public void UnbindStream(StreamId stream)
    {
        if (!_streams.ContainsKey(stream))
            return;
        var streams = new Dictionary<StreamId, Tunnel>(_streams);
        streams.Remove(stream);
        Volatile.Write(ref _streams, streams);
    }

    /// <summary>Forgets a tunnel and the streams bound to it. Does nothing where there is none.</summary>
    public void RemoveTunnel(TunnelIndex tunnel)
    {
        if (Find(tunnel) is not { } removed)
            return;
        Volatile.Write(ref _tunnels[tunnel.Value], null);
        if (_streams.ContainsValue(removed))
            Volatile.Write(ref _streams, _streams.Where(pair => pair.Value != removed).ToDictionary());
        removed.Retire();
    }

    /// <summary>Replaces the forwarding table. Packets see the old one or the new one.</summary>
    public void Publish(ForwardingTable table) => Volatile.Write(ref _table, table);

    /// <summary>Sends a control payload sealed in one datagram. Dropped and counted where the tunnel has no keys.</summary>
    /// <returns>Whether it was sent.</returns>
    public bool SendControl(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint to)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, SealedDatagram.MaxPlaintextLength - 1, nameof(payload));
        if (Find(tunnel) is not { } found)
            return Drop(DropReason.NoTunnel);
        // Written where it is sealed, right behind the header.
        Span<byte> plaintext = _output.RoomFor(to, payload.Length + 1 + SealedDatagram.Overhead)[SealedDatagram.HeaderLength..^SealedDatagram.TagLength];
        plaintext[0] = (byte)kind;
        payload.CopyTo(plaintext[1..]);
        return SendSealed(found, plaintext, to, _output);
    }

    /// <summary>Counts packets that an <see cref="IPacketOutput"/> took and could not send after all.</summary>
    public void CountDropped(DropReason reason, int count) => Drop(reason, count);

    /// <summary>What a tunnel has carried, or null where there is no such tunnel.</summary>
    public TunnelCounters? CountersOf(TunnelIndex tunnel) => Find(tunnel)?.Counters;

    /// <summary>What the engine has done so far.</summary>
    public DataPlaneCounters Counters()
    {
        var drops = new long[_drops.Length];
        for (int i = 0; i < drops.Length; i++)
            drops[i] = Volatile.Read(ref _drops[i]);
        return new DataPlaneCounters(
            Volatile.Read(ref _fromHost), Volatile.Read(ref _toHost), Volatile.Read(ref _transit),
            Volatile.Read(ref _icmpErrorsSent), Volatile.Read(ref _icmpErrorsSuppressed), ImmutableArray.Create(drops));
    }

    private Tunnel? Find(TunnelIndex tunnel)
    {
        Tunnel?[] tunnels = Volatile.Read(ref _tunnels);
        return (uint)tunnel.Value < (uint)tunnels.Length ? Volatile.Read(ref tunnels[tunnel.Value]) : null;
    }

    private Tunnel Get(TunnelIndex tunnel) => Find(tunnel) ?? throw new ArgumentException($"There is no {tunnel}.", nameof(tunnel));

    // Returns false, so that a caller can say "return Drop(why)".
    private bool Drop(DropReason reason, int count = 1)
    {
        Interlocked.Add(ref _drops[(int)reason], count);
        return false;
    }
}
