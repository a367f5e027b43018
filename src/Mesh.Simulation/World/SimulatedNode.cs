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
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.World;

/// <summary>A node on a simulated machine: joins at its first boot, then runs the production actors.</summary>
public sealed class SimulatedNode
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
    private Joined? _joined;

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
    }

    /// <summary>Where it runs.</summary>
    public Machine Machine { get; }

    /// <summary>Who it is, once it has joined.</summary>
    public NodeIdentity? Identity { get; private set; }

    /// <summary>Its packet forwarding, while it runs.</summary>
    public SimulatedDataPlane? DataPlane { get; private set; }

    /// <summary>Its programs, while it runs.</summary>
    public SimulatedHost? Host { get; private set; }

    /// <summary>The protocol that its program speaks.</summary>
    public int Protocol => _options.Protocol;

    /// <summary>Why its program has ended by itself, since it last was switched on, or null.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Why it could not join, or null.</summary>
    public string? JoinProblem { get; private set; }

    /// <summary>True while the node's actors run and the machine is awake.</summary>
    public bool IsRunning => Host is not null && Machine is { System: not null, IsAsleep: false };

    /// <summary>Where others reach it through a NAT box that maps ports, since it last was switched on.</summary>
    public AddressList Mapped { get; private set; } = AddressList.Empty;

    /// <summary>Its tunnels.</summary>
    public IReadOnlyCollection<TunnelStatus> Tunnels => _tunnels.Values;

    /// <summary>Tunnels that are being destroyed, by number, and how far that is.</summary>
    public IReadOnlyDictionary<int, KillerState> Destructions => _destructions;

    /// <summary>How many tunnels it has seen go that both ends had locked before, since it was made.</summary>
    public int OrderlyEnds { get; private set; }

    /// <summary>Routes that it lost because it made a tunnel unusable, since it was made.</summary>
    public IReadOnlyList<LockLoss> LockLosses => _lockLosses;

    /// <summary>Its routes, in the order of their destinations.</summary>
    public ImmutableArray<NodeRoute> Routes { get; private set; } = [];

    /// <summary>The network parameters that it uses, or null while it knows none.</summary>
    public NetworkParameters? Parameters { get; private set; }

    /// <summary>Version of the network parameters it uses, 0 while it knows none.</summary>
    public ulong ParametersVersion => Parameters?.Version.Number ?? 0;

    /// <summary>When it began to use them: time of the world.</summary>
    public TimeSpan ParametersSince { get; private set; }

    /// <summary>How its certificate is, since it last was switched on.</summary>
    public CertificateStatus? Certificate { get; private set; }

    /// <summary>When it was switched on last: time of the world. Null before the first time.</summary>
    public TimeSpan? BootedAt { get; private set; }

    /// <summary>When its actors began to run, since it last was switched on: time of the world.</summary>
    public TimeSpan? StartedAt { get; private set; }

    /// <summary>How many certificates it has got in place of others.</summary>
    public int Renewals { get; private set; }

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
        (BootedAt, StartedAt) = (Machine.WorldTime, null);
        _tunnels.Clear();
        _destructions.Clear();
        _locking.Clear();
        Routes = [];
        Parameters = null;
        (Host, DataPlane, Certificate, Mapped, Refusal) = (null, null, null, AddressList.Empty, null);
        Machine.Boot(NodeActor.AddTo(new EventSchema()), log, system =>
        {
            if (_joined is { } joined)
                Start(system, joined);
            else
                system.ActorOf(Props.Create(() => new Joiner(this)), "join");
        });
    }

    /// <summary>Asks the running node how it stands with the network's parameters.</summary>
    /// <param name="answered">Called with the answer, at once.</param>
    public void AskParameters(Action<ParametersStatus> answered)
    {
        ActorSystem system = Machine.System ?? throw new InvalidOperationException($"{Machine.Name} does not run");
        system.SystemActorOf(Props.Create(() => new Question(system.Find("/user/node")!, answered)));
        Machine.Settle();
    }

    /// <summary>Begins to stop the running node in order: others are to find ways around it.</summary>
    /// <param name="left">Called when the machine's processes may be killed.</param>
    public void Leave(Action left)
    {
        ActorSystem system = Machine.System ?? throw new InvalidOperationException($"{Machine.Name} does not run");
        system.SystemActorOf(Props.Create(() => new Farewell(system.Find("/user/node")!, MapsPorts, left)));
        Machine.Settle();
    }

    private void Start(ActorSystem system, Joined joined)
    {
        StartedAt = Machine.WorldTime;
        _joined = joined;
        var identity = new NodeIdentity(new CertificateVerifier(joined.Authority), joined.Certificate, joined.Key, system.Loop.UtcNow);
        Identity = identity;
        var streams = new SimulatedStreams(Machine, () => Identity.Certificate.Der.AsMemory(), Judge);
        DataPlane = new SimulatedDataPlane(Machine, streams, Port, _cryptography.Ciphers, forwardsForHost: Machine.Lan is not null);
        SimulatedLan? lan = Machine.Lan is null ? null : new SimulatedLan(Machine);
        Host = new SimulatedHost(Machine, DataPlane, identity.Address, identity.Prefix.FirstAddress(identity.Network), lan);
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
        system.ActorOf(Props.Create(() => new NodeActor(Identity, options, ports)), "node");
    }

    // As the real program, which says so and ends. Its machine stays on.
    private void End(string reason)
    {
        if (Refusal is not null)
            return;
        Refusal = reason;
        Machine.After(ExitTime, Machine.Kill);
    }

    private bool MapsPorts => Machine.Nat is { MapsAt: not null };

    private void Keep(NodeIdentity identity)
    {
        Renewals += identity.Certificate.SerialNumber == Identity?.Certificate.SerialNumber ? 0 : 1;
        Identity = identity;
        _joined = new Joined(identity.Verifier.Authority, identity.Certificate, identity.Key);
    }

    // What goes when a tunnel is locked, goes with the next routes.
    private void LookForLosses()
    {
        if (_locking.Count == 0)
            return;
        HashSet<Ipv6Prefix> left = [.. Routes.Select(static route => route.Destination)];
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
        CertificateVerdict verdict = Identity!.Verifier.Verify(der.Span, Machine.System!.Loop.UtcNow, new HashSet<ulong>(), out _);
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
                    node.JoinProblem = failed.Reason;
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

    private sealed class Question(ActorRef node, Action<ParametersStatus> answered) : Actor
    {
        protected override void PreStart() => node.Tell(new GetParametersStatus(), Self);

        protected override void Receive(object message)
        {
            if (message is not ParametersStatus status)
            {
                Unhandled(message);
                return;
            }

            answered(status);
            Context.Stop(Self);
        }
    }

    private sealed class Farewell(ActorRef node, bool mapsPorts, Action left) : Actor
    {
        protected override void PreStart() => node.Tell(new LeaveNetwork(), Self);

        protected override void Receive(object message)
        {
            if (message is LeftNetwork && mapsPorts)
                node.Tell(new ReleasePortMappings(), Self);
            else if (message is LeftNetwork or PortMappingsReleased)
                left();
            else
                Unhandled(message);
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
                    node.OrderlyEnds += state == KillerState.Unlocking && node._destructions.GetValueOrDefault(changed.Index.Value) == KillerState.Locked ? 1 : 0;
                    if (state == KillerState.HardLocking)
                        node._locking[changed.Index.Value] = [.. node.Routes.Where(route => route.Tunnel == changed.Index).Select(static route => route.Destination)];
                    node._destructions[changed.Index.Value] = state;
                    break;
                case DestructionChanged over:
                    node._destructions.Remove(over.Index.Value);
                    break;
                case RoutesPublished routes:
                    node.Routes = routes.Routes;
                    node.LookForLosses();
                    break;
                case CertificateStatus status:
                    node.Certificate = status;
                    break;
                case MappedAddressesChanged changed:
                    node.Mapped = changed.Addresses;
                    break;
                case ActorFailed { Reason: NetworkRefusedException refused }:
                    node.End(refused.Message);
                    break;
                case NetworkParametersChanged changed:
                    node.Parameters = changed.Parameters;
                    node.ParametersSince = node.Machine.WorldTime;
                    break;
            }
        }
    }
}
