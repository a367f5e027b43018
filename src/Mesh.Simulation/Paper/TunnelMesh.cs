namespace Mesh.Simulation.Paper;

/// <summary>An overlay whose tunnels come and go: who opened which, in the order of opening, and who received which.</summary>
internal sealed class TunnelMesh
{
    private readonly int _maxOpened;
    private readonly int _maxReceived;
    private readonly int[] _opened;
    private readonly int[] _received;
    private readonly int[] _openedCounts;
    private readonly int[] _receivedCounts;

    /// <summary>Nodes without tunnels.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="maxOpened">The most that each opens.</param>
    /// <param name="maxReceived">The most that each is given.</param>
    public TunnelMesh(int nodes, int maxOpened, int maxReceived)
    {
        (Nodes, _maxOpened, _maxReceived) = (nodes, maxOpened, maxReceived);
        (_opened, _openedCounts) = (new int[nodes * maxOpened], new int[nodes]);
        (_received, _receivedCounts) = (new int[nodes * maxReceived], new int[nodes]);
    }

    public int Nodes { get; }

    /// <summary>Whom a node opened tunnels to, the oldest first.</summary>
    public ReadOnlySpan<int> Opened(int node) => _opened.AsSpan(node * _maxOpened, _openedCounts[node]);

    /// <summary>Who opened tunnels to a node.</summary>
    public ReadOnlySpan<int> Received(int node) => _received.AsSpan(node * _maxReceived, _receivedCounts[node]);

    public int Arity(int node) => _openedCounts[node] + _receivedCounts[node];

    /// <summary>Whether there is a tunnel, in whichever direction.</summary>
    public bool AreNeighbours(int one, int other) => Opened(one).Contains(other) || Received(one).Contains(other);

    /// <exception cref="InvalidOperationException">One of them has its limit already: the caller's mistake.</exception>
    public void Open(int from, int to)
    {
        if (_openedCounts[from] == _maxOpened || _receivedCounts[to] == _maxReceived)
            throw new InvalidOperationException($"the tunnel from {from} to {to} is one too many");
        _opened[(from * _maxOpened) + _openedCounts[from]++] = to;
        _received[(to * _maxReceived) + _receivedCounts[to]++] = from;
    }

    /// <summary>Closes the tunnel that a node opened as number <paramref name="index"/> of those that it has.</summary>
    public void Close(int from, int index)
    {
        int to = Opened(from)[index];
        Remove(_opened.AsSpan(from * _maxOpened, _openedCounts[from]--), index);
        Remove(_received.AsSpan(to * _maxReceived, _receivedCounts[to]), Received(to).IndexOf(from));
        _receivedCounts[to]--;
    }

    // The others keep their order: where two tunnels are worth the same, it decides.
    private static void Remove(Span<int> list, int index) => list[(index + 1)..].CopyTo(list[index..]);

    /// <summary>Its state now, for searches.</summary>
    public TunnelGraph ToGraph()
    {
        var tunnels = new List<(int From, int To)>(Nodes * _maxOpened);
        for (int node = 0; node < Nodes; node++)
        {
            foreach (int target in Opened(node))
                tunnels.Add((node, target));
        }

        return TunnelGraph.Of(Nodes, tunnels);
    }
}
