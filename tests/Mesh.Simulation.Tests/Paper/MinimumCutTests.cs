using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class MinimumCutTests
{
    [Fact]
    public void It_is_the_smallest_of_all_ways_to_split_the_nodes()
    {
        int differing = 0;
        for (ulong seed = 0; seed < 300; seed++)
        {
            int nodes = 2 + (int)(seed % 9);
            List<(int From, int To)> tunnels = Graphs.Tunnels(nodes, (int)(seed % 23), seed);
            int smallest = int.MaxValue;
            for (uint side = 1; side < (1u << nodes) - 1; side++)
                smallest = Math.Min(smallest, tunnels.Count(tunnel => ((side >> tunnel.From) & 1) != ((side >> tunnel.To) & 1)));
            var graph = TunnelGraph.Of(nodes, tunnels);
            Assert.Equal(smallest, MinimumCut.Size(graph, threads: 1));
            Assert.Equal(smallest, MinimumCut.Size(graph, threads: 3));
            differing += smallest < graph.LeastArity() ? 1 : 0;
        }

        Assert.InRange(differing, 5, 300);   // otherwise the smallest arity would do
    }

    [Fact]
    public void Two_clusters_with_a_bridge_are_split_there()
    {
        (int From, int To)[] clusters = [.. Enumerable.Range(0, 5).SelectMany(static i => Enumerable.Range(0, i).SelectMany(j => ((int From, int To)[])[(i, j), (i + 5, j + 5)])), (4, 7), (7, 4)];
        Assert.Equal(2, MinimumCut.Size(TunnelGraph.Of(10, clusters), threads: 2));
    }

    [Fact]
    public void One_node_has_no_cut() => Assert.Throws<ArgumentException>(static () => MinimumCut.Size(TunnelGraph.Of(1, Graphs.Tunnels(1, 0, seed: 0)), threads: 1));
}
