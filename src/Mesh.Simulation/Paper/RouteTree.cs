namespace Mesh.Simulation.Paper;

/// <summary>The quickest ways from one node to all others. One instance is the memory of one thread, used for one source after the other.</summary>
/// <remarks>
/// Dijkstra's algorithm with buckets (Dial, 1969; Denardo and Fox, 1979): buckets are narrower than the shortest tunnel, so the nodes in one of them cannot improve each other and need no order. Once
/// everybody has been found, tunnels that lead beyond the furthest bucket in use help nobody, and since each node's tunnels are sorted, the rest of its list is left out.
/// </remarks>
internal sealed class RouteTree
{
    public const int Unreached = int.MaxValue;

    // Two such lengths can be added.
    private const int LongestPath = 1 << 30;

    private readonly int[] _distances;
    private readonly int[] _parents;
    private readonly int[] _behind;
    private readonly int[] _order;     // nodes as they were settled: a node comes after its parent
    private int[] _buckets = [];       // the latest entry of each, -1 where there is none
    private int[] _entryNodes = [];    // an entry is not taken out when its node moves to another bucket, but passed over later
    private int[] _entryNext = [];
    private int _entries;
    private int _pending;

    public RouteTree(int nodes) => (_distances, _parents, _behind, _order) = (new int[nodes], new int[nodes], new int[nodes], new int[nodes]);

    /// <summary>Microseconds to each node, or <see cref="Unreached"/>.</summary>
    public ReadOnlySpan<int> Distances => _distances;

    /// <summary>How many nodes the tree reaches through a node, that one included; 0 where it is not reached itself.</summary>
    public int Behind(int node) => _distances[node] == Unreached ? 0 : _behind[node];

    /// <summary>From which node the tree comes to one that is reached, and is not the source.</summary>
    public int Parent(int node) => _parents[node];

    /// <exception cref="InvalidOperationException">A way is longer than a thousand seconds.</exception>
    public void Run(SortedArcs arcs, int source)
    {
        Prepare(arcs);
        int shift = arcs.BucketShift, mask = arcs.BucketRing - 1;
        int reached = 1, settled = 0, highest = 0, cutoff = Unreached;
        _distances[source] = 0;
        Push(0, source);
        for (int bucket = 0; _pending > 0; bucket++)
        {
            if (_buckets[bucket & mask] < 0)
                continue;
            if (reached == _distances.Length)
                cutoff = Cutoff(bucket, ref highest, shift, mask);
            int entry = _buckets[bucket & mask];
            _buckets[bucket & mask] = -1;
            for (; entry >= 0; entry = _entryNext[entry])
            {
                _pending--;
                int node = _entryNodes[entry], distance = _distances[node];
                if (distance >> shift != bucket)
                    continue;   // it was found to be nearer, and is done
                if (distance > LongestPath)
                    throw new InvalidOperationException($"the way from node {source} to node {node} is longer than {LongestPath} microseconds");
                _order[settled++] = node;
                int most = cutoff - distance;
                foreach (ulong arc in arcs.Of(node))
                {
                    int latency = SortedArcs.Latency(arc);
                    if (latency >= most)
                        break;
                    int target = SortedArcs.Target(arc), through = distance + latency, known = _distances[target];
                    if (through >= known)
                        continue;
                    _distances[target] = through;
                    _parents[target] = node;
                    reached += known == Unreached ? 1 : 0;
                    int now = through >> shift;
                    if (known >> shift == now)
                        continue;
                    Push(now & mask, target);
                    highest = Math.Max(highest, now);
                }
            }
        }

        _behind.AsSpan().Fill(1);
        for (int i = settled - 1; i > 0; i--)
            _behind[_parents[_order[i]]] += _behind[_order[i]];
    }

    private void Prepare(SortedArcs arcs)
    {
        _distances.AsSpan().Fill(Unreached);
        (_entries, _pending) = (0, 0);
        if (_buckets.Length < arcs.BucketRing)
            (_buckets = new int[arcs.BucketRing]).AsSpan().Fill(-1);   // after a run they are empty again
        if (_entryNodes.Length < arcs.Count + 1)
            (_entryNodes, _entryNext) = (new int[arcs.Count + 1], new int[arcs.Count + 1]);
    }

    private void Push(int slot, int node)
    {
        (_entryNodes[_entries], _entryNext[_entries]) = (node, _buckets[slot]);
        _buckets[slot] = _entries++;
        _pending++;
    }

    // No node that is open is as far as this.
    private int Cutoff(int bucket, ref int highest, int shift, int mask)
    {
        for (; highest > bucket; highest--)
        {
            ref int entry = ref _buckets[highest & mask];
            for (; entry >= 0 && _distances[_entryNodes[entry]] >> shift != highest; entry = _entryNext[entry])
                _pending--;
            if (entry >= 0)
                break;
        }

        return (highest + 1) << shift;
    }
}
