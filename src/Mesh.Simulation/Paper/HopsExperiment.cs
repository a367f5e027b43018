namespace Mesh.Simulation.Paper;

/// <summary><c>hops</c>: section 3 of re6st's simulation (cb13b00). One graph for each cell, searched from every node.</summary>
internal static class HopsExperiment
{
    // The largest distance seen, and how pairs are distributed over distances, are given up to this one.
    private const int MaxShares = 12;

    public static void Run(PaperContext context)
    {
        IReadOnlyList<int> sizes = context.Options.Nodes ?? PublishedHops.Nodes, tunnels = context.Options.Tunnels ?? PublishedHops.Tunnels;
        int cell = 0, cells = sizes.Count * tunnels.Count;
        foreach (int nodes in sizes)
        {
            foreach (int opened in tunnels)
            {
                var shape = OverlayShape.Of(nodes, opened, context.Options.Cap);
                string what = $"cell {++cell} of {cells}: {nodes:N0} nodes, {opened} tunnels";
                context.Progress(what, 0, nodes);
                HopCounts hops = HopDistances.Count(context.Build(shape), context.Options.Threads, done => context.Progress(what, done, nodes), context.Cancellation);
                var values = new OrderedDictionary<string, double>(StringComparer.Ordinal) { ["mean_hops"] = hops.Mean, ["max_hops"] = hops.Max, ["unreachable_pairs"] = hops.Unreachable };
                for (int distance = 0; distance < Math.Min(hops.Pairs.Count, MaxShares); distance++)
                    values[$"share_{distance}"] = hops.Pairs[distance] / ((double)nodes * nodes);
                context.Add(PaperContext.Key(shape), values, [.. Compare(shape, hops)]);
            }
        }
    }

    private static IEnumerable<Comparison> Compare(OverlayShape shape, HopCounts hops)
    {
        if (PublishedHops.Published(shape) is { } published)
            yield return new Comparison("mean_hops", "published", hops.Mean, published, PublishedHops.Tolerance(shape.Nodes, isPublished: true), IsRelative: true);
        if (PublishedHops.Rerun(shape) is { } again)
        {
            yield return new Comparison("mean_hops", "re-run", hops.Mean, again.Mean, PublishedHops.Tolerance(shape.Nodes, isPublished: false), IsRelative: true);
            yield return new Comparison("max_hops", "re-run", hops.Max, again.Max);
        }
    }
}
