using Mesh.Benchmarks;

namespace Mesh.Cli.Tests.Bench;

/// <summary>The data plane between two network namespaces, for a second each: the numbers mean nothing here, the report does.</summary>
public sealed class DataPlaneBenchmarkTests
{
    [Fact]
    public void The_dataplane_area_measures_every_metric_and_leaves_nothing_behind()
    {
        NeedsRoot.Check();
        BenchmarkReport report = BenchmarkRunner.Run(BenchmarkRunner.Find("dataplane")!, new BenchmarkOptions { IsQuick = true });
        string[] expected = ["tcp_gbps", "cpu_seconds_per_gb", "small_packet_kpps", "rtt_ms", "gen0_collections_10s", "rss_mib"];
        Assert.Empty(expected.Except(report.Metrics.Select(static m => m.Name), StringComparer.Ordinal));
        Assert.All(report.Metrics, static m => Assert.InRange(m.Value, m.Min, m.Max));
        Assert.All(report.Metrics.Where(static m => m.Better == Better.Higher), static m => Assert.True(m.Value > 0, m.Name));
        // Whether packets of a long stream cost the collector anything does not depend on the machine.
        Assert.Equal(0, report.Metrics.Single(static m => m.Name == "gen0_collections_10s").Value);
        Assert.DoesNotContain(Directory.GetFiles("/run/netns"), static path => Path.GetFileName(path).StartsWith($"mesh-bench-{Environment.ProcessId}-", StringComparison.Ordinal));
    }
}
