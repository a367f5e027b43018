using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <summary>Chooses, opens, serves and retires tunnels.</summary>
/// <remarks>
/// Keeps <see cref="TunnelsOptions.ClientCount"/> tunnels open to random peers that it has addresses of, asks for a bootstrap peer while it has none, and
/// accepts <see cref="TunnelsOptions.MaxClients"/>. Two nodes have one tunnel: where both opened one, the node with the smaller prefix gives up its own
/// (as re6st does), and of two in the same direction the newer one stays, since the older one's peer has forgotten it.
/// </remarks>
public sealed class TunnelsActor : Actor
{
    private readonly TunnelPorts _ports;
    private readonly ActorRef _addressBook;
    private readonly ActorRef _bootstrap;
    private readonly Dictionary<TunnelIndex, Entry> _tunnels = [];
    private readonly Dictionary<NodePrefix, Retry> _retries = [];
    private readonly Queue<int> _freeIndices = new();
    private TunnelsOptions _options;
    private AddressList _advertised;
    private int _nextIndex = 1;
    private ImmutableArray<PeerAddressEntry> _known = [];
    private bool _bootstrapAsked;

    /// <summary>Makes a manager.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="ports">The tunnels' ports; <see cref="TunnelPorts.Manager"/> is replaced by this actor.</param>
    /// <param name="addressBook">Gets <see cref="PeersSeen"/> and tells <see cref="KnownPeers"/>.</param>
    /// <param name="bootstrap">Gets <see cref="BootstrapWanted"/> while there is no tunnel.</param>
    public TunnelsActor(TunnelsOptions options, TunnelPorts ports, ActorRef addressBook, ActorRef bootstrap)
    {
        (_options, _addressBook, _bootstrap) = (options, addressBook, bootstrap);
        _ports = ports with { Manager = Self };
        _advertised = options.Advertised;
    }

    private int ClientTunnels => _tunnels.Values.Count(t => t.IsClient);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        if (_options.Listen is { } listen)
            _ports.Streams.Listen(listen, Self);
        Context.System.EventStream.Subscribe<NetworkParametersChanged>(Self);
        Context.System.EventStream.Subscribe<KnownPeers>(Self);
        Context.Timers.StartPeriodic(Tick.Instance, Tick.Instance, TimeSpan.FromMilliseconds(50 + Context.Random.Next(200)), _options.Tick);
        if (_advertised.Count > 0)
            AdvertisedChanged();
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case Tick:
                OpenMissing();
                break;
            case KnownPeers known:
                _known = known.Peers;
                _bootstrapAsked = false;
                OpenMissing();
                break;
            case StreamListening listening:
                Log.Info($"tunnels are accepted at {listening.Local}");
                break;
            case StreamListenFailed failed:
                throw new PortUnavailableException($"tunnels cannot be accepted at {failed.Local}: {failed.Reason}");
            case StreamOpened opened:
                Accept(opened);
                break;
            case TunnelUp up:
                OnUp(up);
                break;
            case TunnelEnded ended:
                OnEnded(ended);
                break;
            case PeersLearned learned:
                _addressBook.Tell(new PeersSeen(learned.Addresses.Entries));
                break;
            case SeenAt seen:
                OnSeenAt(seen.Endpoint);
                break;
            case NetworkParametersChanged changed:
                _options = _options with { ClientCount = changed.Parameters.ClientCount, MaxClients = changed.Parameters.MaxClients };
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void OpenMissing()
    {
        int missing = _options.ClientCount - ClientTunnels;
        if (missing <= 0)
            return;
        PeerAddressEntry[] candidates = [.. _known.Where(IsCandidate)];
        Context.Random.Shuffle<PeerAddressEntry>(candidates);
        foreach (PeerAddressEntry candidate in candidates.Take(missing))
            Open(candidate);
        if (_tunnels.Count == 0 && !_bootstrapAsked)
        {
            _bootstrapAsked = true;   // until the address book changes, or the answer is that there is nobody
            _bootstrap.Tell(new BootstrapWanted());
            Context.Timers.StartSingle(nameof(BootstrapWanted), new KnownPeers(_known), _options.Tick * 2);
        }
    }

    private bool IsCandidate(PeerAddressEntry peer) =>
        peer.Prefix != _options.Self
        && !_tunnels.Values.Any(t => t.Peer == peer.Prefix)
        && (!_retries.TryGetValue(peer.Prefix, out Retry retry) || retry.NotBefore <= Context.Now)
        && peer.Addresses.Any(a => a.Protocol == AddressProtocol.Mesh);

    private void Open(PeerAddressEntry peer)
    {
        int attempt = _retries.TryGetValue(peer.Prefix, out Retry retry) ? retry.Failures : 0;
        IPEndPoint[] endpoints = [.. peer.Addresses.Where(a => a.Protocol == AddressProtocol.Mesh).Select(ToEndpoint).OfType<IPEndPoint>()];
        if (endpoints.Length == 0 || TakeIndex() is not { } index)
            return;
        ActorRef tunnel = Context.ActorOf(TunnelActor.Client(index, peer.Prefix, endpoints[attempt % endpoints.Length], _options.Tunnel, _ports), $"tunnel-{index.Value}");
        _tunnels.Add(index, new Entry(tunnel, peer.Prefix, IsClient: true, IsUp: false));
    }

    private void Accept(StreamOpened opened)
    {
        if (!_ports.Identify(opened.PeerCertificate, out NodePrefix peer, out string problem))
        {
            Log.Info($"refused a tunnel from {opened.Remote}: {problem}");
            _ports.Streams.Close(opened.Stream);
            return;
        }

        bool isKnown = _tunnels.Values.Any(t => t.Peer == peer);
        int served = _tunnels.Values.Count(t => !t.IsClient);
        if ((served >= _options.MaxClients && !isKnown) || TakeIndex() is not { } index)
        {
            Log.Info($"refused a tunnel from {peer} at {opened.Remote}: {served} are served already");
            _ports.Streams.Close(opened.Stream);
            return;
        }

        ActorRef tunnel = Context.ActorOf(TunnelActor.Server(index, peer, opened, _options.Tunnel, _ports), $"tunnel-{index.Value}");
        _tunnels.Add(index, new Entry(tunnel, peer, IsClient: false, IsUp: false));
    }

    private void OnUp(TunnelUp up)
    {
        if (!_tunnels.TryGetValue(up.Index, out Entry? mine))
            return;
        _retries.Remove(up.Peer);
        _tunnels[up.Index] = mine with { IsUp = true };
        foreach ((TunnelIndex index, Entry other) in _tunnels.Where(t => t.Key != up.Index && t.Value.Peer == up.Peer).ToArray())
        {
            if (!other.IsUp)
                continue;   // it is looked at when it comes up
            TunnelIndex loser = other.IsClient == up.IsClient ? index : LoserOf(up.Index, mine, index);
            _tunnels[loser].Actor.Tell(new CloseTunnel(CloseReason.Duplicate, "another tunnel between the two nodes stays"));
            if (loser == up.Index)
                return;
        }

        Log.Info($"tunnel to {up.Peer} is up ({(up.IsClient ? "opened" : "accepted")})");
        mine.Actor.Tell(new TellPeers(PeersToShare(up.Peer)));
    }

    private TunnelIndex LoserOf(TunnelIndex one, Entry oneEntry, TunnelIndex other)
    {
        // The node with the smaller prefix gives up the tunnel that it opened; both ends come to the same answer.
        bool weGiveUp = _options.Self < oneEntry.Peer;
        return oneEntry.IsClient == weGiveUp ? one : other;
    }

    private PeerAddresses PeersToShare(NodePrefix receiver)
    {
        PeerAddressEntry[] others = [.. _known.Where(p => p.Prefix != receiver && p.Prefix != _options.Self && p.Addresses.Count > 0)];
        Context.Random.Shuffle<PeerAddressEntry>(others);
        return new PeerAddresses([new PeerAddressEntry(_options.Self, _advertised), .. others.Take(Math.Min(_options.SharedPeers, PeerAddresses.MaxEntries - 1))]);
    }

    private void OnEnded(TunnelEnded ended)
    {
        if (!_tunnels.Remove(ended.Index))
            return;
        _freeIndices.Enqueue(ended.Index.Value);
        if (ended.WasUp)
            Log.Info($"tunnel to {ended.Peer} ended: {ended.Reason}");
        else
            Log.Debug($"tunnel to {ended.Peer} did not come up: {ended.Reason}");
        if (ended.IsClient)
        {
            int failures = _retries.TryGetValue(ended.Peer, out Retry retry) ? retry.Failures + 1 : 1;
            TimeSpan delay = ended.WasUp ? TimeSpan.Zero : Backoff(failures);
            _retries[ended.Peer] = new Retry(failures, Context.Now + delay);
        }

        // Soon, but not at once: the other end of a lost tunnel is busy noticing it too.
        if (ended.WasUp || _tunnels.Count == 0)
            Context.Timers.StartSingle(nameof(TunnelEnded), Tick.Instance, TimeSpan.FromMilliseconds(100 + Context.Random.Next(400)));
    }

    private TimeSpan Backoff(int failures)
    {
        double delay = Math.Min(_options.MaxRetryDelay.TotalSeconds, _options.MinRetryDelay.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        return TimeSpan.FromSeconds(delay * (0.75 + (0.5 * Context.Random.NextDouble())));
    }

    private void OnSeenAt(ObservedEndpoint seen)
    {
        if (ToAddress(seen) is not { } address || _options.Listen is not { } listen || !_options.LocalAddresses.Contains(address))
            return;
        var advertised = new AdvertisedAddress(address.ToString(), (ushort)listen.Port, AddressProtocol.Mesh);
        if (_advertised.Any(a => a.IsSamePlace(advertised)) || _advertised.Count >= AddressList.MaxCount)
            return;
        _advertised = new AddressList([.. _advertised, advertised]);
        AdvertisedChanged();
    }

    private void AdvertisedChanged()
    {
        Log.Info($"others can reach us at {_advertised}");
        _bootstrap.Tell(new AdvertisedAddressesChanged(_advertised));
        foreach (Entry tunnel in _tunnels.Values.Where(t => t.IsUp))
            tunnel.Actor.Tell(new TellPeers(new PeerAddresses([new PeerAddressEntry(_options.Self, _advertised)])));
    }

    private TunnelIndex? TakeIndex()
    {
        // Indices rest a while before they are used again, so that late datagrams of the old tunnel meet nobody.
        if (_freeIndices.Count > 64 || _nextIndex > DataPlaneEngine.MaxTunnels)
            return _freeIndices.TryDequeue(out int reused) ? new TunnelIndex(reused) : null;
        return new TunnelIndex(_nextIndex++);
    }

    private static IPEndPoint? ToEndpoint(AdvertisedAddress address) =>
        IPAddress.TryParse(address.Host, out IPAddress? host) ? new IPEndPoint(host, address.Port) : null;

    private static IPAddress? ToAddress(ObservedEndpoint seen)
    {
        Span<byte> octets = stackalloc byte[16];
        switch (seen.Family)
        {
            case EndpointFamily.Ipv4:
                BinaryPrimitives.WriteUInt32BigEndian(octets, (uint)seen.Address);
                return new IPAddress(octets[..4]);
            case EndpointFamily.Ipv6:
                BinaryPrimitives.WriteUInt128BigEndian(octets, seen.Address);
                return new IPAddress(octets);
            default:
                return null;
        }
    }

    private sealed record Entry(ActorRef Actor, NodePrefix Peer, bool IsClient, bool IsUp);

    private readonly record struct Retry(int Failures, TimeSpan NotBefore);

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}

/// <summary>We have no tunnel and want to know somebody: the answer goes to the address book.</summary>
public sealed record BootstrapWanted;

/// <summary>The addresses at which others can reach us have changed.</summary>
public sealed record AdvertisedAddressesChanged(AddressList Addresses);

/// <summary>A port of the machine cannot be had. The message is a sentence for the operator.</summary>
public sealed class PortUnavailableException(string message) : Exception(message);
