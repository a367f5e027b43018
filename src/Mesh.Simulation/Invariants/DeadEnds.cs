using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/dead-ends.md</c>.</summary>
internal sealed class DeadEnds : Invariant
{
    private readonly Turns _turns = new();
    private readonly Dictionary<Ipv6Prefix, Dictionary<(string, string), TimeSpan>> _since = [];

    public override string Name => "dead-ends";

    public override string Says => "Nobody routes through a neighbour that has no route.";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(30);

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        foreach (NodeView destination in _turns.Next(network))
        {
            Ipv6Prefix subnet = destination.Prefix.Subnet(network.Network);
            Dictionary<(string, string), TimeSpan>? now = null;
            Dictionary<(string, string), TimeSpan>? before = _since.GetValueOrDefault(subnet);
            foreach (NodeView node in network.Nodes)
            {
                if (!node.IsRunning || node.RouteTo(subnet) is not { } route || route.Via == destination.Prefix
                    || network.Find(route.Via) is not { } next || next.Prefix == destination.Prefix || next.RouteTo(subnet) is not null || network.AreApart(node, next))
                {
                    continue;
                }

                TimeSpan since = before?.GetValueOrDefault((node.Name, next.Name), network.Now) ?? network.Now;
                (now ??= [])[(node.Name, next.Name)] = since;
                if (network.Now - since >= Grace && network.IsQuiet(node, Grace) && network.IsQuiet(next, Grace))
                    yield return new Breach([node.Name, next.Name], $"{node.Name} routes to {destination.Name} ({subnet}) through {next.Name}, which has had no route for it since {since.TotalSeconds:0.0} s or earlier");
            }

            if (now is null)
                _since.Remove(subnet);
            else
                _since[subnet] = now;
        }
    }
}
