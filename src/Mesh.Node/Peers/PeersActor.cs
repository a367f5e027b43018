using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Node.Peers;

/// <summary>Messages between nodes: takes the datagrams in, tells which session they belong to, checks certificates, answers what peers ask.</summary>
/// <remarks>
/// <code>
/// peers
///   remembered*      certificates over restarts
///   2-16             the session with node 2/16, and so on
/// </code>
/// A peer is known by the subnet of its source address, whatever the address and the port. Protocol reference 4.
/// </remarks>
public sealed partial class PeersActor : Actor
{
    private static readonly TimeSpan UpkeepInterval = TimeSpan.FromSeconds(60);

    private readonly PeerPorts _ports;
    private readonly ActorRef _addressBook;
    private readonly NodeInformation _software;
    private readonly Dictionary<NodePrefix, Entry> _peers = [];
    private readonly SortedDictionary<int, int> _lengths = [];   // how many peers there are with a prefix of so many bits
    private readonly SortedDictionary<int, TunnelStatus> _tunnels = [];
    private readonly Dictionary<NodePrefix, (byte[] Certificate, SessionKey Floor)> _recalled = [];
    private readonly PeerCounters _counters = new();
    private readonly SessionKey _startFloor;
    private ActorRef? _remembered;
    private NodeIdentity _identity;
    private IReadOnlySet<ulong> _revoked = new HashSet<ulong>();
    private NodePrefix? _registryNode;
    private NetworkVersion? _version;
    private AddressList _advertised = AddressList.Empty;
    private ImmutableArray<NodeRoute> _routes = [];

    /// <summary>Makes the actor.</summary>
    /// <param name="identity">Who we are.</param>
    /// <param name="options">Limits and timers.</param>
    /// <param name="ports">The node's ports.</param>
    /// <param name="addressBook">Gets the addresses that peers tell.</param>
    /// <param name="software">What we say when we are asked.</param>
    public PeersActor(NodeIdentity identity, PeersOptions options, NodePorts ports, ActorRef addressBook, NodeInformation software)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(ports);
        (_identity, _addressBook, _software) = (identity, addressBook, software);
        _ports = new PeerPorts(ports.Peers, ports.WorkPool, ports.Entropy, options, _counters, new TokenBucket(options.SecretsPerSecond, options.SecretsPerSecond), Self);
        DeterministicRandom random = Context.Random.Fork();
        _checks = new TokenBucket(options.ChecksPerSecond, options.ChecksPerSecond);
        _checksBySource = new SourceLimiter(options.ChecksPerSecondAndSource, burst: 4 * options.ChecksPerSecondAndSource, random.NextUInt64());
        _startFloor = SessionKey.FloorAt(Context.UtcNow);
    }

    private PeersOptions Options => _ports.Options;

    /// <summary>Declares what the actors store.</summary>
    public static Actors.Persistence.EventSchema AddTo(Actors.Persistence.EventSchema schema) => RememberedPeersActor.AddTo(schema);

    /// <inheritdoc/>
    protected override void PreStart()
    {
        EventStream events = Context.System.EventStream;
        events.Subscribe<IdentityChanged>(Self);
        events.Subscribe<NetworkParametersChanged>(Self);
        events.Subscribe<VersionLearned>(Self);
        events.Subscribe<TunnelStatus>(Self);
        events.Subscribe<RoutesPublished>(Self);
        events.Subscribe<AskPeerAddress>(Self);
        events.Subscribe<TellOfKill>(Self);
        events.Publish(new AdvertisedAddressesWanted(Self));
        events.Publish(new NetworkParametersWanted(Self));
        _remembered = Context.ActorOf(Props.Create(() => new RememberedPeersActor(Options.MaxRemembered, Self)), "remembered");
        _ports.Port.Attach(Self);
        Context.Timers.StartPeriodic(UpkeepDue.Instance, UpkeepDue.Instance, Context.Random.NextTimeSpan(UpkeepInterval / 2, UpkeepInterval), UpkeepInterval);
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case PeerDatagramReceived datagram:
                _ports.Port.Handled();
                OnDatagram(datagram);
                break;
            case PeerSpoke spoke when _peers.ContainsKey(spoke.Peer):
                OnSpoke(spoke);
                break;
            case WorkDone { Tag: Check check } done:
                OnChecked(check, done.Result as Certificate);
                break;
            case WorkRejected or WorkFailed:
                _counters.Add(PeerCounter.WorkRefused);
                break;
            case PeerReady ready when _peers.ContainsKey(ready.Peer):
                OnReady(ready);
                break;
            case PeerSilent silent when _peers.TryGetValue(silent.Peer, out Entry? entry) && entry.Record.Session is null:
                Remove(entry);
                break;
            case PeerSpoke or PeerReady or PeerSilent:
                break;   // of a session that has been ended meanwhile
            case TellPeer tell:
                Tell(tell.Peer, tell.Code, tell.Data);
                break;
            case AskPeerAddress ask:
                Tell(ask.Peer, PeerCode.Address, default);
                break;
            case TellOfKill tell:
                Tell(tell);
                break;
            case GetPeersStatus:
                DateTimeOffset epoch = Context.UtcNow - Context.Now;
                Sender.Tell(new PeersStatus([.. _peers.Values.Select(entry => entry.Record.ToStatus(epoch)).OrderBy(static status => status.Peer)], _counters.ToImmutable()));
                break;
            default:
                OnNews(message);
                break;
        }
    }

    private void OnNews(object message)
    {
        switch (message)
        {
            case UpkeepDue:
                Upkeep();
                break;
            case VersionLearned learned:
                _version = learned.Version;
                Spread();
                break;
            case NetworkParametersChanged changed:
                _registryNode = changed.Parameters.RegistryPrefix;
                _revoked = changed.Parameters.RevokedSerials;
                ExpelWhoMayNotTakePart();
                break;
            case IdentityChanged changed:
                _identity = changed.Identity;
                foreach (Entry entry in _peers.Values)
                    entry.Actor.Tell(new UseIdentity(_identity));
                break;
            case TunnelStatus { IsGone: true } gone:
                _tunnels.Remove(gone.Index.Value);
                break;
            case TunnelStatus status:
                OnTunnel(status);
                break;
            case RoutesPublished routes:
                OnRoutes(routes);
                break;
            case AdvertisedAddressesChanged changed:
                _advertised = changed.Addresses;
                break;
            case PeersRecalled recalled:
                Recall(recalled);
                break;
            case PeerPortFailed failed:
                throw new PortUnavailableException(failed.Reason);
            default:
                Unhandled(message);
                break;
        }
    }

    private void Tell(NodePrefix peer, byte code, ReadOnlyMemory<byte> data)
    {
        if (FindToTell(peer) is { } entry)
            entry.Actor.Tell(new Tell(code, data));
    }

    private Entry? FindToTell(NodePrefix peer)
    {
        Entry? entry = peer == _identity.Prefix || !peer.FitsIn(_identity.Network) ? null : FindOrAdd(peer);
        if (entry is null)
            _counters.Add(PeerCounter.Undelivered);
        return entry;
    }

    private void OnReady(PeerReady ready)
    {
        Entry entry = _peers[ready.Peer];
        Context.Note((ulong)ready.Peer.Value);
        if (ready.IsOurTurn)
        {
            NetworkVersion version = _version ?? NetworkVersion.Initial;
            entry.Version = Newer(entry.Version, version);
            entry.Actor.Tell(new TellFirst(PeerCode.NetworkVersion, version.Blob.AsMemory()));
        }

        if (Options.TellsCapabilities && entry.Record.Features is null)
            entry.Actor.Tell(new Tell(PeerCode.Capabilities, OwnCapabilities(isAnswer: false)));
        _remembered!.Tell(new PeerRemembered(ready.Peer.CommonName, [.. ready.Certificate.Der], ready.Secret.Time));
    }

    // A peer that was remembered is made when it is needed; until then its certificate waits here.
    private void Recall(PeersRecalled recalled)
    {
        foreach (PeerRemembered peer in recalled.Peers)
        {
            if (!NodePrefix.TryParseCommonName(peer.Peer, out NodePrefix prefix))
                continue;
            SessionKey floor = SessionKey.FloorAt(peer.SecretTime.AddMicroseconds(1));
            _recalled[prefix] = (peer.Certificate, floor.IsNewerThan(_startFloor) ? floor : _startFloor);
        }
    }

    private Entry? FindOrAdd(NodePrefix peer)
    {
        if (_peers.TryGetValue(peer, out Entry? entry))
            return entry;
        if (_peers.Count >= Options.MaxPeers && !MakeRoom())
            return null;
        var record = new PeerRecord(peer, Context.Now) { Floor = _startFloor };
        if (_recalled.Remove(peer, out (byte[] Certificate, SessionKey Floor) known))
        {
            record.Floor = known.Floor;
            if (IsGood(known.Certificate, peer, out Security.Certificates.NodeCertificate? certificate))
                record.Certificate = certificate;
        }

        NodeIdentity identity = _identity;
        entry = new Entry(Context.ActorOf(PeerActor.Create(_ports, record, identity), $"{peer.Value}-{peer.Length}"), record);
        _peers.Add(peer, entry);
        _lengths[peer.Length] = _lengths.GetValueOrDefault(peer.Length) + 1;
        return entry;
    }

    // Whoever was quiet for longest goes; sessions that work go last.
    private bool MakeRoom()
    {
        Entry? victim = _peers.Values.MinBy(static entry => (entry.Record.State == PeerState.Connected, entry.Record.QuietSince));
        if (victim is null)
            return false;
        _counters.Add(PeerCounter.Evicted);
        Remove(victim);
        return true;
    }

    private void Remove(Entry entry)
    {
        NodePrefix peer = entry.Record.Prefix;
        _peers.Remove(peer);
        if (--_lengths[peer.Length] == 0)
            _lengths.Remove(peer.Length);
        Context.Stop(entry.Actor);
    }

    // Who was revoked, or whose certificate has ended, has no session any more.
    private void ExpelWhoMayNotTakePart()
    {
        foreach (Entry entry in _peers.Values.Where(MayNotTakePart).ToArray())
        {
            Log.Info($"session with {entry.Record.Prefix} ended: its certificate may not be used any more");
            _counters.Add(PeerCounter.Expelled);
            _remembered!.Tell(new PeerDropped(entry.Record.Prefix.CommonName));
            Remove(entry);
        }
    }

    private bool MayNotTakePart(Entry entry) =>
        entry.Record.Certificate is { } certificate && (_revoked.Contains(certificate.SerialNumber) || certificate.NotAfter < Context.UtcNow);

    private void Upkeep()
    {
        ExpelWhoMayNotTakePart();
        MeetRegistryNode();
    }

    private sealed class Entry(ActorRef actor, PeerRecord record)
    {
        public ActorRef Actor => actor;

        public PeerRecord Record => record;

        /// <summary>The newest version that it is known to know: it said so, or we told it.</summary>
        public NetworkVersion? Version { get; set; }

        /// <summary>Limits the versions of it whose signature is checked; null before the first.</summary>
        public TokenBucket? Versions { get; set; }

        /// <summary>Limits what it writes into our log; null before the first.</summary>
        public TokenBucket? Logs { get; set; }
    }

    private sealed class UpkeepDue
    {
        public static readonly UpkeepDue Instance = new();
    }
}
