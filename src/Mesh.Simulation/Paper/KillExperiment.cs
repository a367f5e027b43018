namespace Mesh.Simulation.Paper;

/// <summary><c>kill</c>: section 4 of re6st's simulation (cb13b00). Only the first nodes of an overlay survive, and nobody opens new tunnels.</summary>
internal static class KillExperiment
{
    private const int Step = 5;

    // Below this the simple formula is far off, as pieces are larger than one node.
    private const int FormulaFrom = 20;
    private const int FormulaStep = 10;

    // A difference of two means is within so many of its standard errors: one cell in 15,000 is not, by chance.
    private const int StandardErrors = 4;

    // With fewer graphs the scatter is not known well enough to judge.
    private const int GraphsToJudge = 10;

    private static readonly int[] Percents = [.. Enumerable.Range(1, 19).Select(static i => i * Step)];

    public static void Run(PaperContext context)
    {
        int graphs = context.Options.Replicates ?? PublishedKill.Graphs;
        IEnumerable<(int Tunnels, int? Cap)> columns = context.Options.Tunnels is { } chosen
            ? chosen.Select(tunnels => (tunnels, context.Options.Cap))
            : PublishedKill.Columns.Select(column => (column.Tunnels, context.Options.Cap ?? (int?)column.Cap));
        foreach (int nodes in context.Options.Nodes ?? [PublishedKill.Nodes])
        {
            foreach (OverlayShape shape in columns.Select(column => OverlayShape.Of(nodes, column.Tunnels, column.Cap)).Distinct())
                Run(context, shape, graphs);
        }
    }

    private static void Run(PaperContext context, OverlayShape shape, int graphs)
    {
        int[] survivors = [.. Percents.Select(percent => Survivors(shape.Nodes, percent))];
        var results = new SurvivorCounts[graphs][];
        int taken = 0, done = 0;
        context.Build(shape);   // so that a cap that is too tight is one exception
        Workers.Run(Math.Min(context.Options.Threads, graphs), () =>
        {
            for (int graph; (graph = Interlocked.Increment(ref taken) - 1) < graphs && !context.Cancellation.IsCancellationRequested;)
            {
                results[graph] = SurvivorCounts.Of(context.Build(shape, graph), survivors);
                context.Progress($"{shape.Nodes:N0} nodes, {shape.Tunnels} tunnels, cap {shape.Cap}: graphs", Interlocked.Increment(ref done), graphs);
            }
        });
        context.Cancellation.ThrowIfCancellationRequested();
        for (int step = 0; step < Percents.Length; step++)
        {
            if (survivors[step] > 0)
                Add(context, shape, Percents[step], [.. results.Select(graph => graph[step])]);
        }
    }

    // Their program computes in single precision.
    private static int Survivors(int nodes, int percent) => (int)MathF.Floor(percent / 100f * nodes);

    private static void Add(PaperContext context, OverlayShape shape, int percent, SurvivorCounts[] graphs)
    {
        double pair = graphs.Average(static graph => graph.Pair), split = graphs.Average(static graph => graph.Pieces > 1 ? 1.0 : 0.0);
        double squares = graphs.Sum(graph => (graph.Pair - pair) * (graph.Pair - pair));
        double deviation = graphs.Length > 1 ? Math.Sqrt(squares / (graphs.Length - 1)) : 0;
        OrderedDictionary<string, double> key = PaperContext.Key(shape);
        key["alive_percent"] = percent;
        var values = new OrderedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["survivors"] = graphs[0].Survivors,
            ["pair"] = pair,
            ["pair_sd"] = deviation,
            ["giant"] = graphs.Average(static graph => graph.Giant),
            ["split"] = split,
        };
        context.Add(key, values, [.. Compare(shape, percent, graphs, pair, deviation, split)]);
    }

    private static IEnumerable<Comparison> Compare(OverlayShape shape, int percent, SurvivorCounts[] graphs, double pair, double deviation, double split)
    {
        int survivors = graphs[0].Survivors;
        bool judges = graphs.Length >= GraphsToJudge;
        double isolated = PublishedKill.Isolated(shape.Tunnels, percent / 100.0);
        if (PublishedKill.Pair(shape, percent) is { } again)
        {
            // Where events are so rare that ours may have had none, the scatter is that of isolated nodes, which are independent of each other.
            double scatter = Math.Max(deviation, 2 * Math.Sqrt(isolated / survivors));
            double error = Math.Sqrt(Square(Error(scatter, survivors, graphs.Length)) + Square(Error(scatter, survivors, PublishedKill.Graphs)));
            yield return new Comparison("pair", "re-run", pair, again.Pair, judges ? (StandardErrors * error) + again.Rounding : null);
        }

        if (percent >= FormulaFrom && percent % FormulaStep == 0)
            yield return new Comparison("pair", "formula", pair, 2 * isolated);
        if (PublishedKill.Pictured(shape.Tunnels, percent) is { } pictured)
            yield return new Comparison("pair", "picture", pair, pictured);
        if (PublishedKill.Split(shape, percent) is { } share)
        {
            // Two shares of so many graphs; one graph more or less always passes.
            double middle = ((split * graphs.Length) + (share * PublishedKill.Graphs)) / (graphs.Length + PublishedKill.Graphs);
            double error = Math.Sqrt(middle * (1 - middle) * ((1.0 / graphs.Length) + (1.0 / PublishedKill.Graphs)));
            yield return new Comparison("split", "re-run", split, share, judges ? (StandardErrors * error) + (1.0 / PublishedKill.Graphs) : null);
        }
    }

    // Of a mean over graphs: at least what one isolated node in one of them makes.
    private static double Error(double scatter, int survivors, int graphs) => Math.Max(scatter / Math.Sqrt(graphs), 2.0 / survivors / graphs);

    private static double Square(double value) => value * value;
}
