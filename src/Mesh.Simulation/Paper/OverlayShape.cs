namespace Mesh.Simulation.Paper;

/// <summary>The three numbers that describe a random overlay.</summary>
/// <param name="Nodes">How many nodes (<c>n</c>).</param>
/// <param name="Tunnels">How many tunnels each node opens (<c>k</c>); it receives as many on average, so that the mean arity is twice that.</param>
/// <param name="Cap">Limit of the arity, which counts opened and received tunnels.</param>
public readonly record struct OverlayShape(int Nodes, int Tunnels, int Cap)
{
    /// <summary>The most tunnels that a graph may have, opened by all nodes together: a gigabyte or so of arcs.</summary>
    public const long MaxTunnels = 100_000_000;

    /// <summary>A shape with the cap that the published experiments use where they name none.</summary>
    public static OverlayShape Of(int nodes, int tunnels, int? cap = null) => new(nodes, tunnels, cap ?? 3 * tunnels);
}
