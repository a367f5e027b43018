using System.Numerics;

namespace Mesh.Simulation.Paper;

/// <summary>A frozen network with latencies: for each node its tunnels, opened and received, the quickest first.</summary>
internal sealed class SortedArcs
{
    private readonly int[] _offsets;
    private readonly ulong[] _arcs;   // latency in the upper half, the node at the other end in the lower: in order of latency by themselves

    private SortedArcs(int[] offsets, ulong[] arcs)
    {
        (_offsets, _arcs) = (offsets, arcs);
        int least = int.MaxValue, most = 0;
        for (int node = 0; node < Nodes; node++)
        {
            Span<ulong> list = arcs.AsSpan(offsets[node]..offsets[node + 1]);
            if (list.IsEmpty)
                continue;
            list.Sort();
            least = Math.Min(least, Latency(list[0]));
            most = Math.Max(most, Latency(list[^1]));
        }

        BucketShift = most == 0 ? 0 : BitOperations.Log2((uint)least);
        BucketRing = (int)BitOperations.RoundUpToPowerOf2((uint)(most >> BucketShift) + 2);
    }

    public int Nodes => _offsets.Length - 1;

    /// <summary>Two nodes whose distances agree but for so many bits are settled in either order, since no tunnel is as short as that.</summary>
    public int BucketShift { get; }

    /// <summary>So many buckets one after the other are enough for all distances that are open at one time; a power of two.</summary>
    public int BucketRing { get; }

    /// <summary>Number of arcs, two for each tunnel.</summary>
    public int Count => _arcs.Length;

    public ReadOnlySpan<ulong> Of(int node) => _arcs.AsSpan(_offsets[node].._offsets[node + 1]);

    public static int Latency(ulong arc) => (int)(arc >> 32);

    public static int Target(ulong arc) => (int)(uint)arc;

    /// <summary>The network of a mesh.</summary>
    public static SortedArcs Of(TunnelMesh mesh, Latencies latencies)
    {
        int[] offsets = new int[mesh.Nodes + 1];
        for (int node = 0; node < mesh.Nodes; node++)
            offsets[node + 1] = offsets[node] + mesh.Arity(node);
        ulong[] arcs = new ulong[offsets[mesh.Nodes]];
        int[] filled = offsets[..mesh.Nodes];
        for (int node = 0; node < mesh.Nodes; node++)
        {
            foreach (int target in mesh.Opened(node))
            {
                ulong latency = (ulong)latencies.Microseconds(node, target) << 32;
                arcs[filled[node]++] = latency | (uint)target;
                arcs[filled[target]++] = latency | (uint)node;
            }
        }

        return new SortedArcs(offsets, arcs);
    }

    /// <summary>The network in which all nodes between which a latency is known have a tunnel.</summary>
    public static SortedArcs Complete(Latencies latencies)
    {
        int[] offsets = new int[latencies.Nodes + 1];
        var arcs = new List<ulong>();
        for (int node = 0; node < latencies.Nodes; node++)
        {
            for (int target = 0; target < latencies.Nodes; target++)
            {
                int latency = target == node ? 0 : latencies.Microseconds(node, target);
                if (latency > 0)
                    arcs.Add(((ulong)latency << 32) | (uint)target);
            }

            offsets[node + 1] = arcs.Count;
        }

        return new SortedArcs(offsets, [.. arcs]);
    }
}
