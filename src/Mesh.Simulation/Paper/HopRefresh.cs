using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>An overlay in which each node, one after the other, swaps the tunnel that the fewest shortest paths use: <c>refresh-hops</c> of re6st's simulation (cb13b00), section 5.</summary>
public sealed class HopRefresh
{
    private readonly OverlayShape _shape;
    private readonly DeterministicRandom _random;
    private readonly TunnelMesh _mesh;
    private readonly int[] _distances;
    private readonly int[] _order;
    private readonly long[] _paths;

    /// <summary>A fresh overlay.</summary>
    /// <exception cref="OverlayException">Its cap is too tight.</exception>
    public HopRefresh(OverlayShape shape, DeterministicRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        (_shape, _random) = (shape, random);
        _mesh = new TunnelMesh(shape.Nodes, shape.Tunnels, shape.Cap + 1);   // equality is allowed, so an arity reaches the cap plus one
        int[] targets = OverlayBuilder.Draw(shape, random);
        for (int i = 0; i < targets.Length; i++)
            _mesh.Open(i / shape.Tunnels, targets[i]);
        (_distances, _order, _paths) = (new int[shape.Nodes], new int[shape.Nodes], new long[shape.Nodes]);
    }

    /// <summary>Tunnels that nobody was left for, so that a node is short of one. It tries again at its next turn.</summary>
    public int Missing { get; private set; }

    /// <summary>The overlay now.</summary>
    public TunnelGraph ToGraph() => _mesh.ToGraph();

    /// <summary>How the tunnels are distributed now.</summary>
    public ArityCounts Arities()
    {
        int[] arities = new int[_shape.Nodes];
        for (int node = 0; node < arities.Length; node++)
            arities[node] = _mesh.Arity(node);
        return ArityCounts.Of(arities, _shape);
    }

    /// <summary>Every node in turn, at once: drops its least used tunnel, opens one to a node that it has no tunnel with.</summary>
    public void Round()
    {
        Missing = 0;
        for (int node = 0; node < _shape.Nodes; node++)
        {
            int victim = LeastUsed(node);
            if (victim >= 0)
                _mesh.Close(node, victim);
            while (_mesh.Opened(node).Length < _shape.Tunnels)
            {
                int target = DrawTarget(node);
                if (target < 0)
                {
                    Missing += _shape.Tunnels - _mesh.Opened(node).Length;
                    break;
                }

                _mesh.Open(node, target);
            }
        }
    }

    // The first of those with the fewest.
    private int LeastUsed(int node)
    {
        if (_mesh.Opened(node).IsEmpty)
            return -1;
        CountPaths(node);
        int least = 0;
        ReadOnlySpan<int> opened = _mesh.Opened(node);
        for (int i = 1; i < opened.Length; i++)
        {
            if (_paths[opened[i]] < _paths[opened[least]])
                least = i;
        }

        return least;
    }

    /// <summary>Counts, for each neighbour of a node, the shortest paths from the node that begin with one tunnel to that neighbour: all shortest paths to everybody, parallel tunnels as paths of their own.</summary>
    internal ReadOnlySpan<long> CountPaths(int source)
    {
        _distances.AsSpan().Fill(int.MaxValue);
        _distances[source] = 0;
        _order[0] = source;
        int written = 1;
        for (int read = 0; read < written; read++)
        {
            int node = _order[read];
            Visit(_mesh.Opened(node), _distances[node] + 1, ref written);
            Visit(_mesh.Received(node), _distances[node] + 1, ref written);
        }

        // From the furthest back: a path ends here, or goes on to one that is a hop further.
        for (int i = written - 1; i > 0; i--)
        {
            int node = _order[i], next = _distances[node] + 1;
            _paths[node] = 1 + PathsOver(_mesh.Opened(node), next) + PathsOver(_mesh.Received(node), next);
        }

        return _paths;
    }

    private void Visit(ReadOnlySpan<int> neighbours, int distance, ref int written)
    {
        foreach (int neighbour in neighbours)
        {
            if (_distances[neighbour] != int.MaxValue)
                continue;
            _distances[neighbour] = distance;
            _order[written++] = neighbour;
        }
    }

    private long PathsOver(ReadOnlySpan<int> neighbours, int distance)
    {
        long paths = 0;
        foreach (int neighbour in neighbours)
        {
            if (_distances[neighbour] == distance)
                paths += _paths[neighbour];
        }

        return paths;
    }

    private bool Accepts(int node, int target) => target != node && _mesh.Arity(target) <= _shape.Cap && !_mesh.AreNeighbours(node, target);

    // -1 where nobody is left.
    private int DrawTarget(int node)
    {
        for (int draws = 0; draws < _shape.Nodes; draws++)
        {
            int target = _random.Next(_shape.Nodes);
            if (Accepts(node, target))
                return target;
        }

        // Few or none: choose among them at once instead of drawing on.
        int[] left = [.. Enumerable.Range(0, _shape.Nodes).Where(target => Accepts(node, target))];
        return left.Length == 0 ? -1 : left[_random.Next(left.Length)];
    }
}
