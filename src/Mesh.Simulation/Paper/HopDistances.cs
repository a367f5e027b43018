namespace Mesh.Simulation.Paper;

/// <summary>Distances in hops between all pairs of nodes, on several threads.</summary>
public static class HopDistances
{
    /// <summary>Searches from every node.</summary>
    /// <param name="graph">The overlay.</param>
    /// <param name="threads">How many threads work on it; the result does not depend on it.</param>
    /// <param name="progress">Called, from any thread, with the number of sources that are done.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static HopCounts Count(TunnelGraph graph, int threads, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        int blocks = HopSearch.Blocks(graph.Nodes), taken = 0, done = 0;
        var total = new List<long>();
        Workers.Run(Math.Min(threads, blocks), () =>
        {
            var search = new HopSearch(graph);
            var pairs = new List<long>();
            for (int block; (block = Interlocked.Increment(ref taken) - 1) < blocks && !cancellation.IsCancellationRequested;)
            {
                search.Run(block, pairs);
                progress?.Invoke(Math.Min(Interlocked.Increment(ref done) * HopSearch.BlockSize, graph.Nodes));
            }

            lock (total)
            {
                for (int distance = 0; distance < pairs.Count; distance++)
                {
                    if (distance == total.Count)
                        total.Add(0);
                    total[distance] += pairs[distance];
                }
            }
        });
        cancellation.ThrowIfCancellationRequested();
        return new HopCounts(graph.Nodes, total);
    }
}
