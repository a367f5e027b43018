namespace Mesh.Simulation.Paper;

/// <summary>How the tunnels are distributed over the nodes.</summary>
/// <param name="Deviation">Standard deviation of the arity.</param>
/// <param name="AtCap">Share of nodes whose arity is the cap or more.</param>
/// <param name="Low">Share of nodes that have few: at most 1.4 times the tunnels that each opens, so 14 of 10.</param>
public readonly record struct ArityCounts(double Deviation, double AtCap, double Low)
{
    /// <summary>Counts.</summary>
    public static ArityCounts Of(ReadOnlySpan<int> arities, OverlayShape shape)
    {
        double sum = 0, squares = 0;
        int atCap = 0, low = 0;
        foreach (int arity in arities)
        {
            sum += arity;
            squares += (double)arity * arity;
            atCap += arity >= shape.Cap ? 1 : 0;
            low += arity * 10 <= shape.Tunnels * 14 ? 1 : 0;
        }

        double mean = sum / arities.Length;
        return new ArityCounts(Math.Sqrt(Math.Max(0, (squares / arities.Length) - (mean * mean))), (double)atCap / arities.Length, (double)low / arities.Length);
    }
}
