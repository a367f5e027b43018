using System.Text.Json;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

/// <summary>The experiments beside what was published. The whole tables take minutes: see HACKING.md.</summary>
public sealed class PaperRunTests
{
    [Fact]
    public void Hops_to_1600_nodes_are_the_published_ones()
    {
        PaperResult result = Run(new PaperOptions { Threads = 2, Nodes = [100, 200, 400, 800, 1600] }, PaperExperiment.Hops);
        Assert.Equal((50, 50), (result.Rows.Count, result.Compared));
        AllAgree(result);
    }

    [Fact]
    public void Hops_at_round_sizes_are_those_of_the_re_run()
    {
        PaperResult result = Run(new PaperOptions { Threads = 2, Nodes = [1000, 5000], Tunnels = [5, 10, 50] }, PaperExperiment.Hops);
        Assert.Equal(6, result.Compared);
        AllAgree(result);
        Assert.All(result.Rows, static row => Assert.Equal(0, row.Values["unreachable_pairs"]));
        PaperRow row = result.Rows.Single(static row => row.Key["n"] == 1000 && row.Key["k"] == 10);
        Assert.Equal(0.0198, row.Values["share_1"], 0.0002);
        Assert.Equal(0.3147, row.Values["share_2"], 0.004);
    }

    [Fact]
    public void Survivors_are_those_of_the_re_run()
    {
        PaperResult result = Run(new PaperOptions { Threads = 2, Replicates = 20 }, PaperExperiment.Kill);
        Assert.Equal(8 * 19, result.Rows.Count);
        Assert.Equal((8 * 11) + 19, result.Compared);
        AllAgree(result);
    }

    [Fact]
    public void The_cut_is_the_least_connected_node()
    {
        PaperResult result = Run(new PaperOptions { Threads = 2, Nodes = [100, 200, 500] }, PaperExperiment.Cut);
        Assert.Equal(3, result.Compared);
        AllAgree(result);
    }

    [Fact]
    public void Refreshing_by_hops_gives_the_arities_of_the_re_run()
    {
        PaperResult result = Run(new PaperOptions { Threads = 2, Rounds = 5, Replicates = 1 }, PaperExperiment.RefreshHops);
        Assert.Equal((6, 6), (result.Rows.Count, result.Compared));
        AllAgree(result);
    }

    [Theory]
    [InlineData("U")]
    [InlineData("H")]
    public void Refreshing_by_latency_gives_the_curve_of_the_reference(string matrix)
    {
        PaperResult result = Run(
            new PaperOptions { Threads = 2, Rounds = 2, Replicates = 1, Matrix = matrix == "U" ? LatencyFormula.Uniform : LatencyFormula.Heterogeneous }, PaperExperiment.RefreshLatency);
        Assert.Equal((3, matrix == "U" ? 9 : 12), (result.Rows.Count, result.Compared));
        AllAgree(result);
    }

    [Fact]
    public void On_a_file_nothing_is_judged_but_the_published_curve_is_shown()
    {
        LatencyFormula formula = LatencyFormula.Uniform(60);
        var file = LatencyFile.Parse(string.Join('\n', Enumerable.Range(0, 59).Select(i => string.Join(' ', Enumerable.Range(i + 1, 59 - i).Select(j => formula.Microseconds(i, j))))));
        PaperResult small = Run(new PaperOptions { Nodes = [100], Rounds = 1, Replicates = 1, Measured = file }, PaperExperiment.RefreshLatency);
        Assert.Equal((2, 0, 0), (small.Rows.Count, small.Compared, small.Notes.Count));
        Assert.InRange(small.Rows[0].Values["x_optimal"], 1, 5);
    }

    [Fact]
    public void Another_shape_is_compared_with_nothing() => Assert.Equal(0, Run(new PaperOptions { Nodes = [100], Tunnels = [10], Cap = 25 }, PaperExperiment.Hops).Compared);

    [Fact]
    public void The_seed_decides_and_the_number_of_threads_does_not()
    {
        PaperOptions options = new() { Nodes = [600], Tunnels = [4], Rounds = 2, Replicates = 3, Seed = 5 };
        foreach (PaperExperiment experiment in PaperNames.All.Where(static one => one != PaperExperiment.RefreshNodes))   // its own test, with fewer nodes
        {
            string digest = Run(options, experiment).Digest;
            Assert.Equal(digest, Run(options with { Threads = 2 }, experiment).Digest, StringComparer.Ordinal);
            Assert.Equal(digest, Run(options with { Threads = 5 }, experiment).Digest, StringComparer.Ordinal);
            if (experiment != PaperExperiment.Cut)   // two small numbers, which may be the same by chance
                Assert.NotEqual(digest, Run(options with { Seed = 6 }, experiment).Digest, StringComparer.Ordinal);
        }
    }

    [Fact]
    public void A_cell_does_not_depend_on_which_others_are_run()
    {
        PaperRow alone = Run(new PaperOptions { Nodes = [200], Tunnels = [5] }, PaperExperiment.Hops).Rows.Single();
        PaperRow among = Run(new PaperOptions { Nodes = [100, 200], Tunnels = [3, 5] }, PaperExperiment.Hops).Rows[^1];
        Assert.Equal(alone.Values, among.Values);
    }

    [Fact]
    public void When_it_is_stopped_the_rows_that_are_there_are_the_result()
    {
        using var stop = new CancellationTokenSource();
        int rows = 0;
        PaperResult result = new PaperRun(new PaperOptions { Nodes = [100, 200, 400] }, stop.Token)
        {
            RowEnded = _ =>
            {
                if (++rows == 4)
                    stop.Cancel();
            },
        }.Run(PaperNames.All);
        Assert.Equal((true, 4), (result.IsPartial, result.Rows.Count));
        Assert.Equal("hops", Assert.Single(result.Seconds).Key);
    }

    [Fact]
    public void A_cap_that_is_too_tight_ends_it() => Assert.Throws<OverlayException>(static () => Run(new PaperOptions { Threads = 2, Tunnels = [4], Cap = 4 }, PaperExperiment.Kill));

    [Fact]
    public void A_number_outside_its_tolerance_is_counted()
    {
        PaperRow Row(params Comparison[] comparisons) => new(PaperExperiment.Hops, [], [], comparisons);
        var result = new PaperResult(1, 1,
            [Row(new Comparison("a", "published", 1.019, 1, 0.02, IsRelative: true), new Comparison("b", "published", 1.03, 1, 0.02, IsRelative: true)), Row(new Comparison("c", "re-run", 5, 4), new Comparison("d", "re-run", 0.5, 0, 0.4))],
            [], IsPartial: false, []);
        Assert.Equal((3, 2), (result.Compared, result.Outside));
        Assert.Null(result.Rows[1].Comparisons[1].DifferencePercent);
    }

    [Fact]
    public void The_result_is_JSON_with_theirs_beside_ours()
    {
        PaperResult result = Run(new PaperOptions { Nodes = [100], Tunnels = [5] }, PaperExperiment.Hops);
        using var json = JsonDocument.Parse(JsonSerializer.Serialize(result, PaperJson.Default.PaperResult));
        JsonElement row = json.RootElement.GetProperty("rows")[0];
        Assert.Equal(("hops", 100.0), (row.GetProperty("experiment").GetString(), row.GetProperty("key").GetProperty("n").GetDouble()));
        JsonElement comparison = row.GetProperty("comparisons")[0];
        Assert.Equal(("published", 2.23943, row.GetProperty("values").GetProperty("mean_hops").GetDouble()),
            (comparison.GetProperty("source").GetString(), comparison.GetProperty("theirs").GetDouble(), comparison.GetProperty("ours").GetDouble()));
        Assert.True(comparison.GetProperty("agrees").GetBoolean());
    }

    private static PaperResult Run(PaperOptions options, PaperExperiment experiment) => new PaperRun(options, TestContext.Current.CancellationToken).Run([experiment]);

    private static void AllAgree(PaperResult result) =>
        Assert.All(result.Rows, static row => Assert.All(row.Comparisons, one => Assert.True(one.Agrees ?? true, $"{string.Join(' ', row.Key)}: {one}")));
}
