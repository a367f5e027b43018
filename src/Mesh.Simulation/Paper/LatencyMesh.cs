using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>An overlay that knows latencies, with re6st's limits: each node opens so many tunnels, accepts so many, and none twice. Builder 2 of re6st's simulation (cb13b00), section 2, and the
/// steps of a round of <c>refresh-latency</c>, section 6.</summary>
internal sealed class LatencyMesh
{
    /// <summary>A node gives up after so many draws for a tunnel, and is short of it until its next turn.</summary>
    public const int MaxDraws = 50;

    private readonly OverlayShape _shape;
    private readonly Latencies _latencies;
    private readonly DeterministicRandom _random;

    /// <summary>A fresh overlay. Latencies decide only where there is none; then no tunnel is opened.</summary>
    /// <exception cref="OverlayException">The cap is no more than the tunnels that a node opens.</exception>
    public LatencyMesh(OverlayShape shape, Latencies latencies, DeterministicRandom random)
    {
        if (shape.Cap <= shape.Tunnels)
            throw OverlayException.NoneReceived(shape);
        (_shape, _latencies, _random) = (shape, latencies, random);
        Tunnels = new TunnelMesh(shape.Nodes, shape.Tunnels, shape.Cap - shape.Tunnels);
        for (int node = 0; node < shape.Nodes; node++)
            Fill(node);
    }

    public TunnelMesh Tunnels { get; }

    /// <summary>How many tunnels nodes are short of, because they drew nobody who accepts.</summary>
    public int Missing()
    {
        int missing = 0;
        for (int node = 0; node < _shape.Nodes; node++)
            missing += _shape.Tunnels - Tunnels.Opened(node).Length;
        return missing;
    }

    /// <summary>Closes a node's tunnel to <paramref name="victim"/>, or none where that is negative, and opens others until it has all of its own.</summary>
    public void Replace(int node, int victim)
    {
        if (victim >= 0)
            Tunnels.Close(node, Tunnels.Opened(node).IndexOf(victim));
        Fill(node);
    }

    /// <summary>All tunnels of a node are gone. It opens new ones, and after it those that had opened one to it.</summary>
    public void Reboot(int node)
    {
        int[] bereft = Tunnels.Received(node).ToArray();
        foreach (int peer in bereft)
            Tunnels.Close(peer, Tunnels.Opened(peer).IndexOf(node));
        while (!Tunnels.Opened(node).IsEmpty)
            Tunnels.Close(node, 0);
        Fill(node);
        foreach (int peer in bereft)
            Fill(peer);
    }

    /// <summary>Whether <paramref name="node"/> may open a tunnel to <paramref name="target"/>.</summary>
    internal bool Accepts(int node, int target) =>
        target != node && Tunnels.Received(target).Length < _shape.Cap - _shape.Tunnels && _latencies.Microseconds(node, target) > 0 && !Tunnels.AreNeighbours(node, target);

    private void Fill(int node)
    {
        while (Tunnels.Opened(node).Length < _shape.Tunnels && TryOpen(node))
        {
            // One more.
        }
    }

    private bool TryOpen(int node)
    {
        for (int draws = 0; draws < MaxDraws; draws++)
        {
            int target = _random.Next(_shape.Nodes);
            if (!Accepts(node, target))
                continue;
            Tunnels.Open(node, target);
            return true;
        }

        return false;
    }
}
