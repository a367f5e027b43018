namespace Mesh.Simulation.Paper;

/// <summary><c>refresh-nodes</c>: the question of <c>refresh-latency</c>, section 6 of re6st's simulation (cb13b00), put to running nodes. A row is what their next hops give, beside what the graph gives for the same
/// numbers and the same matrix.</summary>
internal static class RefreshNodesExperiment
{
    private const int DefaultNodes = 60;
    private const int DefaultTunnels = 5;
    private const int DefaultRounds = 10;
    private const int DefaultReplicates = 4;
    private const double Tolerance = 0.10;

    // A small graph is quickly made, and one seed of it says little. The curves of the reference are of 2,500 nodes, and with fewer nodes ways are shorter: so the graph is made in the same size.
    private const int GraphSeeds = 50;

    private static readonly TimeSpan Round = TimeSpan.FromMinutes(5);

    public static void Run(PaperContext context)
    {
        PaperOptions options = context.Options;
        IReadOnlyList<int> sizes = options.Measured is { } measured ? [measured.Nodes] : options.Nodes ?? [DefaultNodes];
        foreach (int nodes in sizes)
        {
            Latencies latencies = options.Measured ?? options.Matrix?.Invoke(nodes) ?? LatencyFormula.Heterogeneous(nodes);
            foreach (int opened in options.Tunnels ?? [DefaultTunnels])
                Run(context, OverlayShape.Of(nodes, opened, options.Cap), latencies);
        }
    }

    private static void Run(PaperContext context, OverlayShape shape, Latencies latencies)
    {
        PaperOptions options = context.Options;
        int rounds = options.Rounds ?? DefaultRounds, replicates = options.Replicates ?? DefaultReplicates;
        LatencyRefresh[] graphs = [.. Enumerable.Range(0, GraphSeeds).Select(seed => new LatencyRefresh(shape, latencies, churn: default, context.SeedOf(shape, replicates + seed), options.Threads, VictimRule.Routes))];
        LatencyRefresh[] published = [.. Enumerable.Range(0, GraphSeeds).Select(seed => new LatencyRefresh(shape, latencies, churn: default, context.SeedOf(shape, replicates + seed), options.Threads))];
        double direct = latencies.DirectMean(), optimum = LatencyRefresh.Optimum(latencies, options.Threads, context.Cancellation);
        RunningOverlay[] worlds = [.. Enumerable.Range(0, replicates).Select(replicate =>
            new RunningOverlay(shape, latencies, Round, options.BabelDefault, context.SeedOf(shape, replicate), context.Cancellation))];
        for (int round = 0; round <= rounds; round++)
        {
            context.Progress($"{shape.Nodes:N0} running nodes, matrix {latencies.Name}: rounds", round, rounds);
            var rows = new RunningRow[replicates];
            int taken = 0;
            Workers.Run(Math.Min(options.Threads, replicates), () =>
            {
                for (int i; (i = Interlocked.Increment(ref taken) - 1) < replicates;)
                {
                    rows[i] = Next(worlds[i], round);
                }
            });
            double mean = rows.Average(static row => row.MeanMicroseconds), best = rows.Average(static row => row.BestMicroseconds);
            double graph = graphs.Average(run => run.Refresh(context.Cancellation).MeanMicroseconds);
            double rule = published.Average(run => run.Refresh(context.Cancellation).MeanMicroseconds);
            var values = new OrderedDictionary<string, double>(StringComparer.Ordinal)
            {
                ["mean_us"] = mean,
                ["lowest_mean_us"] = rows.Min(static row => row.MeanMicroseconds),
                ["highest_mean_us"] = rows.Max(static row => row.MeanMicroseconds),
                ["worst_us"] = rows.Average(static row => row.WorstMicroseconds),
                ["best_us"] = best,
                ["stretch"] = mean / best,
                ["x_direct"] = mean / direct,
                ["x_optimal"] = mean / optimum,
                ["mean_hops"] = rows.Average(static row => row.MeanHops),
                ["arity_sd"] = rows.Average(static row => row.Arity.Deviation),
                ["at_cap"] = rows.Average(static row => row.Arity.AtCap),
                ["loops"] = rows.Sum(static row => row.Loops),
                ["dead_ends"] = rows.Sum(static row => row.DeadEnds),
                ["missing_tunnels"] = rows.Average(static row => row.MissingTunnels),
                ["replaced_tunnels"] = worlds.Average(static world => world.Replaced),
            };
            OrderedDictionary<string, double> key = PaperContext.Key(shape);
            key["row"] = round;
            context.Add(key, values,
            [
                new Comparison("mean_us", "graph, --worth routes", mean, graph, Tolerance, IsRelative: true),
                new Comparison("mean_us", "graph, --worth behind", mean, rule),
                new Comparison("loops", "none", values["loops"], 0, 0),
                new Comparison("dead_ends", "none", values["dead_ends"], 0, 0),
            ]);
        }
    }

    // Rows are in the middle between two refreshes, when routes have followed the last one.
    private static RunningRow Next(RunningOverlay world, int round)
    {
        if (round == 0)
            world.Start();
        world.RunFor(round == 0 ? Round / 2 : Round);
        RunningRow row = world.Measure();
        if (round == 0)
        {
            world.BeginRefresh();
            world.RunFor(Round / 2);
        }

        return row;
    }
}
