using Mesh.Benchmarks;

namespace Mesh.Cli.Tests.Bench;

/// <summary>The routing protocol, with tiny parameters: the numbers mean nothing here, the report does.</summary>
public sealed class BabelBenchmarkTests
{
    [Fact]
    public void The_babel_area_measures_every_metric_and_leaves_nothing_behind()
    {
        NeedsRoot.Check();
        BenchmarkReport report = BenchmarkRunner.Run(BenchmarkRunner.Find("babel")!, new BenchmarkOptions { IsQuick = true });
        string[] expected =
        [
            "updates_per_second", "updates_per_second_1k_2", "updates_per_second_1k_20", "updates_per_second_10k_2", "bytes_per_route_entry",
            "cpu_ratio_to_babeld", "cpu_ms_per_second", "convergence_seconds_ring10", "convergence_ratio_to_babeld",
        ];
        Assert.Equal(expected, report.Metrics.Select(static m => m.Name), StringComparer.Ordinal);
        Assert.All(report.Metrics, static m => Assert.InRange(m.Value, m.Min, m.Max));
        Assert.All(report.Metrics, static m => Assert.True(m.Value > 0, m.Name));
        Assert.DoesNotContain(Directory.GetFiles("/run/netns"), static path => Path.GetFileName(path).StartsWith($"mesh-bench-{Environment.ProcessId}-", StringComparison.Ordinal));
    }
}
