namespace Mesh.Babel.Tests.Network;

/// <summary>Networks of well-known shape.</summary>
internal static class Shapes
{
    public static VirtualNetwork Line(int count, ulong seed, TimeSpan hello)
    {
        var network = new VirtualNetwork(seed, hello);
        for (int i = 0; i < count; i++)
        {
            VirtualNode node = network.AddNode();
            if (i > 0)
                _ = network.Connect(network.Nodes[i - 1], node);
        }

        return network;
    }

    /// <summary>The last link closes the ring, between the last node and the first.</summary>
    public static VirtualNetwork Ring(int count, ulong seed, TimeSpan hello)
    {
        VirtualNetwork network = Line(count, seed, hello);
        _ = network.Connect(network.Nodes[^1], network.Nodes[0]);
        return network;
    }

    /// <summary>A random tree, so that it is connected, with random extra links and costs.</summary>
    public static VirtualNetwork RandomGraph(ulong seed, TimeSpan hello, int minNodes = 4, int maxNodes = 10, RttParameters? rtt = null, params LinkKind[] kinds)
    {
        var network = new VirtualNetwork(seed, hello) { Rtt = rtt };
        int count = minNodes + network.Random.Below(maxNodes - minNodes + 1);
        for (int i = 0; i < count; i++)
        {
            VirtualNode node = network.AddNode();
            if (i > 0)
                _ = network.Connect(network.Nodes[network.Random.Below(i)], node, RandomCost(network), Kind());
        }

        int extra = 1 + network.Random.Below(count);
        for (int i = 0; i < extra; i++)
        {
            VirtualNode left = network.Nodes[network.Random.Below(count)];
            VirtualNode right = network.Nodes[network.Random.Below(count)];
            if (left != right && !left.Links.Exists(l => l.PeerOf(left) == right))
                _ = network.Connect(left, right, RandomCost(network), Kind());
        }

        return network;

        LinkKind Kind() => kinds.Length == 0 ? LinkKind.Tunnel : kinds[network.Random.Below(kinds.Length)];
    }

    private static ushort RandomCost(VirtualNetwork network) => (ushort)(96 + (network.Random.Below(6) * 100));
}
