using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <summary>A tunnel that we opened and that is not being destroyed.</summary>
/// <param name="Peer">The node at the other end.</param>
/// <param name="Nodes">How many nodes are routed through it, the peer among them; 0 where the peer itself is not.</param>
/// <param name="IsNeighbour">The operator wants a tunnel with this peer.</param>
public readonly record struct RefreshCandidate(NodePrefix Peer, int Nodes, bool IsNeighbour);

/// <summary>Which tunnel is replaced when it is time to (protocol reference 7.5).</summary>
public static class RefreshChoice
{
    /// <summary>How many tunnels a node opens that others do not reach: as they have none of their own to it, it must not use up the places of the others.</summary>
    public const int UnreachableClientCount = 2;

    /// <summary>How many tunnels to open.</summary>
    /// <param name="clientCount">The network parameter.</param>
    /// <param name="isReachable">Others have tunnels to us.</param>
    /// <param name="isConnected">There is a way to the registry's node.</param>
    public static int Limit(int clientCount, bool isReachable, bool isConnected) => isReachable || !isConnected ? clientCount : Math.Min(UnreachableClientCount, clientCount);

    /// <summary>The tunnel that is worth least, or null where none is to go. Of equal ones the first.</summary>
    /// <param name="tunnels">Ours.</param>
    /// <param name="limit">With fewer there is room for others anyway; see <see cref="Limit"/>.</param>
    public static NodePrefix? Choose(IReadOnlyList<RefreshCandidate> tunnels, int limit)
    {
        ArgumentNullException.ThrowIfNull(tunnels);
        if (tunnels.Count == 0 || tunnels.Count < limit || tunnels.All(static t => t.IsNeighbour))
            return null;
        return tunnels.MinBy(static t => (t.Nodes > 0, t.IsNeighbour, t.Nodes)).Peer;
    }
}
