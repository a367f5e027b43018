using Mesh.Babel;
using Mesh.Node.Parameters;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Invariants;

/// <summary>A simulated node, seen without asking it.</summary>
internal sealed class SimulatedNodeView(SimulatedNode node) : NodeView
{
    private static readonly GetParametersStatus AskParameters = new();
    private static readonly GetRoutingOrigin AskOrigin = new();

    private TimeSpan? _quietSince;
    private TimeSpan? _reachableSince;
    private ulong? _toldNewest;   // by the rank that computes it
    private RoutingOrigin? _toldOrigin;

    public SimulatedNode Node => node;

    public override string Name => node.Machine.Name;

    public override NodePrefix Prefix => node.Identity?.Prefix ?? NodePrefix.Empty;

    public override ulong Serial => node.Identity?.Certificate.SerialNumber ?? 0;

    public override DateTimeOffset CertificateEnd => node.Identity?.Certificate.NotAfter ?? DateTimeOffset.MaxValue;

    public override bool IsRunning => node.IsRunning;

    public override TimeSpan StartedAt => node.Machine.BootedAt;

    public override TimeSpan? QuietSince => _quietSince;

    public override TimeSpan? ReachableSince => _reachableSince;

    public override ulong ParametersVersion => node.ParametersVersion;

    public override ulong NewestVersion => (Node.Machine.IsLocal ? AskNewest() : _toldNewest) ?? node.ParametersVersion;

    public override IEnumerable<TunnelView> Tunnels => node.Tunnels.Select(tunnel => new TunnelView(
        tunnel.Index.Value, tunnel.Peer, tunnel.State == TunnelState.Up, node.Destructions.TryGetValue(tunnel.Index.Value, out KillerState state) ? state : null));

    public override IReadOnlyCollection<NodeRoute> Routes => node.Routes;

    public override RoutingOrigin? Origin => Node.Machine.IsLocal ? InspectOrigin() : _toldOrigin;

    public override IReadOnlyList<LockLoss> LockLosses => node.LockLosses;

    public override NodeRoute? RouteTo(Ipv6Prefix subnet) => NodeRoutes.Find(node.Routes, subnet);

    /// <summary>Something was done to it.</summary>
    public void Disturb(TimeSpan now)
    {
        if (_quietSince is not null)
            _quietSince = now;
        if (_reachableSince is not null)
            _reachableSince = now;
    }

    /// <summary>Looks whether it runs and reaches the registry.</summary>
    public void Update(TimeSpan now, bool reachesRegistry, TimeSpan registrySince)
    {
        bool runs = IsRunning;
        _quietSince = !runs ? null : Latest(_quietSince ?? now, StartedAt);
        _reachableSince = !runs || !reachesRegistry ? null : Latest(Latest(_reachableSince ?? now, StartedAt), registrySince);
    }

    /// <summary>Tells the other ranks what only a look into the actors shows.</summary>
    public void WriteInside(RankWriter writer)
    {
        writer.Maybe(AskNewest(), writer.ULong);
        writer.Maybe(InspectOrigin(), origin =>
        {
            writer.ULong(origin.RouterId.Value);
            writer.UShort(origin.Seqno.Value);
        });
    }

    /// <summary>Takes over what the rank has told that computes it.</summary>
    public void ReadInside(RankReader reader)
    {
        _toldNewest = reader.MaybeValue(reader.ULong);
        _toldOrigin = reader.Maybe(() => new RoutingOrigin(new RouterId(reader.ULong()), new Seqno(reader.UShort())));
    }

    private ulong? AskNewest() => (node.Machine.System?.Inspect("/user/node/parameters", AskParameters) as ParametersStatus)?.Newest;

    private RoutingOrigin? InspectOrigin() => node.Machine.System?.Inspect("/user/node/babel", AskOrigin) as RoutingOrigin;

    private static TimeSpan Latest(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
