using Mesh.Actors;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class RouteTreeTests
{
    // The range of latencies decides how many buckets there are, and how many nodes are in one.
    [Theory]
    [InlineData(40, 30, 1, 1)]
    [InlineData(40, 60, 1, 2)]
    [InlineData(60, 200, 1, 1_000_000)]
    [InlineData(60, 200, 100, 300_000)]
    [InlineData(60, 200, 7_000, 8_000)]
    [InlineData(90, 70, 100, 5_000)]
    public void Distances_and_trees_are_right(int nodes, int count, int least, int most)
    {
        var random = new DeterministicRandom((ulong)(nodes + count + most));
        int[,] latencies = new int[nodes, nodes];
        for (int i = 0; i < nodes; i++)
        {
            for (int j = i + 1; j < nodes; j++)
                latencies[i, j] = latencies[j, i] = random.Next(least, most + 1);
        }

        var mesh = new TunnelMesh(nodes, nodes, nodes);
        var tunnels = new List<(int From, int To, int Length)>();
        foreach ((int from, int to) in Graphs.Tunnels(nodes, count, seed: 5).Where(tunnel => !mesh.AreNeighbours(tunnel.From, tunnel.To)).ToList())
        {
            if (mesh.AreNeighbours(from, to))
                continue;
            mesh.Open(from, to);
            tunnels.Add((from, to, latencies[from, to]));
        }

        long[,] expected = Graphs.Distances(nodes, tunnels);
        var arcs = SortedArcs.Of(mesh, new TableLatencies(latencies));
        var tree = new RouteTree(nodes);   // one for all sources: nothing of the last may be left
        for (int source = 0; source < nodes; source++)
        {
            tree.Run(arcs, source);
            int[] behind = new int[nodes];
            for (int node = 0; node < nodes; node++)
            {
                bool isReached = expected[source, node] < long.MaxValue / 4;
                Assert.Equal(isReached ? expected[source, node] : RouteTree.Unreached, tree.Distances[node]);
                if (!isReached)
                {
                    Assert.Equal(0, tree.Behind(node));
                    continue;
                }

                // Up to the source, each step along a tunnel that is as long as the distances differ.
                for (int at = node; ; at = tree.Parent(at))
                {
                    behind[at]++;
                    if (at == source)
                        break;
                    Assert.True(mesh.AreNeighbours(at, tree.Parent(at)));
                    Assert.Equal(latencies[at, tree.Parent(at)], tree.Distances[at] - tree.Distances[tree.Parent(at)]);
                }
            }

            for (int node = 0; node < nodes; node++)
                Assert.Equal(behind[node], tree.Behind(node));
        }
    }

    [Fact]
    public void The_optimum_is_that_of_all_pairs()
    {
        LatencyFormula latencies = LatencyFormula.Heterogeneous(70);
        long[,] distances = Graphs.Distances(70, Enumerable.Range(0, 70).SelectMany(i => Enumerable.Range(0, i).Select(j => (i, j, latencies.Microseconds(i, j)))));
        Assert.Equal(distances.Cast<long>().Average(), LatencyRefresh.Optimum(latencies, threads: 2), 1e-6);
    }

    private sealed class TableLatencies(int[,] table) : Latencies("table", table.GetLength(0))
    {
        public override int Microseconds(int one, int other) => table[one, other];
    }
}
