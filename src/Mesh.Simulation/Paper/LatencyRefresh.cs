using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>The experiment of re6st's simulation (cb13b00), section 6: each round every node closes the tunnel of its own that is worth least, and opens another at random.</summary>
public sealed class LatencyRefresh
{
    // Sources that a thread takes at a time.
    private const int Chunk = 16;

    private readonly OverlayShape _shape;
    private readonly Latencies _latencies;
    private readonly DeterministicRandom _random;
    private readonly LatencyMesh _mesh;
    private readonly RouteTree[] _trees;   // one for each thread
    private readonly int[] _victims;
    private readonly int[] _arities;
    private readonly double[] _reboots;
    private readonly VictimRule _rule;
    private int _rounds;

    /// <summary>A fresh mesh.</summary>
    /// <param name="shape">Nodes, tunnels and cap; nodes as many as the matrix has.</param>
    /// <param name="latencies">The matrix.</param>
    /// <param name="churn">Bounds of the probabilities with which nodes reboot in a round. Each node has its own, drawn once.</param>
    /// <param name="seed">What everything random follows from.</param>
    /// <param name="threads">How many threads search; the result does not depend on it.</param>
    /// <param name="rule">Which tunnel is replaced.</param>
    /// <exception cref="OverlayException">The cap is no more than the tunnels that a node opens.</exception>
    public LatencyRefresh(OverlayShape shape, Latencies latencies, (double Least, double Most) churn, ulong seed, int threads, VictimRule rule = VictimRule.Behind)
    {
        ArgumentNullException.ThrowIfNull(latencies);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        if (latencies.Nodes != shape.Nodes)
            throw new ArgumentException($"the matrix has {latencies.Nodes} nodes, and the shape {shape.Nodes}", nameof(latencies));
        (_shape, _latencies, _random, _rule) = (shape, latencies, new DeterministicRandom(seed), rule);
        _mesh = new LatencyMesh(shape, latencies, _random);
        (_victims, _arities) = (new int[shape.Nodes], new int[shape.Nodes]);
        _trees = [.. Enumerable.Range(0, threads).Select(_ => new RouteTree(shape.Nodes))];
        // Without churn nothing is drawn for it.
        _reboots = churn.Most > 0 ? [.. Enumerable.Range(0, shape.Nodes).Select(_ => churn.Least + ((churn.Most - churn.Least) * _random.NextDouble()))] : [];
    }

    /// <summary>The overlay now.</summary>
    public TunnelGraph ToGraph() => _mesh.Tunnels.ToGraph();

    /// <summary>Lets nodes reboot, where there is churn. A round begins with it, but the network that the row describes is what it leaves.</summary>
    public void Churn()
    {
        for (int node = 0; node < _reboots.Length; node++)
        {
            if (_random.NextDouble() < _reboots[node])
                _mesh.Reboot(node);
        }
    }

    /// <summary>Measures the network as it stands, then refreshes it node by node.</summary>
    /// <exception cref="OperationCanceledException">It was ended; nothing was refreshed.</exception>
    public LatencyRow Refresh(CancellationToken cancellation = default)
    {
        var sums = new Sums();
        SortedArcs arcs = SortedArcs.Of(_mesh.Tunnels, _latencies);
        int taken = 0, started = 0;
        Workers.Run(_trees.Length, () =>
        {
            RouteTree tree = _trees[Interlocked.Increment(ref started) - 1];
            var own = new Sums();
            for (int from; (from = Interlocked.Add(ref taken, Chunk) - Chunk) < _shape.Nodes && !cancellation.IsCancellationRequested;)
            {
                for (int node = from; node < Math.Min(from + Chunk, _shape.Nodes); node++)
                {
                    tree.Run(arcs, node);
                    own.Add(tree.Distances);
                    _victims[node] = Victim(node, tree, own);
                }
            }

            lock (sums)
                sums.Add(own);
        });
        cancellation.ThrowIfCancellationRequested();
        for (int node = 0; node < _shape.Nodes; node++)
        {
            _mesh.Replace(node, _victims[node]);
            _arities[node] = _mesh.Tunnels.Arity(node);
        }

        return new LatencyRow(_rounds++, sums.Mean(_shape.Nodes), sums.Worst, sums.Unreachable, sums.RoutesLost, _mesh.Missing(), ArityCounts.Of(_arities, _shape));
    }

    /// <summary>The mean of all shortest paths, self included, if every pair whose latency is known had a tunnel: the least that any overlay can have, in microseconds.</summary>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static double Optimum(Latencies latencies, int threads, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(latencies);
        var sums = new Sums();
        var arcs = SortedArcs.Complete(latencies);
        int taken = 0;
        Workers.Run(threads, () =>
        {
            var tree = new RouteTree(latencies.Nodes);
            var own = new Sums();
            for (int node; (node = Interlocked.Increment(ref taken) - 1) < latencies.Nodes && !cancellation.IsCancellationRequested;)
            {
                tree.Run(arcs, node);
                own.Add(tree.Distances);
            }

            lock (sums)
                sums.Add(own);
        });
        cancellation.ThrowIfCancellationRequested();
        return sums.Mean(latencies.Nodes);
    }

    // The neighbour at the end of the opened tunnel with the smallest count, the first of them; -1 where there is no tunnel.
    private int Victim(int node, RouteTree tree, Sums sums)
    {
        int victim = -1, fewest = int.MaxValue;
        foreach (int target in _mesh.Tunnels.Opened(node))
        {
            bool isDirect = tree.Parent(target) == node;
            int count = _rule == VictimRule.Behind || isDirect ? tree.Behind(target) : 0;
            if (count < fewest)
                (victim, fewest) = (target, count);
        }

        sums.RoutesLost += victim >= 0 && tree.Parent(victim) == node ? tree.Behind(victim) : 0;
        return victim;
    }

    // Whole numbers, so that it does not matter who adds first.
    private sealed class Sums
    {
        private long _microseconds;

        public long RoutesLost { get; set; }

        public int Worst { get; private set; }

        public long Unreachable { get; private set; }

        public double Mean(int nodes) => (double)_microseconds / (((long)nodes * nodes) - Unreachable);

        public void Add(ReadOnlySpan<int> distances)
        {
            foreach (int distance in distances)
            {
                if (distance == RouteTree.Unreached)
                {
                    Unreachable++;
                    continue;
                }

                _microseconds += distance;
                Worst = Math.Max(Worst, distance);
            }
        }

        public void Add(Sums other)
        {
            _microseconds += other._microseconds;
            RoutesLost += other.RoutesLost;
            Unreachable += other.Unreachable;
            Worst = Math.Max(Worst, other.Worst);
        }
    }
}
