using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>Follows routes from node to node, as packets would.</summary>
public static class RouteTrace
{
    /// <summary>Looks for a pair of nodes between which the routes do not lead.</summary>
    /// <param name="running">The nodes that run; routes through others lead nowhere.</param>
    /// <param name="network">The overlay network.</param>
    /// <returns>A sentence about the first such pair, or null where every node is reached from every other.</returns>
    public static string? FindBroken(IReadOnlyList<SimulatedNode> running, NetworkPrefix network)
    {
        ArgumentNullException.ThrowIfNull(running);
        var byPrefix = running.ToDictionary(n => n.Identity!.Prefix);
        var reaches = new HashSet<SimulatedNode>();
        foreach (SimulatedNode destination in running)
        {
            Ipv6Prefix subnet = destination.Identity!.Prefix.Subnet(network);
            reaches.Clear();
            reaches.Add(destination);
            foreach (SimulatedNode source in running)
            {
                if (Follow(source, subnet, byPrefix, reaches) is { } problem)
                    return $"from {source.Machine.Name} to {destination.Machine.Name}: {problem}";
            }
        }

        return null;
    }

    /// <summary>Counts the ordered pairs of different nodes between which the routes lead.</summary>
    /// <param name="running">The nodes that run; routes through others lead nowhere.</param>
    /// <param name="network">The overlay network.</param>
    public static long Reached(IReadOnlyList<SimulatedNode> running, NetworkPrefix network)
    {
        ArgumentNullException.ThrowIfNull(running);
        var byPrefix = running.ToDictionary(n => n.Identity!.Prefix);
        var reaches = new HashSet<SimulatedNode>();
        long reached = 0;
        foreach (SimulatedNode destination in running)
        {
            Ipv6Prefix subnet = destination.Identity!.Prefix.Subnet(network);
            reaches.Clear();
            reaches.Add(destination);
            foreach (SimulatedNode source in running)
                reached += source != destination && Follow(source, subnet, byPrefix, reaches) is null ? 1 : 0;
        }

        return reached;
    }

    // Nodes that are known to reach the destination end the walk, so all walks to one destination together visit each node about once.
    private static string? Follow(SimulatedNode source, Ipv6Prefix subnet, Dictionary<NodePrefix, SimulatedNode> byPrefix, HashSet<SimulatedNode> reaches)
    {
        var path = new List<SimulatedNode>();
        for (SimulatedNode at = source; !reaches.Contains(at);)
        {
            path.Add(at);
            if (NodeRoutes.Find(at.Routes, subnet) is not { } route)
                return $"{at.Machine.Name} has no route";
            if (!byPrefix.TryGetValue(route.Via, out SimulatedNode? next))
                return $"{at.Machine.Name} sends to {route.Via}, which does not run";
            if (IsGhost(at, route, next))
                return $"{at.Machine.Name} sends into a tunnel that {next.Machine.Name} does not have (any more)";
            if (path.Contains(next))
                return $"the routes go in a circle at {next.Machine.Name}";
            at = next;
        }

        reaches.UnionWith(path);
        return null;
    }

    // The other end may have lost its power, or have given the tunnel up, and this one has not noticed for up to ten seconds. Ends do not know each other's numbers: so it is one too many of those of its direction.
    private static bool IsGhost(SimulatedNode at, NodeRoute route, SimulatedNode next)
    {
        if (route.Device is not null)
            return false;   // on the LAN there is no tunnel
        if (at.Tunnels.FirstOrDefault(tunnel => tunnel.Index == route.Tunnel) is not { } used)
            return true;
        return Count(at, next, used.IsClient) > Count(next, at, !used.IsClient);
    }

    private static int Count(SimulatedNode node, SimulatedNode peer, bool isClient) =>
        node.Tunnels.Count(tunnel => tunnel.State == TunnelState.Up && tunnel.IsClient == isClient && tunnel.Peer == peer.Identity!.Prefix);
}
