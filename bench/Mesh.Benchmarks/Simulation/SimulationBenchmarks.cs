using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using Mesh.Registry;
using Mesh.Simulation.Invariants;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.World;

namespace Mesh.Benchmarks.Simulation;

/// <summary>What simulated networks of several sizes cost: until everybody reaches everybody, and then for each virtual second in which nothing happens.</summary>
/// <remarks>
/// Nodes as they come: ten tunnels each, re6st's timers (Hello 15 s), real bytes, modelled cryptography and nobody who watches invariants. One thread, but for the comparison with two. A network is built anew for each size, and what is measured
/// begins a virtual minute after the last route has come, so that what the joining has left is over.
/// </remarks>
public sealed class SimulationBenchmarks : BenchmarkArea
{
    private const ulong Seed = 1;
    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(30), Settling = TimeSpan.FromMinutes(1);

    // Virtual seconds that are measured: more where they are cheap.
    private static readonly (int Nodes, int Seconds, double? Target)[] Sizes = [(100, 600, 1000), (300, 300, null)];
    private static readonly (int Nodes, int Seconds, double? Target)[] LargeSizes = [.. Sizes, (1000, 60, 50)];
    private static readonly (int Nodes, int Seconds, double? Target)[] QuickSizes = [(10, 60, null), (20, 60, null)];

    /// <inheritdoc/>
    public override string Name => "sim";

    /// <inheritdoc/>
    public override string Summary => "simulated networks: virtual seconds per second, memory of a node, and how both grow";

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.IsQuick)
            Console.Error.WriteLine(options.IsLarge ? "sim: 3,000 nodes and more are left out: each would take hours" : "sim: 1,000 nodes are left out, which take more than ten minutes: --large");
        GCSettings.LatencyMode = GCLatencyMode.Batch;   // as `mesh sim run`
        var costs = new List<(double Nodes, double Seconds)>();
        foreach ((int nodes, int seconds, double? target) in options.IsQuick ? QuickSizes : options.IsLarge ? LargeSizes : Sizes)
        {
            Measured measured = Measure(nodes, TimeSpan.FromSeconds(seconds));
            string size = nodes.ToString(CultureInfo.InvariantCulture);
            costs.Add((nodes, 1 / measured.RealTimeFactor));
            yield return Metric.Of($"realtime_factor_{size}", "virtual s/s", Better.Higher, [measured.RealTimeFactor]) with { Target = target };
            yield return Metric.Of($"boot_seconds_{size}", "s", Better.Lower, [measured.BootSeconds]);
            yield return Metric.Of($"bytes_per_node_{size}", "bytes", Better.Lower, [measured.BytesPerNode]);
        }

        int compared = options.IsQuick ? QuickSizes[^1].Nodes : Sizes[^1].Nodes;
        yield return Metric.Of("speedup_two_workers", "x", Better.Higher, [Measure(compared, Settling).TotalSeconds / Measure(compared, Settling, workers: 2).TotalSeconds]);
        yield return Metric.Of("cost_exponent", "", Better.Lower, [Exponent(costs)]) with { Target = 2 };
    }

    private static Measured Measure(int nodes, TimeSpan duration, int workers = 1)
    {
        var scenario = new Scenario
        {
            Name = "bench",
            Registry = new RegistryOptions(),
            Cryptography = SimulatedCryptography.Modelled,
            Invariants = InvariantCatalogue.Names.ToDictionary(static name => name, static _ => new InvariantSetting(IsOn: false), StringComparer.Ordinal),
            Sites = [new Site("node", IsBehindNat: false, nodes - 1)],
            JoinSpread = TimeSpan.FromSeconds(30),
            Steps = [new AwaitRoutes(BootLimit), new PassTime(Settling), new PassTime(duration)],
        };
        Sampler.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true), start = Stopwatch.GetTimestamp();
        var ends = new List<double>();
        var run = new ScenarioRun(scenario, Seed, workers: workers) { StepEnded = _ => ends.Add(Stopwatch.GetElapsedTime(start).TotalSeconds) };
        ScenarioResult result = run.Run();
        if (!result.IsClean)
            throw new InvalidOperationException($"{nodes} nodes: {string.Join("; ", result.Violations)}");
        Sampler.Collect();
        double bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)nodes;
        GC.KeepAlive(run);
        return new Measured(ends[^3], duration.TotalSeconds / (ends[^1] - ends[^2]), bytes, ends[^1]);
    }

    /// <summary>With which power of the number of nodes the cost grows: the slope of a straight line through the logarithms.</summary>
    internal static double Exponent(IReadOnlyList<(double Nodes, double Seconds)> costs)
    {
        double x = costs.Average(static cost => Math.Log(cost.Nodes)), y = costs.Average(static cost => Math.Log(cost.Seconds));
        return costs.Sum(cost => (Math.Log(cost.Nodes) - x) * (Math.Log(cost.Seconds) - y)) / costs.Sum(cost => Math.Pow(Math.Log(cost.Nodes) - x, 2));
    }

    private sealed record Measured(double BootSeconds, double RealTimeFactor, double BytesPerNode, double TotalSeconds);
}
