using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Invariants;

/// <summary>See <c>docs/invariants/routing-loops.md</c>.</summary>
internal sealed class RoutingLoops : Invariant
{
    private readonly Turns _turns = new();
    private int[] _walk = [];

    public override string Name => "routing-loops";

    public override string Says => "Following next hops never leads in a circle (RFC 8966).";

    public override TimeSpan DefaultGrace => TimeSpan.FromSeconds(60);

    public override bool IsForExports => true;

    public override IEnumerable<Breach> Look(NetworkView network)
    {
        if (_walk.Length < network.Nodes.Count)
            _walk = new int[network.Nodes.Count];
        foreach (NodeView destination in _turns.Next(network))
        {
            Ipv6Prefix subnet = destination.Prefix.Subnet(network.Network);
            Array.Clear(_walk);
            for (int start = 0; start < network.Nodes.Count; start++)
            {
                if (FindLoop(network, subnet, start) is not { } loop)
                    continue;
                // Whoever has just been switched on has forgotten what it announced (see the page).
                if (loop.TrueForAll(node => network.IsQuiet(node, Grace)))
                    yield return new Breach([.. loop.Select(static node => node.Name)], $"their routes to {destination.Name} ({subnet}) lead in a circle");
            }
        }
    }

    // Each node is walked from once: where a walk meets an earlier one, that one's end is known.
    private List<NodeView>? FindLoop(NetworkView network, Ipv6Prefix subnet, int start)
    {
        int number = start + 1;
        int at = start;
        while (at >= 0 && _walk[at] == 0)
        {
            _walk[at] = number;
            NodeView node = network.Nodes[at];
            at = node.IsRunning && node.RouteTo(subnet) is { } route ? network.IndexOf(route.Via) : -1;
        }

        if (at < 0 || _walk[at] != number)
            return null;
        var loop = new List<NodeView>();
        for (int first = at; loop.Count == 0 || at != first; at = network.IndexOf(network.Nodes[at].RouteTo(subnet)!.Via))
            loop.Add(network.Nodes[at]);
        return loop;
    }
}
