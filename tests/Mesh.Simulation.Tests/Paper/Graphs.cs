using Mesh.Actors;
using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

/// <summary>Small random graphs, and slow obvious searches to compare with.</summary>
internal static class Graphs
{
    public static List<(int From, int To)> Tunnels(int nodes, int tunnels, ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var list = new List<(int From, int To)>();
        while (list.Count < tunnels)
        {
            (int from, int to) = (random.Next(nodes), random.Next(nodes));
            if (from != to)
                list.Add((from, to));
        }

        return list;
    }

    public static TunnelGraph Of(OverlayShape shape, ulong seed) => TunnelGraph.Of(shape.Nodes, OverlayBuilder.Draw(shape, new DeterministicRandom(seed)));

    /// <summary>Hops from one node by breadth-first search, -1 where there is no path.</summary>
    public static int[] Hops(TunnelGraph graph, int source)
    {
        int[] hops = new int[graph.Nodes];
        Array.Fill(hops, -1);
        hops[source] = 0;
        var queue = new Queue<int>([source]);
        while (queue.TryDequeue(out int node))
        {
            foreach (int neighbour in graph.Neighbours(node))
            {
                if (hops[neighbour] >= 0)
                    continue;
                hops[neighbour] = hops[node] + 1;
                queue.Enqueue(neighbour);
            }
        }

        return hops;
    }

    /// <summary>Shortest distances by Floyd and Warshall's algorithm, <see cref="long.MaxValue"/> / 4 or more where there is no path.</summary>
    public static long[,] Distances(int nodes, IEnumerable<(int From, int To, int Length)> tunnels)
    {
        long[,] distances = new long[nodes, nodes];
        for (int i = 0; i < nodes; i++)
        {
            for (int j = 0; j < nodes; j++)
                distances[i, j] = i == j ? 0 : long.MaxValue / 4;
        }

        foreach ((int from, int to, int length) in tunnels)
            distances[from, to] = distances[to, from] = Math.Min(distances[from, to], length);
        for (int via = 0; via < nodes; via++)
        {
            for (int i = 0; i < nodes; i++)
            {
                for (int j = 0; j < nodes; j++)
                    distances[i, j] = Math.Min(distances[i, j], distances[i, via] + distances[via, j]);
            }
        }

        return distances;
    }
}
