namespace Mesh.Simulation.Invariants;

/// <summary>Some destinations at a time, in turn, so that a look at a large network costs no more than one at a small one.</summary>
internal sealed class Turns
{
    private const int Budget = 5000;   // nodes asked for a route in a look

    private int _next;

    public IEnumerable<NodeView> Next(NetworkView network)
    {
        int nodes = network.Nodes.Count, count = nodes == 0 ? 0 : Math.Clamp(Budget / nodes, 1, nodes);
        for (int i = 0; i < count; i++)
        {
            NodeView node = network.Nodes[_next % nodes];
            _next = (_next + 1) % nodes;
            if (!node.Prefix.IsEmpty)
                yield return node;
        }
    }
}
