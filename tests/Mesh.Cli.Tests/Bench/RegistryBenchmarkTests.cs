using Mesh.Benchmarks;

namespace Mesh.Cli.Tests.Bench;

/// <summary>The benchmarks that start the program itself. With tiny parameters: the numbers mean nothing here, the report does.</summary>
public sealed class RegistryBenchmarkTests
{
    private static readonly string Mesh = Path.Combine(AppContext.BaseDirectory, "mesh.dll");

    [Fact]
    public void The_registry_area_measures_every_metric_and_leaves_nothing_behind()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["work"]);
        BenchmarkReport report = BenchmarkRunner.Run(BenchmarkRunner.Find("registry")!, new BenchmarkOptions { IsQuick = true, MeshProgram = Mesh, Directory = folder["work"] });
        string[] expected =
        [
            "authenticated_calls_per_second", "call_p50_ms", "call_p99_ms", "certificates_per_second", "rss_mib_10k_nodes", "cold_start_seconds_100k_events",
        ];
        Assert.Empty(expected.Except(report.Metrics.Select(static m => m.Name), StringComparer.Ordinal));
        Assert.All(report.Metrics, static m => Assert.True(m.Value > 0 && m.Value >= m.Min && m.Value <= m.Max, m.Name));
        Assert.Equal(report.Metrics.Count, report.Metrics.Select(static m => m.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal([5_000, 3], report.Metrics.Where(static m => m.Target is not null && m.Name != "issue_ratio_to_openssl_sign").Select(static m => m.Target!.Value));
        Assert.Empty(Directory.GetFileSystemEntries(folder["work"]));
    }

    [Fact]
    public void Without_the_program_the_area_says_what_it_needs()
    {
        var errors = new StringWriter();
        Assert.Equal(2, Benchmarks.Program.Run(["registry", "--quick"], TextWriter.Null, errors));
        Assert.Contains("--mesh PROGRAM has to name mesh.dll", errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, Benchmarks.Program.Run(["registry", "--mesh", "/nowhere/mesh.dll"], TextWriter.Null, errors));
        Assert.Contains("--mesh: the path of mesh.dll must follow", errors.ToString(), StringComparison.Ordinal);
    }
}
