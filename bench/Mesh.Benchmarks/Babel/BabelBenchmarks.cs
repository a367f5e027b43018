using Mesh.Benchmarks.DataPlane;

namespace Mesh.Benchmarks.Babel;

/// <summary>The routing protocol: what a speaker costs and how soon a network finds another way, beside babeld where it is installed.</summary>
public sealed class BabelBenchmarks : BenchmarkArea
{
    private const int FewPrefixes = 1_000, ManyPrefixes = 10_000, FewNeighbours = 2, ManyNeighbours = 20;
    private const int RoundsToSettle = 10, UpdatesPerSample = 1_000_000;

    /// <inheritdoc/>
    public override string Name => "babel";

    /// <inheritdoc/>
    public override string Summary => "routing updates per second of one processor, memory of a route, processor time and convergence beside babeld";

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var sampler = new Sampler(options);
        yield return UpdatesPerSecond(sampler, options, "updates_per_second", ManyPrefixes, ManyNeighbours);
        yield return UpdatesPerSecond(sampler, options, "updates_per_second_1k_2", FewPrefixes, FewNeighbours);
        yield return UpdatesPerSecond(sampler, options, "updates_per_second_1k_20", FewPrefixes, ManyNeighbours);
        yield return UpdatesPerSecond(sampler, options, "updates_per_second_10k_2", ManyPrefixes, FewNeighbours);
        yield return sampler.Lower("bytes_per_route_entry", "bytes", () => BytesPerEntry(options)) with { Target = 16 };
        if (!Environment.IsPrivilegedProcess || !DataPlaneBenchmarks.IsInstalled("babeld"))
        {
            Console.Error.WriteLine("babel: what is measured beside babeld is left out: it needs root, and babeld: apt-get install babeld");
            yield break;
        }

        BabelMachines.RemoveLeftovers();
        // At the same time: both wait most of theirs, and waiting is what takes minutes.
        Metric[][] beside = Task.WhenAll(
            Task.Run(() => BesideBabeld.ProcessorTime(options).ToArray()),
            Task.Run(() => BesideBabeld.Convergence(options).ToArray())).GetAwaiter().GetResult();
        foreach (Metric metric in beside.SelectMany(static metrics => metrics))
            yield return metric;
    }

    // Nothing changes: each update says what the one 16 s before it said.
    private static Metric UpdatesPerSecond(Sampler sampler, BenchmarkOptions options, string name, int prefixes, int neighbours)
    {
        var load = new UpdateLoad(options.Scale(prefixes), neighbours);
        for (int round = 0; round < RoundsToSettle; round++)
            load.Round(options);
        Check(load);
        int changes = load.Changes, rounds = options.IsQuick ? 1 : Math.Max(1, UpdatesPerSample / load.UpdatesPerRound);
        Metric metric = sampler.Higher(name, "updates/s", () => (double)rounds * load.UpdatesPerRound / Enumerable.Range(0, rounds).Sum(_ => load.Round(options)));
        if (load.Changes != changes)
            throw new InvalidOperationException($"{load.Changes - changes} routes changed while nothing happened");
        return metric with { Target = 5e6 };
    }

    // Feasibility distances and what was told to others are counted with the routes.
    private static double BytesPerEntry(BenchmarkOptions options)
    {
        var load = new UpdateLoad(options.Scale(ManyPrefixes), ManyNeighbours);
        Sampler.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int round = 0; round < RoundsToSettle; round++)
            load.Round(options);
        Check(load);
        Sampler.Collect();
        return (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)load.Routes;
    }

    private static void Check(UpdateLoad load)
    {
        if (load.Routes != load.UpdatesPerRound)
            throw new InvalidOperationException($"the speaker has {load.Routes} routes of {load.UpdatesPerRound} that it was told");
    }
}
