namespace Mesh.Simulation.Paper;

/// <summary>What a tunnel is worth to the node that opened it, in <see cref="LatencyRefresh"/>.</summary>
public enum VictimRule
{
    /// <summary>As many nodes as the node's shortest-path tree has behind the neighbour, that one included, also where the tree reaches the neighbour another way. The published numbers follow from this: a slow tunnel to
    /// a node in a good place is kept.</summary>
    Behind,

    /// <summary>As many nodes as are reached over the tunnel itself, so that an unused one is worth nothing. This is what a running node counts: its routes by next hop.</summary>
    Routes,
}
