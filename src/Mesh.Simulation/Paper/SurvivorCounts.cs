namespace Mesh.Simulation.Paper;

/// <summary>What is left of an overlay when only its first nodes survive.</summary>
/// <param name="Survivors">How many nodes survive.</param>
/// <param name="CutOffPairs">Ordered pairs of survivors, drawn with replacement, between which there is no path.</param>
/// <param name="Largest">Survivors in the largest piece.</param>
/// <param name="Pieces">Into how many pieces the survivors fall.</param>
public readonly record struct SurvivorCounts(int Survivors, long CutOffPairs, int Largest, int Pieces)
{
    /// <summary>Probability that two survivors cannot talk: <c>pair</c> of re6st's simulation (cb13b00), section 4.</summary>
    public double Pair => (double)CutOffPairs / ((long)Survivors * Survivors);

    /// <summary>Share of survivors in the largest piece.</summary>
    public double Giant => (double)Largest / Survivors;

    /// <summary>Pieces of an overlay for several numbers of survivors at once: nodes come back to life one by one, in their order, and join the pieces of those before them.</summary>
    /// <param name="graph">The overlay.</param>
    /// <param name="survivors">Numbers of survivors, ascending: nodes 0 to that less one live.</param>
    public static SurvivorCounts[] Of(TunnelGraph graph, IReadOnlyList<int> survivors)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(survivors);
        var result = new SurvivorCounts[survivors.Count];
        int[] parent = new int[graph.Nodes], size = new int[graph.Nodes];
        long connectedPairs = 0;
        int largest = 0, pieces = 0, next = 0;
        while (next < survivors.Count && survivors[next] == 0)
            result[next++] = default;
        for (int node = 0; node < graph.Nodes && next < survivors.Count; node++)
        {
            (parent[node], size[node]) = (node, 1);
            connectedPairs++;
            pieces++;
            largest = Math.Max(largest, 1);
            foreach (int neighbour in graph.Neighbours(node))
            {
                if (neighbour >= node)
                    continue;   // dead, or joined when its turn comes
                int a = Root(parent, node), b = Root(parent, neighbour);
                if (a == b)
                    continue;
                if (size[a] < size[b])
                    (a, b) = (b, a);
                connectedPairs += 2L * size[a] * size[b];
                parent[b] = a;
                size[a] += size[b];
                largest = Math.Max(largest, size[a]);
                pieces--;
            }

            for (; next < survivors.Count && survivors[next] == node + 1; next++)
                result[next] = new SurvivorCounts(node + 1, ((long)(node + 1) * (node + 1)) - connectedPairs, largest, pieces);
        }

        return result;
    }

    private static int Root(int[] parent, int node)
    {
        while (parent[node] != node)
            node = parent[node] = parent[parent[node]];   // halves the path for the next one
        return node;
    }
}
