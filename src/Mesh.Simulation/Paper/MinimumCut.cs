namespace Mesh.Simulation.Paper;

/// <summary>The fewest tunnels whose loss splits an overlay, exactly.</summary>
/// <remarks>Any cut separates node 0 from some other node, so it is the smallest of the maximum flows from node 0 to each other one (Ford and Fulkerson; tunnels carry one unit either way). A flow
/// is given up as soon as it is no smaller than the smallest so far, which starts with the smallest arity.</remarks>
public sealed class MinimumCut
{
    private readonly int _nodes;
    private readonly int[] _offsets;     // arcs of each node in _arcs
    private readonly int[] _arcs;        // arc 2t leads along tunnel t, arc 2t + 1 back
    private readonly int[] _heads;       // where each arc leads
    private readonly sbyte[] _residual;  // what each arc can still carry
    private readonly int[] _via;         // by which arc the search came to a node
    private readonly int[] _seen;        // number of the last search that came there
    private readonly int[] _queue;
    private int _search;

    private MinimumCut(TunnelGraph graph)
    {
        _nodes = graph.Nodes;
        _offsets = new int[_nodes + 1];
        for (int node = 0; node < _nodes; node++)
            _offsets[node + 1] = _offsets[node] + graph.Arity(node);
        _arcs = new int[_offsets[_nodes]];
        _heads = new int[_arcs.Length];
        _residual = new sbyte[_arcs.Length];
        (_via, _seen, _queue) = (new int[_nodes], new int[_nodes], new int[_nodes]);
        int[] filled = _offsets[.._nodes];
        int tunnel = 0;
        for (int node = 0; node < _nodes; node++)
        {
            foreach (int other in graph.Neighbours(node))
            {
                if (other <= node)
                    continue;   // each tunnel once, from its end with the smaller number
                _heads[2 * tunnel] = other;
                _heads[(2 * tunnel) + 1] = node;
                _arcs[filled[node]++] = 2 * tunnel;
                _arcs[filled[other]++] = (2 * tunnel) + 1;
                tunnel++;
            }
        }
    }

    /// <summary>The number of tunnels in a smallest cut, 0 where the overlay is in pieces already.</summary>
    /// <param name="graph">The overlay; at least two nodes.</param>
    /// <param name="threads">How many threads work on it.</param>
    /// <param name="progress">Called, from any thread, with the number of nodes that are done.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static int Size(TunnelGraph graph, int threads, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (graph.Nodes < 2)
            throw new ArgumentException("a cut needs two nodes", nameof(graph));
        int smallest = graph.LeastArity(), taken = 0, done = 0;
        Workers.Run(threads, () =>
        {
            var flows = new MinimumCut(graph);
            for (int target; (target = Interlocked.Increment(ref taken)) < graph.Nodes && !cancellation.IsCancellationRequested;)
            {
                int bound = Volatile.Read(ref smallest);
                int flow = flows.Flow(target, bound);
                while (flow < bound && Interlocked.CompareExchange(ref smallest, flow, bound) != bound)
                    bound = Volatile.Read(ref smallest);
                progress?.Invoke(Interlocked.Increment(ref done));
            }
        });
        cancellation.ThrowIfCancellationRequested();
        return smallest;
    }

    private int Flow(int target, int bound)
    {
        Array.Fill(_residual, (sbyte)1);
        int flow = 0;
        while (flow < bound && FindPath(target))
        {
            for (int node = target; node != 0; node = _heads[_via[node] ^ 1])
            {
                _residual[_via[node]]--;
                _residual[_via[node] ^ 1]++;
            }

            flow++;
        }

        return flow;
    }

    // Breadth first from node 0 over what can still carry something.
    private bool FindPath(int target)
    {
        _search++;
        _seen[0] = _search;
        _queue[0] = 0;
        for (int read = 0, written = 1; read < written; read++)
        {
            int node = _queue[read];
            foreach (int arc in _arcs.AsSpan(_offsets[node].._offsets[node + 1]))
            {
                int head = _heads[arc];
                if (_residual[arc] == 0 || _seen[head] == _search)
                    continue;
                (_seen[head], _via[head]) = (_search, arc);
                if (head == target)
                    return true;
                _queue[written++] = head;
            }
        }

        return false;
    }
}
