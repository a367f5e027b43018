namespace Mesh.Simulation.Paper;

/// <summary><c>refresh-latency</c>: section 6 of re6st's simulation (cb13b00). A row is the network before a refresh, the mean of all replicates, which go on row by row together.</summary>
internal static class RefreshLatencyExperiment
{
    private const int DefaultRounds = 100;

    public static void Run(PaperContext context)
    {
        PaperOptions options = context.Options;
        IReadOnlyList<int> sizes = options.Measured is { } measured ? [measured.Nodes] : options.Nodes ?? [PublishedRefresh.Shape.Nodes];
        foreach (int nodes in sizes)
        {
            Latencies latencies = options.Measured ?? options.Matrix?.Invoke(nodes) ?? LatencyFormula.Heterogeneous(nodes);
            context.Progress("the optimum of the matrix", 0, 1);
            double direct = latencies.DirectMean();
            double optimum = nodes == PublishedRefresh.Shape.Nodes && PublishedRefresh.Optimum(latencies.Name) is { } known ? known : LatencyRefresh.Optimum(latencies, options.Threads, context.Cancellation);
            if (latencies is LatencyFormula or UnitLatencies)
                context.Note($"matrix {latencies.Name} is made by a formula; it stands in for the measurements between 2,500 hosts that the published curve was taken on, which cannot be handed on");
            foreach (int opened in options.Tunnels ?? [PublishedRefresh.Shape.Tunnels])
                Run(context, OverlayShape.Of(nodes, opened, options.Cap), latencies, direct, optimum);
        }
    }

    private static void Run(PaperContext context, OverlayShape shape, Latencies latencies, double direct, double optimum)
    {
        PaperOptions options = context.Options;
        int rounds = options.Rounds ?? DefaultRounds, replicates = options.Replicates ?? PublishedRefresh.SeedsOfMean;
        LatencyRefresh[] runs = [.. Enumerable.Range(0, replicates).Select(replicate =>
            new LatencyRefresh(shape, latencies, options.Churn, context.SeedOf(shape, replicate), options.Threads, options.Rule))];
        for (int round = 0; round <= rounds; round++)
        {
            var hops = new HopCounts[replicates];
            var rows = new LatencyRow[replicates];
            for (int i = 0; i < replicates; i++)
            {
                context.Progress($"{shape.Nodes:N0} nodes, matrix {latencies.Name}: round {round} of {rounds}, runs", i + 1, replicates);
                runs[i].Churn();
                hops[i] = HopDistances.Count(runs[i].ToGraph(), options.Threads, progress: null, context.Cancellation);
                rows[i] = runs[i].Refresh(context.Cancellation);
            }

            double mean = rows.Average(static row => row.MeanMicroseconds);
            var values = new OrderedDictionary<string, double>(StringComparer.Ordinal)
            {
                ["mean_us"] = mean,
                ["lowest_mean_us"] = rows.Min(static row => row.MeanMicroseconds),
                ["highest_mean_us"] = rows.Max(static row => row.MeanMicroseconds),
                ["worst_us"] = rows.Average(static row => row.WorstMicroseconds),
                ["x_direct"] = mean / direct,
                ["x_optimal"] = mean / optimum,
                ["mean_hops"] = hops.Average(static one => one.Mean),
                ["max_hops"] = hops.Max(static one => one.Max),
                ["arity_sd"] = rows.Average(static row => row.Arity.Deviation),
                ["at_cap"] = rows.Average(static row => row.Arity.AtCap),
                ["low_arity"] = rows.Average(static row => row.Arity.Low),
                ["unreachable_pairs"] = rows.Sum(static row => row.Unreachable),
                ["routes_lost"] = rows.Average(static row => row.RoutesLost),
                ["missing_tunnels"] = rows.Average(static row => row.MissingTunnels),
            };
            OrderedDictionary<string, double> key = PaperContext.Key(shape);
            key["row"] = round;
            context.Add(key, values, shape == PublishedRefresh.Shape && options.Rule == VictimRule.Behind ? [.. Compare(options, latencies, round, replicates, values)] : []);
        }
    }

    private static IEnumerable<Comparison> Compare(PaperOptions options, Latencies latencies, int row, int replicates, OrderedDictionary<string, double> ours)
    {
        double tolerance = replicates >= PublishedRefresh.SeedsOfMean ? PublishedRefresh.MeanTolerance : PublishedRefresh.SeedTolerance;
        if (options.Churn.Most > 0)
        {
            return latencies.Name == "H" && options.Churn == (0, 0.05) && PublishedRefresh.Churned(row) is { } churned
                ? [new Comparison("mean_us", "restated", ours["mean_us"], churned, tolerance, IsRelative: true)] : [];
        }

        return latencies.Name switch
        {
            "U" => PublishedRefresh.Uniform.Where(one => one.Row == row).SelectMany(one => (Comparison?[])
                [.. Means(one.Rerun, one.Restated, nineSeeds: null), Deviation(one.Deviation), Share("at_cap", one.AtCap)]).OfType<Comparison>(),
            "H" => PublishedRefresh.Heterogeneous.Where(one => one.Row == row).SelectMany(one => (Comparison?[])
                [.. Means(one.Rerun, one.Restated, PublishedRefresh.NineSeeds(row)), Shown("worst_us", one.Worst), Shown("mean_hops", one.Hops), Deviation(one.Deviation), Share("at_cap", one.AtCap), Share("low_arity", one.Low)]).OfType<Comparison>(),
            // Other measurements than theirs may be in the file, so nothing is held against the published curve.
            _ => PublishedRefresh.Meridian.Where(one => latencies is LatencyFile && one.Row == row).SelectMany(one => (Comparison[])
                [Published("mean_us", one.Mean), Published("arity_sd", one.Deviation), Published("at_cap", one.AtCap), Published("low_arity", one.Low)]),
        };

        // What there is most of decides: nine seeds, or the mean of two programs' one seed each, or one seed.
        IEnumerable<Comparison> Means(double? again, double? restated, double? nineSeeds)
        {
            (double Value, string Source)? judge = nineSeeds is { } nine ? (nine, "nine seeds") : (again, restated) is ({ } first, { } second) ? ((first + second) / 2, "re-run, restated") : null;
            if (judge is { } best)
                yield return new Comparison("mean_us", best.Source, ours["mean_us"], best.Value, tolerance, IsRelative: true);
            if (again is { } one)
                yield return new Comparison("mean_us", "re-run", ours["mean_us"], one, judge is null ? tolerance : null, IsRelative: true);
            if (restated is { } other)
                yield return new Comparison("mean_us", "restated", ours["mean_us"], other, judge is null ? tolerance : null, IsRelative: true);
        }

        Comparison? Shown(string name, double? theirs) => theirs is { } value ? new Comparison(name, "restated", ours[name], value) : null;
        Comparison? Deviation(double? theirs) => theirs is { } value ? new Comparison("arity_sd", "restated", ours["arity_sd"], value, PublishedRefresh.DeviationTolerance) : null;
        Comparison? Share(string name, double? theirs) => theirs is { } value ? new Comparison(name, "restated", ours[name], value, PublishedRefresh.ShareTolerance) : null;
        Comparison Published(string name, double theirs) => new(name, "published", ours[name], theirs);
    }
}
