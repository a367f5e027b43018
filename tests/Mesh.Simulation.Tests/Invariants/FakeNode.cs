using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Registry.Revocation;
using Mesh.Simulation.Invariants;

namespace Mesh.Simulation.Tests.Invariants;

/// <summary>A node that is as a test wants it.</summary>
internal sealed class FakeNode(string name, int number) : NodeView
{
    private readonly Dictionary<Ipv6Prefix, NodeRoute> _routes = [];

    public override string Name => name;

    public override NodePrefix Prefix => Taken ?? new NodePrefix((UInt128)number, 16);

    public NodePrefix? Taken { get; set; }

    public override ulong Serial => (ulong)number;

    public override bool IsRunning => Runs;

    public bool Runs { get; set; } = true;

    public override TimeSpan StartedAt => Started;

    public TimeSpan Started { get; set; }

    public override TimeSpan? QuietSince => Quiet;

    public TimeSpan? Quiet { get; set; } = TimeSpan.Zero;

    public override TimeSpan? ReachableSince => Reachable;

    public TimeSpan? Reachable { get; set; } = TimeSpan.Zero;

    public override ulong ParametersVersion => Version;

    public ulong Version { get; set; } = 1;

    public override ulong NewestVersion => Newest ?? Version;

    public ulong? Newest { get; set; }

    public override IEnumerable<TunnelView> Tunnels => TunnelList;

    public List<TunnelView> TunnelList { get; } = [];

    public override IReadOnlyCollection<NodeRoute> Routes => _routes.Values;

    public override RoutingOrigin? Origin => Announces;

    public RoutingOrigin? Announces { get; set; }

    public override IReadOnlyList<LockLoss> LockLosses => Losses;

    public List<LockLoss> Losses { get; } = [];

    public override NodeRoute? RouteTo(Ipv6Prefix subnet) => _routes.GetValueOrDefault(subnet);

    public Ipv6Prefix Subnet => Prefix.Subnet(Overlay.Network);

    public void Route(FakeNode destination, FakeNode via, int tunnel = 1) => _routes[destination.Subnet] = new NodeRoute(destination.Subnet, new TunnelIndex(tunnel), via.Prefix, 96);

    public void Lose(FakeNode destination) => _routes.Remove(destination.Subnet);

    public static void Join(FakeNode a, FakeNode b)
    {
        a.TunnelList.Add(new TunnelView(1, b.Prefix, IsUp: true, null));
        b.TunnelList.Add(new TunnelView(1, a.Prefix, IsUp: true, null));
        a.Route(b, b);
        b.Route(a, a);
    }

    public static RoutingOrigin Number(ushort seqno, ulong routerId = 7) => new(new RouterId(routerId), new Seqno(seqno));
}

/// <summary>A registry that is as a test wants it.</summary>
internal sealed class FakeRegistry : RegistryView
{
    public override TimeSpan? UpSince => Up;

    public TimeSpan? Up { get; set; } = TimeSpan.Zero;

    public override ulong Published => Version;

    public ulong Version { get; set; } = 1;

    public override TimeSpan PublishedAt => At;

    public TimeSpan At { get; set; }

    public override IReadOnlyCollection<RegisteredNode> Nodes => NodeList;

    public List<RegisteredNode> NodeList { get; } = [];

    public override IReadOnlyDictionary<string, Token> Tokens => TokenList;

    public Dictionary<string, Token> TokenList { get; } = new(StringComparer.Ordinal);

    public override IReadOnlyDictionary<ulong, RevokedCertificate> Revocations => Revoked;

    public Dictionary<ulong, RevokedCertificate> Revoked { get; } = [];

    public override ulong LastSerial => Serial;

    public ulong Serial { get; set; } = 10;

    public override long? RotationSteps => Steps;

    public long? Steps { get; set; } = 1;

    public override DateTimeOffset UtcNow { get; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public void Give(FakeNode node) => NodeList.Add(new RegisteredNode(node.Prefix, null, "", node.Serial, 0, UtcNow.AddDays(365)));

    public void Revoke(FakeNode node) => Revoked[node.Serial] = new RevokedCertificate(UtcNow.AddDays(365), RevocationKind.Excluded);
}
