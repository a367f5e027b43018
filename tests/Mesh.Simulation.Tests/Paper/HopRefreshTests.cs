using Mesh.Actors;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class HopRefreshTests
{
    [Theory]
    [InlineData(8, 3, 1)]
    [InlineData(30, 2, 2)]
    [InlineData(60, 3, 3)]
    public void Paths_over_a_tunnel_are_counted_with_multiplicity(int nodes, int tunnels, ulong seed)
    {
        var refresh = new HopRefresh(OverlayShape.Of(nodes, tunnels), new DeterministicRandom(seed));
        TunnelGraph graph = refresh.ToGraph();
        for (int source = 0; source < nodes; source++)
        {
            long[] counted = refresh.CountPaths(source).ToArray();
            int[] hops = Graphs.Hops(graph, source);
            foreach (int neighbour in graph.Neighbours(source))
                Assert.Equal(PathsFrom(graph, hops, neighbour), counted[neighbour]);
        }
    }

    [Fact]
    public void A_round_keeps_the_numbers_and_opens_no_tunnel_twice()
    {
        OverlayShape shape = OverlayShape.Of(200, 5);
        var refresh = new HopRefresh(shape, new DeterministicRandom(1));
        for (int round = 0; round < 20; round++)
            refresh.Round();
        TunnelGraph graph = refresh.ToGraph();
        Assert.Equal((1000, 0), (graph.Tunnels, refresh.Missing));
        Assert.InRange(Enumerable.Range(0, 200).Max(graph.Arity), shape.Cap, shape.Cap + 1);
        // Parallel tunnels come from the fresh overlay only, and are worth no less than others; hardly one is left.
        Assert.InRange(Enumerable.Range(0, 200).Sum(node => graph.Arity(node) - graph.Neighbours(node).ToArray().Distinct().Count()), 0, 20);
    }

    [Fact]
    public void Where_nobody_is_left_a_node_is_short_and_it_is_counted()
    {
        var refresh = new HopRefresh(new OverlayShape(3, 2, 6), new DeterministicRandom(1));
        refresh.Round();   // each has a tunnel with each other one already
        Assert.InRange(refresh.Missing, 1, 6);
        Assert.InRange(refresh.ToGraph().Tunnels, 2, 5);
    }

    [Fact]
    public void The_seed_decides()
    {
        Assert.Equal(AfterThree(seed: 1), AfterThree(seed: 1));
        Assert.NotEqual(AfterThree(seed: 1), AfterThree(seed: 2));
    }

    private static ArityCounts AfterThree(ulong seed)
    {
        var refresh = new HopRefresh(OverlayShape.Of(100, 4), new DeterministicRandom(seed));
        for (int round = 0; round < 3; round++)
            refresh.Round();
        return refresh.Arities();
    }

    // All ways on from a node, each a hop further from the source.
    private static long PathsFrom(TunnelGraph graph, int[] hops, int node)
    {
        long paths = 1;
        foreach (int neighbour in graph.Neighbours(node))
            paths += hops[neighbour] == hops[node] + 1 ? PathsFrom(graph, hops, neighbour) : 0;
        return paths;
    }
}
