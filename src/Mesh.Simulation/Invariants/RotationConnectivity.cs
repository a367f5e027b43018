using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/rotation-connectivity.md</c>.</summary>
internal sealed class RotationConnectivity : Invariant
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    // What was done to a node before may still take a route from it for a while.
    private static readonly TimeSpan QuietBefore = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(NodePrefix, NodePrefix), Watch> _watched = [];
    private List<(NodeView From, NodeView To)> _joined = [];
    private long? _steps;

    public override string Name => "rotation-connectivity";

    public override string Says => "No two neighbours lose each other over a step of the rotation of the routing keys.";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(3);

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        if (network.Registry?.RotationSteps is { } steps)
        {
            if (_steps is { } before && before != steps)
                Begin(network);
            _steps = steps;
        }

        foreach (((NodePrefix, NodePrefix) pair, Watch watch) in _watched.ToArray())
        {
            (NodeView from, NodeView to) = (watch.From, watch.To);
            if (network.Now - watch.Since > Window || !IsUndisturbed(from, watch) || !IsUndisturbed(to, watch) || network.AreApart(from, to) || network.IsRevoked(from) || network.IsRevoked(to))
            {
                _watched.Remove(pair);
                continue;
            }

            if (!AreJoined(from, to) || from.RouteTo(to.Prefix.Subnet(network.Network)) is not null)
            {
                watch.LostAt = null;
                continue;
            }

            watch.LostAt ??= network.Now;
            if (network.Now - watch.LostAt < Grace)
                continue;
            _watched.Remove(pair);
            yield return new Breach([from.Name, to.Name], $"{from.Name} has no route to {to.Name} since {watch.LostAt.Value.TotalSeconds:0.0} s, though a tunnel joins them; the routing keys changed at {watch.Since.TotalSeconds:0.0} s, and before it had one");
        }

        _joined = [.. Joined(network)];
    }

    private void Begin(NetworkView network)
    {
        foreach ((NodeView from, NodeView to) in _joined.Where(pair => network.IsQuiet(pair.From, QuietBefore) && network.IsQuiet(pair.To, QuietBefore)))
            _watched.TryAdd((from.Prefix, to.Prefix), new Watch(from, to, network.Now));
    }

    private static IEnumerable<(NodeView From, NodeView To)> Joined(NetworkView network)
    {
        foreach (NodeView from in network.Nodes.Where(static node => node.IsRunning))
        {
            foreach (TunnelView tunnel in from.Tunnels)
            {
                if (network.Find(tunnel.Peer) is { } to && AreJoined(from, to) && !network.AreApart(from, to) && from.RouteTo(to.Prefix.Subnet(network.Network)) is not null)
                    yield return (from, to);
            }
        }
    }

    private static bool AreJoined(NodeView from, NodeView to) => from.IsJoinedTo(to.Prefix) && to.IsJoinedTo(from.Prefix);

    private static bool IsUndisturbed(NodeView node, Watch watch) => node.QuietSince is { } since && since < watch.Since;

    private sealed class Watch(NodeView from, NodeView to, TimeSpan since)
    {
        public NodeView From => from;

        public NodeView To => to;

        public TimeSpan Since => since;

        public TimeSpan? LostAt { get; set; }
    }
}
