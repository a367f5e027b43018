using System.Collections.Immutable;
using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Node.Joining;
using Mesh.Node.Parameters;
using Mesh.Node.PortMapping;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Simulation.Invariants;
using Mesh.Simulation.Ports;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.World;

/// <summary>A node on a simulated machine: joins at its first boot, then runs the production actors.</summary>
public sealed partial class SimulatedNode
{
    /// <summary>Port of control streams and datagrams.</summary>
    public const int Port = 1326;

    private static readonly TimeSpan WorkTime = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan ExitTime = TimeSpan.FromMilliseconds(1);

    private readonly SimulatedRegistry _registry;
    private readonly SimulatedCryptography _cryptography;
    private readonly PrivateKey _key;
    private readonly NodeOptions _options;
    private readonly SortedDictionary<int, TunnelStatus> _tunnels = [];
    private readonly Dictionary<int, KillerState> _destructions = [];
    private readonly Dictionary<int, Ipv6Prefix[]> _locking = [];   // where routes led over a tunnel that has just been made unusable
    private readonly List<LockLoss> _lockLosses = [];
    private readonly RankReport _report;
    private Joined? _joined;
    private NodeIdentity? _identity;
    private string? _joinProblem;
    private string? _refusal;
    private bool _hasStarted;   // since it last was switched on
    private int _orderlyEnds;
    private ImmutableArray<NodeRoute> _routes = [];
    private NetworkVersion? _version;
    private TimeSpan _parametersSince;
    private CertificateStatus? _certificate;
    private TimeSpan? _startedAt;
    private int _renewals;

    private static readonly PortMappingOptions Mapping = new()
    {
        Ports = [new PortToMap(TransportProtocol.Tcp, Port, AddressProtocol.Mesh), new PortToMap(TransportProtocol.Udp, Port, null)],
        Methods = [PortMappingMethod.Pcp],
    };

    /// <summary>Makes a node that is switched off.</summary>
    /// <param name="machine">Where it runs.</param>
    /// <param name="registry">Where it joins.</param>
    /// <param name="cryptography">What it signs and encrypts with.</param>
    /// <param name="number">Its number, which says which key it has.</param>
    /// <param name="options">Its settings.</param>
    public SimulatedNode(Machine machine, SimulatedRegistry registry, SimulatedCryptography cryptography, int number, NodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(cryptography);
        ArgumentNullException.ThrowIfNull(options);
        (Machine, _registry, _cryptography, _key) = (machine, registry, cryptography, cryptography.KeyOf(number));
        _options = options with
        {
            Tunnels = options.Tunnels with
            {
                Listen = new IPEndPoint(IPAddress.Any, Port),
                LocalAddresses = machine.Addresses.ToHashSet(),
                Advertised = new AddressList([.. machine.Addresses.Where(machine.Reaches).Select(static address => new AdvertisedAddress(address.ToString(), Port, AddressProtocol.Mesh))]),
                Tunnel = options.Tunnels.Tunnel with { UdpPort = Port },
            },
            PortMapping = MapsPorts ? Mapping : null,
        };
        _report = new RankReport(machine.Engine, machine.Lane, WriteReport, ReadReport);
    }

    /// <summary>Where it runs.</summary>
    public Machine Machine { get; }

    /// <summary>Who it is, once it has joined.</summary>
    public NodeIdentity? Identity => Seen(ref _identity);

    /// <summary>Its packet forwarding, while it runs; null where another rank computes it.</summary>
    public SimulatedDataPlane? DataPlane { get; private set; }

    /// <summary>Its programs, while it runs; null where another rank computes it.</summary>
    public SimulatedHost? Host { get; private set; }

    /// <summary>The protocol that its program speaks.</summary>
    public int Protocol => _options.Protocol;

    /// <summary>Why its program has ended by itself, since it last was switched on, or null.</summary>
    public string? Refusal => Seen(ref _refusal);

    /// <summary>Why it could not join, or null.</summary>
    public string? JoinProblem => Seen(ref _joinProblem);

    /// <summary>True while the node's actors run and the machine is awake.</summary>
    public bool IsRunning => Machine.IsAwake && _hasStarted;

    /// <summary>Where others reach it through a NAT box that maps ports, since it last was switched on; known where it is computed.</summary>
    public AddressList Mapped { get; private set; } = AddressList.Empty;

    /// <summary>Its tunnels.</summary>
    public IReadOnlyCollection<TunnelStatus> Tunnels => Seen(_tunnels).Values;

    /// <summary>Tunnels that are being destroyed, by number, and how far that is.</summary>
    public IReadOnlyDictionary<int, KillerState> Destructions => Seen(_destructions);

    /// <summary>How many tunnels it has seen go that both ends had locked before, since it was made.</summary>
    public int OrderlyEnds => Seen(ref _orderlyEnds);

    /// <summary>Routes that it lost because it made a tunnel unusable, since it was made.</summary>
    public IReadOnlyList<LockLoss> LockLosses => Seen(_lockLosses);

    /// <summary>Its routes, in the order of their destinations.</summary>
    public ImmutableArray<NodeRoute> Routes => Seen(ref _routes);

    /// <summary>The network parameters that it uses, or null while it knows none; known where it is computed.</summary>
    public NetworkParameters? Parameters { get; private set; }

    /// <summary>Version of the network parameters that it uses, or null while it knows none.</summary>
    public NetworkVersion? Version => Seen(ref _version);

    /// <summary>Number of that version, 0 while it knows none.</summary>
    public ulong ParametersVersion => Version?.Number ?? 0;

    /// <summary>When it began to use them: time of the world.</summary>
    public TimeSpan ParametersSince => Seen(ref _parametersSince);

    /// <summary>How its certificate is, since it last was switched on.</summary>
    public CertificateStatus? Certificate => Seen(ref _certificate);

    /// <summary>When it was switched on last: time of the world. Null before the first time.</summary>
    public TimeSpan? BootedAt { get; private set; }

    /// <summary>When its actors began to run, since it last was switched on: time of the world.</summary>
    public TimeSpan? StartedAt => Seen(ref _startedAt);

    /// <summary>How many certificates it has got in place of others.</summary>
    public int Renewals => Seen(ref _renewals);

    /// <summary>Loses all that it knows: at its next boot it joins as a node that nobody has seen.</summary>
    /// <exception cref="InvalidOperationException">It is running.</exception>
    public void Reinstall()
    {
        Machine.Reinstall();
        _joined = null;
    }

    /// <summary>Switches it on.</summary>
    public void Boot(ILogSink? log)
    {
        (BootedAt, _startedAt, _hasStarted) = (Machine.WorldTime, null, false);
        _tunnels.Clear();
        _destructions.Clear();
        _locking.Clear();
        _routes = [];
        (Parameters, _version) = (null, null);
        (Host, DataPlane, _certificate, Mapped, _refusal) = (null, null, null, AddressList.Empty, null);
        _report.Change();
        Machine.Boot(NodeActor.AddTo(new EventSchema()), log, system =>
        {
            if (_joined is { } joined)
                Start(system, joined);
            else
                system.ActorOf(Props.Create(() => new Joiner(this)), "join");
        });
    }

    private void Start(ActorSystem system, Joined joined)
    {
        _startedAt = Machine.WorldTime;
        _joined = joined;
        var identity = new NodeIdentity(new CertificateVerifier(joined.Authority), joined.Certificate, joined.Key, system.Loop.UtcNow);
        _identity = identity;
        var streams = new SimulatedStreams(Machine, () => _identity.Certificate.Der.AsMemory(), Judge);
        DataPlane = new SimulatedDataPlane(Machine, streams, Port, _cryptography.Ciphers, forwardsForHost: Machine.Lan is not null);
        SimulatedLan? lan = Machine.Lan is null ? null : new SimulatedLan(Machine);
        Host = new SimulatedHost(Machine, DataPlane, identity.Address, identity.Prefix.FirstAddress(identity.Network), lan);
        _hasStarted = true;
        _report.Change();
        var ports = new NodePorts(
            streams, DataPlane, new SimulatedHttp(Machine), new SeededEntropy(Machine), new SimulatedPeerPort(Machine, Host), new SimulatedWorkPool(WorkTime),
            new SimulatedCredentials(Machine, Keep))
        {
            PortMapping = MapsPorts ? new SimulatedGateway(Machine) : null,
            KernelLinks = lan,
            LinkWatch = lan,
        };
        NodeOptions options = _options with { RegistryUrl = _registry.UrlFor(Machine), LanInterfaces = lan is null ? [] : [SimulatedLan.Interface] };
        ActorRef observer = system.SystemActorOf(Props.Create(() => new Observer(this)), "observer");
        system.EventStream.Subscribe<TunnelStatus>(observer);
        system.EventStream.Subscribe<DestructionChanged>(observer);
        system.EventStream.Subscribe<RoutesPublished>(observer);
        system.EventStream.Subscribe<NetworkParametersChanged>(observer);
        system.EventStream.Subscribe<CertificateStatus>(observer);
        system.EventStream.Subscribe<MappedAddressesChanged>(observer);
        system.EventStream.Subscribe<ActorFailed>(observer);
        system.ActorOf(Props.Create(() => new NodeActor(_identity, options, ports)), "node");
    }

    // As the real program, which says so and ends. Its machine stays on.
    private void End(string reason)
    {
        if (_refusal is not null)
            return;
        _refusal = reason;
        _report.Change();
        Machine.After(ExitTime, Machine.Kill);
    }

    private bool MapsPorts => Machine.Nat is { MapsAt: not null };

    private void Keep(NodeIdentity identity)
    {
        _renewals += identity.Certificate.SerialNumber == _identity?.Certificate.SerialNumber ? 0 : 1;
        _identity = identity;
        _report.Change();
        _joined = new Joined(identity.Verifier.Authority, identity.Certificate, identity.Key);
    }

    // What goes when a tunnel is locked, goes with the next routes.
    private void LookForLosses()
    {
        if (_locking.Count == 0)
            return;
        HashSet<Ipv6Prefix> left = [.. _routes.Select(static route => route.Destination)];
        foreach ((int tunnel, Ipv6Prefix[] destinations) in _locking.OrderBy(static one => one.Key))
        {
            Ipv6Prefix[] lost = [.. destinations.Where(destination => !left.Contains(destination))];
            if (lost.Length > 0)
                _lockLosses.Add(new LockLoss(Machine.WorldTime, tunnel, lost));
        }

        _locking.Clear();
    }

    // The stream port's part of the judgement: is it a certificate of this network that is valid now? Revocation is the actors' part.
    private string? Judge(ReadOnlyMemory<byte> der)
    {
        CertificateVerdict verdict = _identity!.Verifier.Verify(der.Span, Machine.System!.Loop.UtcNow, new HashSet<ulong>(), out _);
        return verdict == CertificateVerdict.Valid ? null : verdict.ToString();
    }

    private sealed class Joiner(SimulatedNode node) : Actor
    {
        private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

        protected override void PreStart() => Join();

        protected override void Receive(object message)
        {
            switch (message)
            {
                case KeyReady:
                    Sender.Tell(new KeyStored());
                    break;
                case Joined joined:
                    node.Start(Context.System, joined);
                    Context.Stop(Self);
                    break;
                case JoinFailed failed:
                    node._joinProblem = failed.Reason;
                    node._report.Change();
                    Context.Timers.StartSingle(nameof(Retry), nameof(Retry), Retry);
                    break;
                case nameof(Retry):
                    Join();
                    break;
                default:
                    Unhandled(message);
                    break;
            }
        }

        private void Join()
        {
            var order = new JoinOrder(node._registry.UrlFor(node.Machine), SimulatedRegistry.Token, Fingerprint.Of(node._registry.Authority.Der.AsSpan()), node._key, []);
            Context.ActorOf(Props.Create(() => new JoinActor(order, new SimulatedHttp(node.Machine), new SimulatedWorkPool(WorkTime), Self)));
        }
    }

    /// <summary>Writes down what the node publishes about itself.</summary>
    private sealed class Observer(SimulatedNode node) : Actor
    {
        protected override void Receive(object message)
        {
            switch (message)
            {
                case TunnelStatus { IsGone: true } gone:
                    node._tunnels.Remove(gone.Index.Value);
                    break;
                case TunnelStatus status:
                    node._tunnels[status.Index.Value] = status;
                    break;
                case DestructionChanged { State: { } state } changed:
                    node._orderlyEnds += state == KillerState.Unlocking && node._destructions.GetValueOrDefault(changed.Index.Value) == KillerState.Locked ? 1 : 0;
                    if (state == KillerState.HardLocking)
                        node._locking[changed.Index.Value] = [.. node._routes.Where(route => route.Tunnel == changed.Index).Select(static route => route.Destination)];
                    node._destructions[changed.Index.Value] = state;
                    break;
                case DestructionChanged over:
                    node._destructions.Remove(over.Index.Value);
                    break;
                case RoutesPublished routes:
                    node._routes = routes.Routes;
                    node.LookForLosses();
                    break;
                case CertificateStatus status:
                    node._certificate = status;
                    break;
                case MappedAddressesChanged changed:
                    node.Mapped = changed.Addresses;
                    break;
                case ActorFailed { Reason: NetworkRefusedException refused }:
                    node.End(refused.Message);
                    break;
                case NetworkParametersChanged changed:
                    node.Parameters = changed.Parameters;
                    node._version = changed.Parameters.Version;
                    node._parametersSince = node.Machine.WorldTime;
                    break;
            }

            node._report.Change();
        }
    }
}
