using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels.Killers;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <summary>Chooses, opens, serves and retires tunnels.</summary>
/// <remarks>
/// Keeps <see cref="TunnelsOptions.ClientCount"/> tunnels open to random peers, replaces the one that is worth least every so often, asks for a bootstrap peer while none is up (and seldom
/// while some are missing), and accepts <see cref="TunnelsOptions.MaxClients"/>. Two nodes have one tunnel: where both opened one, the node with the smaller prefix gives up its own
/// (as re6st does), and of two in the same direction the newer one stays, since the older one's peer has forgotten it.
/// </remarks>
public sealed partial class TunnelsActor : Actor
{
    private const int MaxDialled = 4;   // addresses of a peer in one attempt
    private const string DuplicateText = "another tunnel between the two nodes stays";

    private readonly TunnelPorts _ports;
    private readonly ActorRef _killer;
    private readonly ActorRef _addressBook;
    private readonly ActorRef _bootstrap;
    private readonly Dictionary<TunnelIndex, Entry> _tunnels = [];
    private readonly Dictionary<NodePrefix, Retry> _retries = [];
    private readonly Queue<int> _freeIndices = new();
    private static readonly TimeSpan KnownPeersPause = TimeSpan.FromMilliseconds(100);

    private TunnelsOptions _options;
    private AddressList _advertised;
    private NetworkVersion? _version;
    private TimeSpan _refreshInterval;
    private int _nextIndex = 1;
    private TimeSpan _lookedAt = -KnownPeersPause;
    private ImmutableArray<PeerAddressEntry> _known = [];

    /// <summary>Makes a manager.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="ports">The tunnels' ports; <see cref="TunnelPorts.Manager"/> is replaced by this actor.</param>
    /// <param name="addressBook">Gets <see cref="PeersSeen"/> and tells <see cref="KnownPeers"/>.</param>
    /// <param name="bootstrap">Gets <see cref="BootstrapWanted"/> while there is no tunnel.</param>
    /// <param name="killer">Gets <see cref="DestroyTunnel"/>, see <see cref="KillersActor"/>.</param>
    public TunnelsActor(TunnelsOptions options, TunnelPorts ports, ActorRef addressBook, ActorRef bootstrap, ActorRef killer)
    {
        (_options, _addressBook, _bootstrap, _killer, _refreshInterval) = (options, addressBook, bootstrap, killer, options.RefreshInterval);
        _ports = ports with { Manager = Self, IsOnlyTunnel = ClaimOnlyTunnel };
        _advertised = options.Advertised;
        if (options.Country is { } country)
            SetCountry(country);
    }

    /// <summary>For how many peers a failure is remembered.</summary>
    public int RetryCount => _retries.Count;

    private int ClientTunnels => _tunnels.Values.Count(t => t.IsClient);

    private bool IsIsolated => !_tunnels.Values.Any(t => t is { IsUp: true, IsClosing: false });

    /// <summary>A tunnel is cheap to open anew and its keys must not be used twice, so one that fails is not restarted.</summary>
    protected override SupervisorStrategy SupervisorStrategy => SupervisorStrategy.Stopping;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        if (_options.Listen is { } listen)
            _ports.Streams.Listen(listen, Self);
        Begin();
    }

    // The port goes on to hand in the streams that it accepts: our reference is the same.
    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        Begin();
        _killer.Tell(new TunnelsLost(), Self);
        Context.System.EventStream.Publish(new NetworkParametersWanted(Self));
        Context.System.EventStream.Publish(new CertificateStatusWanted(Self));
        Context.System.EventStream.Publish(new MappedAddressesWanted(Self));
    }

    private void Begin()
    {
        _isolatedSince = Context.Now;
        RestartRefresh();
        Context.System.EventStream.Subscribe<DestructionChanged>(Self);
        Context.System.EventStream.Subscribe<TunnelsWanted>(Self);
        Context.System.EventStream.Subscribe<PeerKillRequested>(Self);
        Context.System.EventStream.Subscribe<PeerKillAnswered>(Self);
        Context.System.EventStream.Subscribe<NetworkParametersChanged>(Self);
        Context.System.EventStream.Subscribe<VersionLearned>(Self);
        Context.System.EventStream.Subscribe<RoutesPublished>(Self);
        Context.System.EventStream.Subscribe<KnownPeers>(Self);
        Context.System.EventStream.Subscribe<MappedAddressesChanged>(Self);
        Context.System.EventStream.Subscribe<AdvertisedAddressesWanted>(Self);
        Context.System.EventStream.Subscribe<RoutingLinksWanted>(Self);
        Context.System.EventStream.Subscribe<IdentityChanged>(Self);
        Context.System.EventStream.Subscribe<CertificateStatus>(Self);
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
                EndDuplicates();
                RefreshIfDue();
                OpenMissing();
                HideAgain();
                break;
            case KnownPeers known:
                OnKnownPeers(known);
                break;
            case StreamListening listening:
                Log.Info($"tunnels are accepted at {listening.Local}");
                break;
            case StreamListenFailed failed:
                throw new PortUnavailableException($"tunnels cannot be accepted at {failed.Local}: {failed.Reason}");
            case StreamOpened opened:
                Accept(opened);
                break;
            case TunnelGreeted greeted when IsFromTunnel(greeted.Index, out Entry? entry):
                OnGreeted(entry, greeted.IsIsolated);
                break;
            case TunnelUp up when IsFromTunnel(up.Index, out Entry? entry):
                OnUp(up, entry);
                break;
            case TunnelEnded ended when IsFromTunnel(ended.Index, out _):
                OnEnded(ended);
                break;
            case PeerRenewed renewed when IsFromTunnel(renewed.Index, out Entry? entry):
                OnPeerRenewed(entry, renewed.Certificate);
                break;
            case CloseAsked asked when IsFromTunnel(asked.Index, out Entry? entry):
                OnCloseAsked(entry, asked);
                break;
            case CloseAnswered answered when IsFromTunnel(answered.Index, out _):
                _killer.Tell(new PeerAnsweredDestruction(answered.Index, answered.Round, answered.Agrees), Self);
                break;
            case DestructionChanged changed:
                OnDestructionChanged(changed);
                break;
            case DestructionForced forced:
                OnDestructionForced(forced);
                break;
            case TunnelsWanted wanted:
                wanted.By.Tell(new TunnelsThere([.. _tunnels.Values.Where(static t => t is { IsUp: true, IsClosing: false }).Select(ToDoomed)]), Self);
                break;
            case TunnelResumes resumes when IsFromTunnel(resumes.Index, out Entry? entry):
                OnResumes(resumes, entry);
                break;
            case UnderlayChanged:
                OnUnderlayChanged();
                break;
            case TunnelGreeted or TunnelUp or TunnelEnded or PeerRenewed or TunnelResumes or CloseAsked or CloseAnswered:
                break;   // of a tunnel of our own past, from before a restart
            case Terminated { Actor: var actor }:
                OnTerminated(actor);
                break;
            case AdvertisedAddressesWanted wanted:
                wanted.By.Tell(new AdvertisedAddressesChanged(_advertised));
                break;
            case RoutingLinksWanted wanted:
                foreach (Entry tunnel in _tunnels.Values.Where(t => t.IsUp))
                    tunnel.Actor.Tell(wanted);
                break;
            case PeersLearned learned:
                OnPeersLearned(learned);
                break;
            case CountryFound found:
                OnCountry(found);
                break;
            case SeenAt seen:
                OnSeenAt(seen.Endpoint);
                break;
            case MappedAddressesChanged changed:
                OnMapped(changed);
                break;
            case NetworkParametersChanged changed:
                OnParameters(changed);
                break;
            case RoutesPublished published:
                _routes = published.Routes;
                break;
            case VersionLearned learned:
                _version = learned.Version;
                if (_options.TellsVersion)
                    TellVersionTo(_tunnels.Values.Where(static t => t is { IsUp: true, IsClosing: false }));
                break;
            case IdentityChanged changed:
                OnIdentity(changed.Identity);
                break;
            case CertificateStatus status:
                OnCertificate(status);
                break;
            case CertificateEnds:
                CloseEnded();
                break;
            default:
                if (!ReceiveOpenVpn(message))
                    Unhandled(message);
                break;
        }
    }

    private bool IsFromTunnel(TunnelIndex index, [NotNullWhen(true)] out Entry? entry) => _tunnels.TryGetValue(index, out entry) && entry.Actor == Sender;

    private void OnKnownPeers(KnownPeers known)
    {
        if (HasNewcomer(_known, known.Peers))
            (_moreWanted, _moreWantedAt) = (0, null);
        _known = known.Peers;
        // What was learnt about nodes that the address book has forgotten is forgotten too, or it would grow for ever.
        if (_retries.Count > 0)
        {
            var prefixes = _known.Select(static p => p.Prefix).ToHashSet();
            foreach (NodePrefix peer in _retries.Keys.Where(p => !prefixes.Contains(p)).ToArray())
                _retries.Remove(peer);
        }

        // Addresses come one by one while a network comes up, and each time all that is known would be gone through.
        TimeSpan next = _lookedAt + KnownPeersPause;
        if (Context.Now >= next || _tunnels.Count == 0)
        {
            _lookedAt = Context.Now;
            OpenMissing();
        }
        else if (!Context.Timers.IsActive(nameof(KnownPeers)))
            Context.Timers.StartSingle(nameof(KnownPeers), Tick.Instance, next - Context.Now);
    }

    // Both in the order of prefixes.
    private static bool HasNewcomer(ImmutableArray<PeerAddressEntry> before, ImmutableArray<PeerAddressEntry> after)
    {
        int place = 0;
        foreach (PeerAddressEntry peer in after)
        {
            while (place < before.Length && before[place].Prefix < peer.Prefix)
                place++;
            if (place == before.Length || before[place].Prefix != peer.Prefix)
                return true;
        }

        return false;
    }

    private void OpenMissing()
    {
        if (!_mayServe)
            return;
        int missing = ClientLimit - ClientTunnels;
        PeerAddressEntry[] candidates = missing > 0 ? Candidates() : [];
        int asked = missing > 0 ? AskForAddresses(missing, candidates.Length) : 0;
        foreach (PeerAddressEntry candidate in candidates.Take(missing - asked))
            Open(candidate);
        LookAtRegistryRoute();
        if (IsIsolated && !IsOnLan)
            WantBootstrap();
        else if (IsCutOff)
            LookForOthers();
        else if (missing > 0 && candidates.Length + asked == 0)
            WantMore();
    }

    private bool IsCandidate(PeerAddressEntry peer) =>
        peer.Prefix != _options.Self
        && !_tunnels.Values.Any(t => t.Peer == peer.Prefix)
        && IsDue(peer.Prefix)
        && peer.Addresses.Any(IsUsable);

    private void Open(PeerAddressEntry peer)
    {
        int attempt = _retries.TryGetValue(peer.Prefix, out Retry retry) ? retry.Failures : 0;
        AdvertisedAddress[] usable = [.. peer.Addresses.Where(IsUsable).OrderBy(static a => a.Protocol != AddressProtocol.Mesh)];   // native ones first
        if (usable.Length == 0 || TakeIndex() is not { } index)
            return;
        RestartRefresh();
        AdvertisedAddress address = usable[attempt % usable.Length];
        AdvertisedAddress[] native = address.Protocol == AddressProtocol.Mesh ? InTurn(usable, address) : [];
        Props props = native.Length > 0
            ? TunnelActor.Client(index, peer.Prefix, [.. native.Select(static a => ToEndpoint(a)!)], _options.TunnelNow, _ports)
            : OpenVpnTunnelActor.Client(index, OrderFor(index, peer.Prefix, address), _ports);
        Entry entry = Add(index, peer.Prefix, isClient: true, props);
        (entry.Dialled, entry.DialledBeside) = (address, native);
    }

    // The one whose turn it is first, the other family next, and so on: where one of the two does not work here, the next attempt is with the other (RFC 8305 section 4).
    private static AdvertisedAddress[] InTurn(AdvertisedAddress[] usable, AdvertisedAddress first)
    {
        AdvertisedAddress[] native = [.. usable.Where(static a => a.Protocol == AddressProtocol.Mesh).OrderBy(a => a != first)];
        AddressFamily family = ToEndpoint(first)!.AddressFamily;
        AdvertisedAddress[] same = [.. native.Where(a => ToEndpoint(a)!.AddressFamily == family)], other = [.. native.Except(same)];
        return [.. same.Index().Concat(other.Index()).OrderBy(static a => a.Index).Select(static a => a.Item).Take(MaxDialled)];
    }

    private Entry Add(TunnelIndex index, NodePrefix peer, bool isClient, Props props)
    {
        ActorRef actor = Context.ActorOf(props, $"tunnel-{index.Value}");
        Context.Watch(actor);
        var entry = new Entry(index, actor, peer, isClient);
        _tunnels.Add(index, entry);
        return entry;
    }

    private void OnUp(TunnelUp up, Entry mine)
    {
        if (mine.DialledBeside.Where(a => ToEndpoint(a)!.Equals(up.Remote)).Select(static a => (AdvertisedAddress?)a).FirstOrDefault() is { } answered)
            mine.Dialled = answered;
        NoteUp(mine, up.Peer);
        mine.IsHidden = up.Cipher != SealingCipher.Aes256Gmac;
        Watch(mine, up.Certificate);
        if (mine.IsClosing)
            return;   // it came up while it was told to close
        if (!_ports.Identify(up.Certificate, out _, out string problem))
        {
            Close(mine, CloseReason.NotAllowed, problem);   // it was revoked while the keys were exchanged
            return;
        }

        if (!StaysBesideOthers(up.Index, mine))
            return;
        Log.Info($"tunnel to {up.Peer} is up ({(up.IsClient ? "opened" : "accepted")})");
        mine.Actor.Tell(new TellPeers(PeersToShare(up.Peer)));
        if (_options.TellsVersion)
            TellVersionTo([mine]);   // one of us may have slept
    }

    private void NoteUp(Entry mine, NodePrefix peer)
    {
        _retries.Remove(peer);
        (_bootstrapAsked, _bootstrapAgainAt) = (0, TimeSpan.Zero);
        (mine.IsUp, mine.UpSince) = (true, Context.Now);
        if (mine.Dialled is { } address)
            _addressBook.Tell(new AddressWorked(peer, address));
    }

    // Closes what is too much between two nodes, or doubts it first.
    private bool StaysBesideOthers(TunnelIndex mineIndex, Entry mine)
    {
        foreach ((TunnelIndex index, Entry other) in _tunnels.Where(t => t.Key != mineIndex && t.Value.Peer == mine.Peer).ToArray())
        {
            if (!other.IsUp || other.IsClosing)
                continue;   // it is looked at when it comes up
            if (other.IsClient == mine.IsClient)
            {
                Close(other, CloseReason.Duplicate, DuplicateText);   // what goes into it is lost anyway
                continue;
            }

            if (other.SerialNumber is null)
            {
                other.Actor.Tell(new DoubtTunnel());   // before one of the two goes, see EndDuplicates
                continue;
            }

            Entry loser = LoserOf(mine, other);
            Destroy(loser, CloseReason.Duplicate, DuplicateText, isForced: false);
            if (loser == mine)
                return false;
        }

        return true;
    }

    private void TellVersionTo(IEnumerable<Entry> tunnels)
    {
        if (_version is null)
            return;
        foreach (Entry tunnel in tunnels)
            tunnel.Actor.Tell(new TellVersion(_version));
    }

    private Entry LoserOf(Entry one, Entry other)
    {
        if (one.IsClient == other.IsClient)
            return one.UpSince <= other.UpSince ? one : other;
        // The node with the smaller prefix gives up the tunnel that it opened; both ends come to the same answer.
        bool weGiveUp = _options.Self < one.Peer;
        return one.IsClient == weGiveUp ? one : other;
    }

    private static void Close(Entry tunnel, CloseReason reason, string text)
    {
        (tunnel.IsClosing, tunnel.IsRefused) = (true, reason == CloseReason.NotAllowed);
        tunnel.Actor.Tell(new CloseTunnel(reason, text));
    }

    private void OnEnded(TunnelEnded ended)
    {
        _tunnels.Remove(ended.Index, out Entry? entry);
        Forget(ended.Index);
        TellGone(ended.Index, entry!);
        if (ended.WasUp)
            Log.Info($"tunnel to {ended.Peer} ended: {ended.Reason}");
        else
            Log.Debug($"tunnel to {ended.Peer} did not come up: {ended.Reason}");
        if (ended.PeerReason == CloseReason.NotAllowed)
            Context.System.EventStream.Publish(new CertificateDoubted(ended.Peer));
        if (ended.IsClient)
            Remember(ended, entry!);
        if (ended.WasUp && IsIsolated)
            _isolatedSince = Context.Now;

        // Soon, but not at once: the other end of a lost tunnel is busy noticing it too.
        if (ended.WasUp || _tunnels.Count == 0)
            Context.Timers.StartSingle(nameof(TunnelEnded), Tick.Instance, TimeSpan.FromMilliseconds(100 + Context.Random.Next(400)));
    }

    // A tunnel that could not even be made says nothing when it ends.
    private void OnTerminated(ActorRef actor)
    {
        foreach ((TunnelIndex index, Entry entry) in _tunnels)
        {
            if (entry.Actor != actor)
                continue;
            _tunnels.Remove(index);
            Forget(index);
            TellGone(index, entry);
            if (entry.IsClient)
                Remember(new TunnelEnded(index, entry.Peer, entry.IsClient, WasUp: false, "it failed"), entry);
            return;
        }
    }

    private void Forget(TunnelIndex index)
    {
        _freeIndices.Enqueue(index.Value);
        if (_onlyTunnel == index)
            _onlyTunnel = null;
    }

    private void OnParameters(NetworkParametersChanged changed)
    {
        _options = _options with { ClientCount = changed.Parameters.ClientCount, MaxClients = changed.Parameters.MaxClients, Encrypts = changed.Parameters.Encrypt };
        _registry = changed.Parameters.RegistryPrefix;
        OnOpenVpnTerms(changed.Parameters);
        OnCountries(changed.Parameters.SameCountry);
        if (_refreshInterval != changed.Parameters.TunnelRefresh)
        {
            _refreshInterval = changed.Parameters.TunnelRefresh;
            RestartRefresh();
        }

        HideAgain();
        foreach (Entry tunnel in _tunnels.Values.Where(t => t is { IsUp: true, IsClosing: false }))
        {
            if (!MayStay(tunnel, out string problem))
                Close(tunnel, CloseReason.NotAllowed, problem);
        }
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

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }
}
