using Mesh.Benchmarks;
using Mesh.Benchmarks.Simulation;

namespace Mesh.Cli.Tests.Bench;

public sealed class SimulationBenchmarkTests
{
    [Fact]
    public void Networks_of_two_sizes_are_measured_and_what_one_costs_by_the_other()
    {
        List<Metric> metrics = [.. new SimulationBenchmarks().Run(new BenchmarkOptions { IsQuick = true })];
        Assert.Equal(
            [
                "realtime_factor_10", "boot_seconds_10", "bytes_per_node_10",
                "realtime_factor_20", "boot_seconds_20", "bytes_per_node_20",
                "speedup_two_workers", "cost_exponent",
            ],
            metrics.Select(static metric => metric.Name),
            StringComparer.Ordinal);
        Assert.All(metrics, static metric => Assert.True(double.IsFinite(metric.Value), metric.Name));
        // The memory is that of the process, in which other tests run, too.
        Assert.All(metrics.SkipLast(1).Where(static metric => metric.Unit != "bytes"), static metric => Assert.True(metric.Value > 0, metric.Name));
    }

    [Fact]
    public void The_exponent_is_that_of_a_power_of_the_number_of_nodes() =>
        Assert.Equal(1.75, SimulationBenchmarks.Exponent([.. new[] { 10.0, 100, 300, 1000 }.Select(static nodes => (nodes, 3 * Math.Pow(nodes, 1.75)))]), 9);

    [Fact]
    public void What_a_node_takes_in_a_larger_network_grows_with_the_number_of_the_others() =>
        Assert.Equal(700_000 + (650 * 10_000), SimulationBenchmarks.PerNode([(100, 765_000), (300, 895_000)], 10_000), 6);
}
