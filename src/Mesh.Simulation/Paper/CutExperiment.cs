namespace Mesh.Simulation.Paper;

/// <summary><c>cut</c>: section 5 of re6st's simulation (cb13b00), with maximum flows instead of random contraction.</summary>
internal static class CutExperiment
{
    private const int DefaultTunnels = 10;

    // Nodes, the cut that their random contraction found, and the smallest arity of that graph; 10 tunnels, cap 30.
    private static readonly (int Nodes, int Cut, int LeastArity)[] Rerun = [(100, 14, 14), (200, 12, 12), (500, 12, 12), (1000, 12, 11), (2000, 11, 11)];

    public static void Run(PaperContext context)
    {
        foreach (int nodes in context.Options.Nodes ?? [.. Rerun.Select(static row => row.Nodes)])
        {
            foreach (int opened in context.Options.Tunnels ?? [DefaultTunnels])
            {
                var shape = OverlayShape.Of(nodes, opened, context.Options.Cap);
                TunnelGraph graph = context.Build(shape);
                int cut = MinimumCut.Size(graph, context.Options.Threads, done => context.Progress($"{nodes:N0} nodes, {opened} tunnels", done, nodes - 1), context.Cancellation);
                var values = new OrderedDictionary<string, double>(StringComparer.Ordinal) { ["cut"] = cut, ["least_arity"] = graph.LeastArity() };
                // What was found is that the cut is the least connected node's; which arity that node has differs from graph to graph.
                var comparisons = new List<Comparison> { new("cut", "least arity", cut, graph.LeastArity(), Tolerance: 0) };
                if (Rerun.FirstOrDefault(row => row.Nodes == nodes) is { Nodes: > 0 } again && shape is { Tunnels: DefaultTunnels, Cap: 3 * DefaultTunnels })
                {
                    comparisons.Add(new Comparison("cut", "re-run", cut, again.Cut));
                    comparisons.Add(new Comparison("least_arity", "re-run", graph.LeastArity(), again.LeastArity));
                }

                context.Add(PaperContext.Key(shape), values, comparisons);
            }
        }
    }
}
