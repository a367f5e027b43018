using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

/// <summary>The latency experiment with running nodes, in a small size. Larger: <c>mesh sim paper refresh-nodes</c>, see docs/paper.md.</summary>
public sealed class RefreshNodesTests
{
    [Fact]
    public void Next_hops_of_running_nodes_follow_the_graph_while_tunnels_are_replaced()
    {
        // Two seeds of thirty nodes stray by more than the ten percent that hold for the mean of more of them: see docs/paper.md for the real figures.
        PaperResult result = Run(new PaperOptions { Threads = 2, Nodes = [30], Tunnels = [4], Rounds = 4, Replicates = 2 });
        Assert.Equal(5, result.Rows.Count);
        Assert.All(result.Rows, static row =>
        {
            Assert.Equal((0, 0), (row.Values["loops"], row.Values["dead_ends"]));
            Assert.InRange(row.Values["stretch"], 1, 1.05);
            Assert.InRange(row.Comparisons.Single(static one => one.Source == "graph, --worth routes").DifferencePercent!.Value, -15, 15);
        });
        PaperRow first = result.Rows[0], last = result.Rows[^1];
        Assert.True(last.Values["mean_us"] < 0.9 * first.Values["mean_us"], $"{first.Values["mean_us"]} before and {last.Values["mean_us"]} after four rounds");
        Assert.InRange(last.Values["replaced_tunnels"] - first.Values["replaced_tunnels"], 3 * 30, 5 * 30);
    }

    [Fact]
    public void Where_routing_does_not_know_round_trips_next_hops_are_not_the_quickest()
    {
        PaperOptions options = new() { Nodes = [20], Tunnels = [3], Rounds = 0, Replicates = 1 };
        double with = Run(options).Rows[0].Values["stretch"], without = Run(options with { BabelDefault = "enable-timestamps false" }).Rows[0].Values["stretch"];
        Assert.InRange(with, 1, 1.05);
        Assert.True(without > 1.1, $"stretch {without}");
    }

    [Fact]
    public void The_seed_decides_and_the_number_of_threads_does_not()
    {
        PaperOptions options = new() { Nodes = [8], Tunnels = [2], Rounds = 1, Replicates = 2, Seed = 5 };
        string digest = Run(options).Digest;
        Assert.Equal(digest, Run(options with { Threads = 2 }).Digest, StringComparer.Ordinal);
        Assert.NotEqual(digest, Run(options with { Seed = 6 }).Digest, StringComparer.Ordinal);
    }

    [Fact]
    public void A_mesh_that_cannot_be_is_said() =>
        Assert.Contains("leaves no room for received tunnels", Assert.Throws<OverlayException>(static () => Run(new PaperOptions { Nodes = [8], Tunnels = [2], Cap = 2 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Ways_are_followed_hop_by_hop_and_circles_and_dead_ends_are_counted()
    {
        // 0 -> 1 -> 2; 2 -> 1 -> 2 ... for 0; 1 has nothing for 0 but 2; 2 has nothing for 1.
        int[][] next = [[0, 1, 1], [2, 1, 2], [1, -1, 2]];
        var ways = NextHopWays.Follow(next, new UnitLatencies(3));
        Assert.Equal((2, 1), (ways.Loops, ways.DeadEnds));
        // Reached: three times oneself, 0 to 1, 1 to 2, and 0 to 2 in two hops.
        Assert.Equal((4 / 6.0, 2, 4 / 6.0), (ways.MeanMicroseconds, ways.WorstMicroseconds, ways.MeanHops));
    }

    private static PaperResult Run(PaperOptions options) => new PaperRun(options, TestContext.Current.CancellationToken).Run([PaperExperiment.RefreshNodes]);
}
