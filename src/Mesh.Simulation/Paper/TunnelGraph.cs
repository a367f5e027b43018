namespace Mesh.Simulation.Paper;

/// <summary>An overlay as a graph in two arrays: for each node the nodes at the other ends of its tunnels, opened and received, one after the other.</summary>
/// <remarks>A tunnel is in the lists of both its ends, and parallel tunnels are there several times.</remarks>
public sealed class TunnelGraph
{
    private readonly int[] _offsets;   // where each node's list starts; one more at the end
    private readonly int[] _targets;

    private TunnelGraph(int[] offsets, int[] targets) => (_offsets, _targets) = (offsets, targets);

    /// <summary>How many nodes.</summary>
    public int Nodes => _offsets.Length - 1;

    /// <summary>How many tunnels.</summary>
    public int Tunnels => _targets.Length / 2;

    /// <summary>The nodes at the other ends of a node's tunnels.</summary>
    public ReadOnlySpan<int> Neighbours(int node) => _targets.AsSpan(_offsets[node].._offsets[node + 1]);

    /// <summary>How many tunnels a node has, opened and received.</summary>
    public int Arity(int node) => _offsets[node + 1] - _offsets[node];

    /// <summary>The smallest arity of all nodes.</summary>
    public int LeastArity()
    {
        int least = int.MaxValue;
        for (int node = 0; node < Nodes; node++)
            least = Math.Min(least, Arity(node));
        return least;
    }

    /// <summary>The graph of an overlay, as <see cref="OverlayBuilder.Draw"/> gives it.</summary>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="targets">Targets of the opened tunnels, equally many for each node.</param>
    public static TunnelGraph Of(int nodes, ReadOnlySpan<int> targets)
    {
        int tunnels = targets.Length / nodes;
        var builder = new Builder(nodes, targets.Length);
        for (int i = 0; i < targets.Length; i++)
            builder.Count(i / tunnels, targets[i]);
        builder.EndCount();
        for (int i = 0; i < targets.Length; i++)
            builder.Add(i / tunnels, targets[i]);
        return builder.Finish();
    }

    /// <summary>The graph of pairs of nodes.</summary>
    public static TunnelGraph Of(int nodes, IReadOnlyList<(int From, int To)> tunnels)
    {
        ArgumentNullException.ThrowIfNull(tunnels);
        var builder = new Builder(nodes, tunnels.Count);
        foreach ((int from, int to) in tunnels)
            builder.Count(from, to);
        builder.EndCount();
        foreach ((int from, int to) in tunnels)
            builder.Add(from, to);
        return builder.Finish();
    }

    // Two passes: how many arcs each node has, then the arcs, each at its place.
    private readonly struct Builder(int nodes, int tunnels)
    {
        private readonly int[] _offsets = new int[nodes + 1];
        private readonly int[] _targets = new int[2 * tunnels];

        public void Count(int from, int to)
        {
            _offsets[from]++;
            _offsets[to]++;
        }

        // Each offset becomes the end of its list, and Add moves it down to the start.
        public void EndCount()
        {
            for (int node = 1; node < _offsets.Length; node++)
                _offsets[node] += _offsets[node - 1];
        }

        public void Add(int from, int to)
        {
            _targets[--_offsets[from]] = to;
            _targets[--_offsets[to]] = from;
        }

        public TunnelGraph Finish() => new(_offsets, _targets);
    }
}
