using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.Ports;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;
using Mesh.Node.Routing;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Node;

/// <summary>The doors to the world that a node uses.</summary>
/// <param name="Streams">Control streams.</param>
/// <param name="DataPlane">Packet forwarding.</param>
/// <param name="Http">The registry.</param>
/// <param name="Entropy">Secrets.</param>
/// <param name="Peers">Datagrams between nodes.</param>
/// <param name="WorkPool">Where RSA is done.</param>
/// <param name="Credentials">The node's certificate on the disk.</param>
public sealed record NodePorts(
    IStreamPort Streams, IDataPlanePort DataPlane, IHttpPort Http, IEntropy Entropy, IPeerPort Peers, IWorkPool WorkPool, ICredentialPort Credentials)
{
    /// <summary>OpenVPN, where the node has <see cref="NodeOptions.OpenVpn"/>.</summary>
    public IOpenVpnPort? OpenVpn { get; init; }

    /// <summary>Links of the kernel, or null where there are none.</summary>
    public IKernelLinkPort? KernelLinks { get; init; }

    /// <summary>Interfaces of the machine, where the node has <see cref="NodeOptions.LanInterfaces"/>.</summary>
    public ILinkWatchPort? LinkWatch { get; init; }

    /// <summary>The gateway, where the node has <see cref="NodeOptions.PortMapping"/>.</summary>
    public IPortMappingPort? PortMapping { get; init; }
}

/// <summary>Settings of a node.</summary>
public sealed record NodeOptions
{
    /// <summary>Base URL of the registry.</summary>
    public required string RegistryUrl { get; init; }

    /// <summary>Tunnels; <see cref="TunnelsOptions.Self"/> is replaced by the identity's prefix.</summary>
    public TunnelsOptions Tunnels { get; init; } = new() { Self = NodePrefix.Empty };

    /// <summary>Tunnels of OpenVPN, or null for none.</summary>
    public OpenVpnOptions? OpenVpn { get; init; }

    /// <summary>Mapped ports, or null for none.</summary>
    public PortMappingOptions? PortMapping { get; init; }

    /// <summary>Names of interfaces on whose LAN the routing protocol speaks, each once. Default none.</summary>
    public IReadOnlyList<string> LanInterfaces { get; init; } = [];

    /// <summary>Messages between nodes.</summary>
    public PeersOptions Peers { get; init; } = new();

    /// <summary>What the node says when others ask what it runs.</summary>
    public NodeInformation Software { get; init; } = new("unknown", "unknown");

    /// <summary>Tuning of the routing speaker.</summary>
    public Babel.BabelOptions Babel { get; init; } = new();

    /// <summary>The number of the protocol that the node says it speaks, 1..10. Default 10; smaller ones, as of older programs, are for simulations. Where the network wants a greater one the node ends: <see cref="NetworkRefusedException"/>.</summary>
    public int Protocol { get; init; } = PeerDatagram.Protocol;

    /// <summary>A mistake on purpose, for tests.</summary>
    internal NodeMutation Mutation { get; init; }

    /// <summary>Whether packets from the network to the rest of the world may leave it here; see <see cref="RoutingOptions.IsGateway"/>.</summary>
    public bool IsGateway { get; init; }
}

/// <summary>A node of the overlay: makes and supervises its parts, and knows how it is.</summary>
/// <remarks><code>
/// node
///   registry-client    authenticated calls, one at a time
///   parameters*        network parameters
///   address-book*      where other nodes can be reached
///   bootstrap          first peer, own advertisement
///   certificate        renews this node's certificate and the authority's
///   killer*            destroys tunnels when nobody routes over them any more
///   tunnels            opens, serves and retires
///     tunnel-N         one tunnel
///   port-mapping       has the gateway map ports
///     remembered*      nonces and mappings
///   openvpn-server-P   keeps an OpenVPN server for protocol P running
///   babel              routing; publishes the forwarding table
///     identity*        router-id and sequence number
///   lan-NAME           has babel speak on interface NAME while that can be used
///   peers              messages between nodes
///     remembered*      certificates of peers
///     2-16             the session with node 2/16
/// </code></remarks>
public sealed class NodeActor : Actor
{
    private readonly NodeOptions _options;
    private readonly NodePorts _ports;
    private readonly SortedDictionary<int, TunnelStatus> _tunnels = [];
    private readonly Dictionary<int, KillerState> _destructions = [];
    private readonly SortedDictionary<string, LanInterfaceStatus> _lans = new(StringComparer.Ordinal);
    private IReadOnlySet<ulong> _revoked = new HashSet<ulong>();
    private ulong _version;
    private ActorRef? _babel;
    private ActorRef? _peers;
    private ActorRef? _tunnelsActor;
    private ActorRef? _parameters;
    private ActorRef? _portMapping;
    private NodeIdentity _identity;
    private CertificateStatus _certificate;

    /// <summary>Makes a node.</summary>
    public NodeActor(NodeIdentity identity, NodeOptions options, NodePorts ports)
    {
        (_identity, _options, _ports) = (identity, options, ports);
        _certificate = new CertificateKnowledge(identity, _revoked).StatusAt(Context.UtcNow);
    }

    /// <summary>A port that another process holds will not be free in a moment, and a damaged journal or one that somebody else writes to does not heal: that is for the
    /// operator to see. A disk that is full may have room again later; the part that could not store something begins anew from what is stored.</summary>
    protected override SupervisorStrategy SupervisorStrategy { get; } = new(static reason => reason switch
    {
        PortUnavailableException or NetworkRefusedException => Directive.Escalate,
        JournalException { Failure: JournalFailure.Full or JournalFailure.Locked or JournalFailure.Unavailable } => Directive.Restart,
        JournalException => Directive.Escalate,
        _ => SupervisorStrategy.DefaultDecider(reason),
    });

    /// <summary>Declares what a node stores.</summary>
    public static EventSchema AddTo(EventSchema schema) =>
        RouterIdentityActor.AddTo(RememberedGatewaysActor.AddTo(KillersActor.AddTo(PeersActor.AddTo(ParametersActor.AddTo(AddressBookActor.AddTo(schema))))));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        EventStream events = Context.System.EventStream;
        events.Subscribe<TunnelStatus>(Self);
        events.Subscribe<DestructionChanged>(Self);
        events.Subscribe<LanInterfaceStatus>(Self);
        events.Subscribe<NetworkParametersChanged>(Self);
        events.Subscribe<IdentityChanged>(Self);
        events.Subscribe<CertificateStatus>(Self);
        ActorRef client = Context.ActorOf(Props.Create(() => new RegistryClientActor(_identity, _options.RegistryUrl, _ports.Http) { Protocol = _options.Protocol }), "registry-client");
        ActorRef addressBook = Context.ActorOf(Props.Create(() => new AddressBookActor(_identity.Prefix)), "address-book");
        ActorRef bootstrap = Context.ActorOf(Props.Create(() => new BootstrapActor(_identity, client, addressBook)), "bootstrap");
        var routing = new RoutingOptions { Network = _identity.Network, Self = _identity.Prefix, Speaker = _options.Babel, IsGateway = _options.IsGateway, IsIdentityKept = true, Mutation = _options.Mutation };
        _babel = Context.ActorOf(Props.Create(() => new BabelActor(routing, _ports.DataPlane, _ports.KernelLinks)), "babel");
        TunnelsOptions tunnels = _options.Tunnels with { Self = _identity.Prefix, Network = _identity.Network };
        var tunnelPorts = new TunnelPorts(_ports.Streams, _ports.DataPlane, _ports.Entropy, Self, _babel, Identify) { EndOf = EndOf, IsRenewal = IsRenewal, OpenVpn = OpenVpn() };
        ulong run = Context.Random.NextUInt64();
        ActorRef killer = Context.ActorOf(Props.Create(() => new KillersActor(_ports.DataPlane, _babel, tunnels.Tick, run) { Mutation = _options.Mutation }), "killer");
        ActorRef manager = _tunnelsActor = Context.ActorOf(Props.Create(() => new TunnelsActor(tunnels, tunnelPorts, addressBook, bootstrap, killer)), "tunnels");
        foreach (OpenVpnListen listen in tunnelPorts.OpenVpn?.Options.EnabledServers ?? [])
            Context.ActorOf(Props.Create(() => new OpenVpnServerActor(listen, tunnelPorts.OpenVpn!, manager, _babel)), $"openvpn-server-{listen.Protocol.Name()}");
        foreach (string name in _ports.LinkWatch is null ? [] : _options.LanInterfaces)
            Context.ActorOf(Props.Create(() => new LanInterfaceActor(name, _ports.LinkWatch!, _babel)), $"lan-{name}");
        if (_options.PortMapping is { } mapping && _ports.PortMapping is { } gateway)
            _portMapping = Context.ActorOf(Props.Create(() => new PortMappingActor(mapping, gateway, _ports.Entropy)), "port-mapping");
        PeersOptions peers = _options.Peers with { IsVersionToldInTunnels = _options.Tunnels.TellsVersion, Protocol = _options.Protocol };
        _peers = Context.ActorOf(Props.Create(() => new PeersActor(_identity, peers, _ports, addressBook, _options.Software)), "peers");
        Context.ActorOf(Props.Create(() => new CertificateActor(_identity, client, _ports.Credentials, _revoked, _certificate) { Mutation = _options.Mutation }), "certificate");
        // Last: it announces the parameters to those that are there by then.
        _parameters = Context.ActorOf(Props.Create(() => new ParametersActor(_identity, client, _ports.WorkPool) { Mutation = _options.Mutation, Protocol = _options.Protocol }), "parameters");
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case TunnelStatus { IsGone: true } gone:
                _tunnels.Remove(gone.Index.Value);
                _destructions.Remove(gone.Index.Value);
                break;
            case TunnelStatus status:
                _tunnels[status.Index.Value] = status;
                break;
            case DestructionChanged { State: { } state } changed when _tunnels.ContainsKey(changed.Index.Value):
                _destructions[changed.Index.Value] = state;
                break;
            case DestructionChanged over:
                _destructions.Remove(over.Index.Value);
                break;
            case LanInterfaceStatus status:
                _lans[status.Name] = status;
                break;
            case NetworkParametersChanged changed:
                _version = changed.Parameters.Version.Number;
                _revoked = changed.Parameters.RevokedSerials;
                break;
            case IdentityChanged changed:
                _identity = changed.Identity;
                break;
            case CertificateStatus status:
                _certificate = status;
                break;
            case UnderlayChanged:
                _tunnelsActor!.Tell(message);
                _portMapping?.Tell(message);
                break;
            case GetPortMappingStatus or ReleasePortMappings when _portMapping is not null:
                _portMapping.Tell(message, Sender);
                break;
            case GetPeersStatus:
                _peers!.Tell(message, Sender);
                break;
            case LeaveNetwork or RoutingQuestion:
                _babel!.Tell(message, Sender);
                break;
            case GetParametersStatus:
                _parameters!.Tell(message, Sender);
                break;
            case GetNodeStatus:
                _babel!.Tell(new DescribeRoutes(new NodeStatus(_identity.Prefix, _identity.Address, _version, [.. _tunnels.Values.Select(WithDestruction)], [])
                {
                    Certificate = _certificate,
                    Lans = [.. _lans.Values],
                }), Sender);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private OpenVpnEquipment? OpenVpn() =>
        _options.OpenVpn is { } options && _ports.OpenVpn is { } port ? new OpenVpnEquipment(port, options, LinkLocalAddress.Of(_identity.Prefix)) : null;

    private TunnelStatus WithDestruction(TunnelStatus tunnel) => _destructions.TryGetValue(tunnel.Index.Value, out KillerState state) ? tunnel with { Destruction = state } : tunnel;

    private bool Identify(ReadOnlyMemory<byte> certificate, out NodePrefix peer, out string problem) =>
        _identity.TryIdentify(certificate.Span, Context.UtcNow, _revoked, out peer, out problem);

    private static DateTimeOffset EndOf(ReadOnlyMemory<byte> certificate) =>
        NodeCertificate.TryParse(certificate.Span, out NodeCertificate? parsed) ? parsed.NotAfter : DateTimeOffset.MinValue;

    private static bool IsRenewal(ReadOnlyMemory<byte> present, ReadOnlyMemory<byte> renewed) =>
        NodeCertificate.TryParse(present.Span, out NodeCertificate? old) && NodeCertificate.TryParse(renewed.Span, out NodeCertificate? fresh) && fresh.IsRenewalOf(old);
}
