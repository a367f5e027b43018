using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/routes-to-members.md</c>.</summary>
internal sealed class RoutesToMembers : Invariant
{
    private const int NodesAtATime = 50;

    private readonly Dictionary<Ipv6Prefix, TimeSpan> _members = [];   // when each was a member last
    private int _next;

    public override string Name => "routes-to-members";

    public override string Says => "Routes lead only to prefixes that members own.";

    public override TimeSpan Interval => TimeSpan.FromSeconds(5);

    public override TimeSpan DefaultGrace => TimeSpan.FromMinutes(10);

    public override bool IsForExports => true;

    public override bool NeedsRegistry => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        if (network.Registry is not { UpSince: not null } registry)
            yield break;
        foreach (Ipv6Prefix subnet in registry.Nodes.Select(node => node.Prefix.Subnet(network.Network)))
            _members[subnet] = network.Now;
        for (int i = 0; i < Math.Min(NodesAtATime, network.Nodes.Count); i++)
        {
            NodeView node = network.Nodes[_next];
            _next = (_next + 1) % network.Nodes.Count;
            foreach (NodeRoute route in node.IsRunning ? node.Routes : [])
            {
                if (!_members.TryGetValue(route.Destination, out TimeSpan last))
                    yield return new Breach([node.Name], $"it has a route to {route.Destination}, which the registry gave to nobody");
                else if (network.Now - last > Grace && network.IsQuiet(node, Grace))
                    yield return new Breach([node.Name], $"it has a route to {route.Destination}, which is nobody's since {last.TotalSeconds:0} s");
            }
        }
    }
}
