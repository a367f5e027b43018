using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class SurvivorCountsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Pieces_are_those_of_the_graph_of_the_survivors(ulong seed)
    {
        const int Nodes = 120;
        List<(int From, int To)> tunnels = Graphs.Tunnels(Nodes, 150, seed);
        int[] survivors = [0, 1, 6, 30, 60, 61, 119, 120];
        SurvivorCounts[] counts = SurvivorCounts.Of(TunnelGraph.Of(Nodes, tunnels), survivors);
        for (int i = 1; i < survivors.Length; i++)
        {
            int alive = survivors[i];
            var graph = TunnelGraph.Of(alive, [.. tunnels.Where(tunnel => tunnel.From < alive && tunnel.To < alive)]);
            int[][] reached = [.. Enumerable.Range(0, alive).Select(node => Graphs.Hops(graph, node))];
            int[] sizes = [.. reached.Select(static hops => hops.Count(static hop => hop >= 0))];
            Assert.Equal(new SurvivorCounts(alive, sizes.Sum(size => (long)(alive - size)), sizes.Max(), (int)Math.Round(sizes.Sum(static size => 1.0 / size))), counts[i]);
        }

        Assert.Equal(default, counts[0]);
    }

    [Fact]
    public void Shares_are_of_pairs_and_of_survivors()
    {
        var counts = new SurvivorCounts(Survivors: 10, CutOffPairs: 18, Largest: 9, Pieces: 2);
        Assert.Equal((0.18, 0.9), (counts.Pair, counts.Giant));
    }
}
