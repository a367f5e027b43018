using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class HopDistancesTests
{
    // Around the 512 sources of a block; sparse ones fall into pieces, dense ones fill their rows at once.
    [Theory]
    [InlineData(2, 1)]
    [InlineData(5, 3)]
    [InlineData(63, 40)]
    [InlineData(300, 3000)]
    [InlineData(511, 700)]
    [InlineData(512, 1500)]
    [InlineData(513, 1500)]
    [InlineData(1030, 1100)]
    [InlineData(2100, 6000)]
    public void Counts_are_those_of_a_search_from_each_node(int nodes, int tunnels)
    {
        var graph = TunnelGraph.Of(nodes, Graphs.Tunnels(nodes, tunnels, (ulong)nodes));
        int[] hops = [.. Enumerable.Range(0, nodes).SelectMany(node => Graphs.Hops(graph, node))];
        long[] expected = [.. Enumerable.Range(0, hops.Max() + 1).Select(distance => hops.LongCount(hop => hop == distance))];
        foreach (int threads in (int[])[1, 2, 5])
        {
            HopCounts counts = HopDistances.Count(graph, threads);
            Assert.Equal(expected, counts.Pairs);
            Assert.Equal(hops.LongCount(static hop => hop < 0), counts.Unreachable);
            Assert.Equal(hops.Where(static hop => hop >= 0).Average(), counts.Mean, 1e-9);
            Assert.Equal(hops.Max(), counts.Max);
        }
    }

    [Fact]
    public void Without_tunnels_each_node_reaches_itself()
    {
        HopCounts counts = HopDistances.Count(TunnelGraph.Of(3, Graphs.Tunnels(3, 0, seed: 0)), threads: 2);
        Assert.Equal([3L], counts.Pairs);
        Assert.Equal((6L, 0, 0.0), (counts.Unreachable, counts.Max, counts.Mean));
    }

    [Fact]
    public void Progress_ends_with_all_sources()
    {
        int last = 0;
        HopDistances.Count(Graphs.Of(OverlayShape.Of(1100, 3), seed: 1), threads: 1, done => last = done);
        Assert.Equal(1100, last);
    }

    [Fact]
    public void It_can_be_ended() => Assert.Throws<OperationCanceledException>(
        static () => HopDistances.Count(Graphs.Of(OverlayShape.Of(100, 3), seed: 1), threads: 2, progress: null, new CancellationToken(canceled: true)));
}
