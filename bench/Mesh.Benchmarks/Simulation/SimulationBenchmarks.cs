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
/// Nodes as they come: ten tunnels each, re6st's timers (Hello 15 s), real bytes, modelled cryptography and nobody who watches invariants. A network is built anew for each size. What is measured begins when what the joining has left is over: a
/// virtual minute after the last route has come, or four where there are many nodes, whose routes go on getting better for so long. Small networks have one thread, but for the comparison with two; large ones have two.
/// </remarks>
public sealed class SimulationBenchmarks : BenchmarkArea
{
    private const ulong Seed = 1;

    // The process takes this much more than what is alive in it.
    private const double Slack = 1.5;

    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(30), Minute = TimeSpan.FromMinutes(1);

    // What is measured is longer where it is cheap.
    private static readonly NetworkSize[] Sizes = [new(100, 10 * Minute) { Target = 1000 }, new(300, 5 * Minute)];
    private static readonly NetworkSize[] LargeSizes = [new(1000, Minute) { Target = 50, Settling = 4 * Minute, Workers = 2 }];
    private static readonly NetworkSize[] HugeSizes = [new(3000, Minute) { Settling = 4 * Minute, Workers = 2 }, new(10_000, Minute) { Target = 1, Settling = 4 * Minute, Workers = 2 }];
    private static readonly NetworkSize[] QuickSizes = [new(10, Minute), new(20, Minute)];

    /// <inheritdoc/>
    public override string Name => "sim";

    /// <inheritdoc/>
    public override string Summary => "simulated networks: virtual seconds per second, memory of a node, and how both grow";

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options is { IsQuick: false, IsHuge: false })
            Console.Error.WriteLine(options.IsLarge ? "sim: 3,000 and 10,000 nodes are left out, which take hours: --huge" : "sim: 1,000 nodes are left out, which take ten minutes: --large; 3,000 and 10,000, which take hours: --huge");
        GCSettings.LatencyMode = GCLatencyMode.Batch;   // as `mesh sim run`
        NetworkSize[] sizes = options.IsQuick ? QuickSizes : [.. Sizes, .. options.IsLarge ? LargeSizes : [], .. options.IsHuge ? HugeSizes : []];
        var costs = new List<(double Nodes, double Seconds)>();
        var bytes = new List<(double Nodes, double Bytes)>();
        foreach (NetworkSize size in sizes)
        {
            string name = size.Nodes.ToString(CultureInfo.InvariantCulture);
            double needed = bytes.Count < 2 ? 0 : PerNode(bytes, size.Nodes) * size.Nodes * Slack, there = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            if (needed > there)
            {
                Console.Error.WriteLine($"sim: {name} nodes are left out: by what smaller networks took they need {Gibibytes(needed)}, and there are {Gibibytes(there)}");
                continue;
            }

            Measured measured = Measure(size);
            if (size.Workers == 1)
                costs.Add((size.Nodes, 1 / measured.RealTimeFactor));
            bytes.Add((size.Nodes, measured.BytesPerNode));
            yield return Metric.Of($"realtime_factor_{name}", "virtual s/s", Better.Higher, [measured.RealTimeFactor]) with { Target = size.Target };
            yield return Metric.Of($"boot_seconds_{name}", "s", Better.Lower, [measured.BootSeconds]);
            yield return Metric.Of($"bytes_per_node_{name}", "bytes", Better.Lower, [measured.BytesPerNode]) with { Target = size.Nodes == 10_000 ? 2_000_000 : null };
        }

        var compared = new NetworkSize((options.IsQuick ? QuickSizes : Sizes)[^1].Nodes, Minute);
        yield return Metric.Of("speedup_two_workers", "x", Better.Higher, [Measure(compared).TotalSeconds / Measure(compared with { Workers = 2 }).TotalSeconds]);
        yield return Metric.Of("cost_exponent", "", Better.Lower, [Exponent(costs)]) with { Target = 2 };
    }

    private static Measured Measure(NetworkSize size)
    {
        var scenario = new Scenario
        {
            Name = "bench",
            Registry = new RegistryOptions(),
            Cryptography = SimulatedCryptography.Modelled,
            Invariants = InvariantCatalogue.Names.ToDictionary(static name => name, static _ => new InvariantSetting(IsOn: false), StringComparer.Ordinal),
            Sites = [new Site("node", IsBehindNat: false, size.Nodes - 1)],
            JoinSpread = TimeSpan.FromSeconds(30),
            Steps = [new AwaitRoutes(BootLimit), new PassTime(size.Settling), new PassTime(size.Duration)],
        };
        Sampler.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true), start = Stopwatch.GetTimestamp();
        var ends = new List<double>();
        var run = new ScenarioRun(scenario, Seed, workers: size.Workers) { StepEnded = _ => ends.Add(Stopwatch.GetElapsedTime(start).TotalSeconds) };
        ScenarioResult result = run.Run();
        if (!result.IsClean)
            throw new InvalidOperationException($"{size.Nodes} nodes: {string.Join("; ", result.Violations)}");
        Sampler.Collect();
        double bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)size.Nodes;
        GC.KeepAlive(run);
        return new Measured(ends[^3], size.Duration.TotalSeconds / (ends[^1] - ends[^2]), bytes, ends[^1]);
    }

    private static string Gibibytes(double bytes) => $"{(bytes / (1L << 30)).ToString("0.#", CultureInfo.InvariantCulture)} GiB";

    /// <summary>How much memory a node takes in a larger network: something, and as much more for each other node as from the first of the measured networks to the last.</summary>
    internal static double PerNode(IReadOnlyList<(double Nodes, double Bytes)> measured, int nodes)
    {
        (double Nodes, double Bytes) first = measured[0], last = measured[^1];
        return last.Bytes + ((last.Bytes - first.Bytes) / (last.Nodes - first.Nodes) * (nodes - last.Nodes));
    }

    /// <summary>With which power of the number of nodes the cost grows: the slope of a straight line through the logarithms.</summary>
    internal static double Exponent(IReadOnlyList<(double Nodes, double Seconds)> costs)
    {
        double x = costs.Average(static cost => Math.Log(cost.Nodes)), y = costs.Average(static cost => Math.Log(cost.Seconds));
        return costs.Sum(cost => (Math.Log(cost.Nodes) - x) * (Math.Log(cost.Seconds) - y)) / costs.Sum(cost => Math.Pow(Math.Log(cost.Nodes) - x, 2));
    }

    /// <summary>A network to measure.</summary>
    private sealed record NetworkSize(int Nodes, TimeSpan Duration)
    {
        /// <summary>Virtual seconds in a second that it should come to.</summary>
        public double? Target { get; init; }

        /// <summary>What passes between the last route and the measurement.</summary>
        public TimeSpan Settling { get; init; } = Minute;

        /// <summary>Threads.</summary>
        public int Workers { get; init; } = 1;
    }

    private sealed record Measured(double BootSeconds, double RealTimeFactor, double BytesPerNode, double TotalSeconds);
}
