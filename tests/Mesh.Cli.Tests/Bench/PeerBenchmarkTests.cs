using Mesh.Benchmarks;

namespace Mesh.Cli.Tests.Bench;

/// <summary>Sessions between nodes, with tiny parameters: the numbers mean nothing here, the report does.</summary>
public sealed class PeerBenchmarkTests
{
    [Fact]
    public void The_peers_area_measures_every_metric()
    {
        BenchmarkReport report = BenchmarkRunner.Run(BenchmarkRunner.Find("peers")!, new BenchmarkOptions { IsQuick = true });
        string[] expected = ["handshakes_per_second", "messages_per_second", "answered_messages_per_second", "bytes_per_session"];
        Assert.Equal(expected, report.Metrics.Select(static m => m.Name).Where(static name => name != "handshakes_ratio_to_openssl"), StringComparer.Ordinal);   // where there is an openssl
        Assert.All(report.Metrics, static m => Assert.InRange(m.Value, m.Min, m.Max));
        Assert.All(report.Metrics.Where(static m => m.Better == Better.Higher), static m => Assert.True(m.Value > 0, m.Name));
    }
}
