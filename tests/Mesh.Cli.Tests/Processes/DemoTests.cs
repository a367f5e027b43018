using System.Text.Json;

namespace Mesh.Cli.Tests.Processes;

/// <summary>The demo, which is the first thing that a newcomer starts.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task As_root_every_pair_pings_before_and_after_a_relay_is_killed_and_nothing_is_left()
    {
        NeedsRoot.Check();
        await using MeshProcess demo = MeshProcess.Start("demo", "--nodes", "4", "--json");
        CliRun run = await demo.EndAsync();
        Assert.True(run.ExitCode == 0, run.Error + run.Out);
        JsonElement result = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal("namespaces", result.GetProperty("mode").GetString());
        Assert.True(result.GetProperty("isOk").GetBoolean());
        Assert.Equal(20, result.GetProperty("before").GetProperty("answered").GetInt32());
        Assert.Equal(12, result.GetProperty("after").GetProperty("answered").GetInt32());
        Assert.Empty(LeftBy(demo.Id));
    }

    [Fact]
    public async Task Stopped_in_the_middle_it_removes_what_it_made()
    {
        NeedsRoot.Check();
        await using MeshProcess demo = MeshProcess.Start("demo", "--nodes", "4");
        string line;
        do
            line = await demo.ReadLineAsync();
        while (!line.Contains("nodes start:", StringComparison.Ordinal));
        Assert.NotEmpty(LeftBy(demo.Id));
        CliRun run = await demo.TerminateAsync();
        Assert.NotEqual(0, run.ExitCode);
        Assert.Empty(LeftBy(demo.Id));
    }

    [Fact]
    public async Task Without_root_the_same_runs_in_the_simulator_and_it_says_so()
    {
        CliRun told = await CliRun.OfAsync("demo");
        Assert.Contains("simulator", told.Out, StringComparison.Ordinal);
        Assert.Contains("ok: every pair could ping", told.Out, StringComparison.Ordinal);
        CliRun run = await CliRun.OfAsync("demo", "--json");
        Assert.Equal(0, run.ExitCode);
        JsonElement result = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal("simulation", result.GetProperty("mode").GetString());
        Assert.True(result.GetProperty("isOk").GetBoolean());
    }

    [Theory]
    [InlineData("3")]
    [InlineData("5")]
    [InlineData("1000")]
    public async Task A_number_of_nodes_that_it_cannot_lay_out_is_refused(string nodes) => (await CliRun.OfAsync("demo", "--nodes", nodes)).RefusesWith($"--nodes {nodes}");

    // Namespaces and files of the demo are named after its process.
    private static IEnumerable<string> LeftBy(int process) =>
        (Directory.Exists("/run/netns") ? Directory.GetFiles("/run/netns", $"mesh-demo-*-{process}-*") : [])
            .Concat(Directory.GetDirectories(Path.GetTempPath(), $"mesh-demo-{process}-*"));
}
