namespace Mesh.Simulation.Paper;

/// <summary>How many ordered pairs of nodes are how many hops apart, each node with itself included at distance 0.</summary>
/// <param name="Nodes">How many nodes.</param>
/// <param name="Pairs">Entry <c>d</c>: pairs at distance <c>d</c>.</param>
public sealed record HopCounts(int Nodes, IReadOnlyList<long> Pairs)
{
    /// <summary>Pairs between which there is a path.</summary>
    public long Reached => Pairs.Sum();

    /// <summary>Pairs between which there is none.</summary>
    public long Unreachable => ((long)Nodes * Nodes) - Reached;

    /// <summary>The largest distance.</summary>
    public int Max => Pairs.Count - 1;

    /// <summary>Mean distance over reached pairs, self included, as re6st's simulation (cb13b00), section 3, counts.</summary>
    public double Mean
    {
        get
        {
            double sum = 0;
            for (int distance = 0; distance < Pairs.Count; distance++)
                sum += (double)distance * Pairs[distance];
            return sum / Reached;
        }
    }
}
