using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary><c>refresh-hops</c>: section 5 of re6st's simulation (cb13b00). A row is the network after so many rounds, the mean of all replicates.</summary>
internal static class RefreshHopsExperiment
{
    private const int DefaultNodes = 1000;
    private const int DefaultTunnels = 10;
    private const int DefaultRounds = 50;
    private const int DefaultReplicates = 3;

    // The page accepts these for the hops of fresh overlays and for arities of the other refresh.
    private const double HopsTolerance = 0.003;
    private const double DeviationTolerance = 0.4;
    private const double ShareTolerance = 0.03;

    // One run of theirs: 1,000 nodes, 10 tunnels, cap 30.
    private static readonly (int Row, double? Hops, double? Deviation, double? AtCap)[] Rerun =
        [(0, 2.642, 3.1, .002), (5, 2.622, 7.4, .12), (10, 2.612, 8.8, .31), (20, 2.6075, null, null), (50, 2.604, 9.4, .42)];

    public static void Run(PaperContext context)
    {
        int rounds = context.Options.Rounds ?? DefaultRounds, replicates = context.Options.Replicates ?? DefaultReplicates;
        foreach (int nodes in context.Options.Nodes ?? [DefaultNodes])
        {
            foreach (int opened in context.Options.Tunnels ?? [DefaultTunnels])
                Run(context, OverlayShape.Of(nodes, opened, context.Options.Cap), rounds, replicates);
        }
    }

    private static void Run(PaperContext context, OverlayShape shape, int rounds, int replicates)
    {
        HopRefresh[] runs = [.. Enumerable.Range(0, replicates).Select(replicate => new HopRefresh(shape, new DeterministicRandom(context.SeedOf(shape, replicate))))];
        for (int round = 0; round <= rounds; round++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            HopCounts[] hops = [.. runs.Select(run => HopDistances.Count(run.ToGraph(), context.Options.Threads, progress: null, context.Cancellation))];
            ArityCounts[] arities = [.. runs.Select(static run => run.Arities())];
            var values = new OrderedDictionary<string, double>(StringComparer.Ordinal)
            {
                ["mean_hops"] = hops.Average(static one => one.Mean),
                ["max_hops"] = hops.Max(static one => one.Max),
                ["arity_sd"] = arities.Average(static one => one.Deviation),
                ["at_cap"] = arities.Average(static one => one.AtCap),
                ["missing_tunnels"] = runs.Average(static run => run.Missing),
            };
            OrderedDictionary<string, double> key = PaperContext.Key(shape);
            key["row"] = round;
            context.Add(key, values, [.. Compare(shape, round, values)]);
            context.Progress($"{shape.Nodes:N0} nodes, rounds", round, rounds);
            if (round < rounds)
                Parallel.ForEach(runs, new ParallelOptions { MaxDegreeOfParallelism = context.Options.Threads }, static run => run.Round());
        }
    }

    private static IEnumerable<Comparison> Compare(OverlayShape shape, int round, OrderedDictionary<string, double> values)
    {
        if (shape != OverlayShape.Of(DefaultNodes, DefaultTunnels) || Array.Find(Rerun, row => row.Row == round) is not { Hops: not null } again)
            yield break;
        yield return new Comparison("mean_hops", "re-run", values["mean_hops"], again.Hops.Value, HopsTolerance, IsRelative: true);
        if (again.Deviation is { } deviation)
            yield return new Comparison("arity_sd", "re-run", values["arity_sd"], deviation, DeviationTolerance);
        if (again.AtCap is { } atCap)
            yield return new Comparison("at_cap", "re-run", values["at_cap"], atCap, ShareTolerance);
    }
}
