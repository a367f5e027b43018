using System.Collections.Immutable;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>A question about what the routing protocol knows at this moment.</summary>
public abstract record RoutingQuestion;

/// <summary>Ask for routes. Answer: <see cref="RoutesStatus"/>.</summary>
/// <param name="To">Only those to prefixes in it, or null for all. IPv4 prefixes are in ::ffff:0:0/96.</param>
/// <param name="Via">Only those through this neighbour, or null for all.</param>
/// <param name="WithAlternatives">Also those that are not selected.</param>
public sealed record GetRoutes(Ipv6Prefix? To = null, NodePrefix? Via = null, bool WithAlternatives = false) : RoutingQuestion
{
    /// <summary>Most routes of one answer.</summary>
    public const int MaxRoutes = 20_000;

    /// <summary>Most routes of this one's answer, 0..<see cref="MaxRoutes"/>; the first ones are in it.</summary>
    public int Limit { get; init; } = MaxRoutes;
}

/// <summary>Ask for neighbours. Answer: <see cref="NeighboursStatus"/>.</summary>
/// <param name="Node">Only this node, or null for all.</param>
public sealed record GetNeighbours(NodePrefix? Node = null) : RoutingQuestion;

/// <summary>Ask where packets go, and why. Answer: <see cref="RouteExplanation"/>.</summary>
/// <param name="Destination">Where they are to go.</param>
/// <param name="Source">Where they come from, or null for this node's own address. Counts for source-specific routes only.</param>
public sealed record ExplainRoute(Ipv6Address Destination, Ipv6Address? Source = null) : RoutingQuestion;

/// <summary>Look at the origin of the node's own announcements, see <see cref="ActorSystem.Inspect"/>. Answer: <see cref="RoutingOrigin"/>, or null before there is one.</summary>
public sealed record GetRoutingOrigin;

/// <summary>Under which name and number the node announces its prefix.</summary>
/// <param name="RouterId">The router-id.</param>
/// <param name="Seqno">The sequence number.</param>
public sealed record RoutingOrigin(RouterId RouterId, Seqno Seqno);

/// <summary>Why a route is selected or is not.</summary>
public enum RouteVerdict
{
    /// <summary>It is.</summary>
    Selected,

    /// <summary>This node announces the prefix itself.</summary>
    OwnPrefix,

    /// <summary>The neighbour took it back or has not repeated it in time, or it was refused because the prefix is another node's. It is forgotten after a while.</summary>
    Retracted,

    /// <summary>The link to the neighbour cannot be used.</summary>
    NeighbourUnusable,

    /// <summary>The metrics of all links on the way add up to infinity.</summary>
    TooFar,

    /// <summary>It is not better than what this node has announced itself, so it may lead back to it (RFC 8966 section 3.5.1).</summary>
    Unfeasible,

    /// <summary>It is no better than the selected one.</summary>
    WorseMetric,

    /// <summary>It is better, and its smoothed metric has still to fall below that of the selected one (RFC 8966 appendix A.3).</summary>
    Waiting,

    /// <summary>Nothing is against it: it will be selected when its prefix is looked at again.</summary>
    Due,
}

/// <summary>Whether this node forwards by selected routes to a prefix.</summary>
public enum PrefixUse
{
    /// <summary>It does.</summary>
    Forwarded,

    /// <summary>It does not: they are for some sources only, and of such routes it uses the default route for packets from the network alone.</summary>
    SourceSpecific,

    /// <summary>It does not: the prefix is no proper part of the overlay network.</summary>
    OutsideNetwork,

    /// <summary>It does not: the prefix is in its own subnet, all of which is its own.</summary>
    OwnSubnet,
}

/// <summary>What happens to packets for an address.</summary>
public enum RouteOutcome
{
    /// <summary>They are this node's own.</summary>
    Own,

    /// <summary>They go to another node.</summary>
    Routed,

    /// <summary>The address is the overlay's and nobody leads there: they are refused.</summary>
    Unreachable,

    /// <summary>The address is not in the overlay network, and none of this node's business.</summary>
    OutsideNetwork,

    /// <summary>The address is not in the overlay network, and this node is a gateway: its machine forwards them.</summary>
    LeavesHere,
}

/// <summary>Routes as they are now.</summary>
/// <param name="Own">The prefixes that this node announces itself.</param>
/// <param name="Routes">In the order of their prefixes and sources; of each the selected one first, then by metric.</param>
/// <param name="Omitted">How many more there are than <see cref="GetRoutes.Limit"/>.</param>
public sealed record RoutesStatus(ImmutableArray<RouteKey> Own, ImmutableArray<RouteStatus> Routes, int Omitted);

/// <summary>A route as it is now.</summary>
/// <param name="Route">What the routing protocol knows of it.</param>
/// <param name="Via">The node that the neighbour is; empty while that is not known.</param>
/// <param name="Tunnel">The tunnel to it, or 0.</param>
/// <param name="Link">What it costs to reach the neighbour, <see cref="Metric.Infinity"/> where that is not possible.</param>
/// <param name="Distance">What this node has announced itself under the same origin, or null: what the route is measured by.</param>
/// <param name="Verdict">Why it is selected or is not.</param>
/// <param name="Use">Whether it counts for packets where it is selected.</param>
public sealed record RouteStatus(RouteSnapshot Route, NodePrefix Via, TunnelIndex Tunnel, ushort Link, FeasibilityDistance? Distance, RouteVerdict Verdict, PrefixUse Use)
{
    /// <summary>The name of the interface where the neighbour is on the LAN; else null.</summary>
    public string? Device { get; init; }
}

/// <summary>Neighbours as they are now.</summary>
/// <param name="Neighbours">By link, in the order of their discovery.</param>
/// <param name="Counters">What happened since the start; what never happened is left out.</param>
public sealed record NeighboursStatus(ImmutableArray<NeighbourStatus> Neighbours, ImmutableSortedDictionary<BabelCounter, long> Counters);

/// <summary>A neighbour as it is now.</summary>
/// <param name="Neighbour">What the routing protocol knows of it.</param>
/// <param name="Node">The node that it is; empty while that is not known.</param>
/// <param name="Tunnel">The tunnel to it, or 0.</param>
/// <param name="KernelLink">Index of the kernel's link on which it is, or null where its packets go through the data plane.</param>
/// <param name="Routes">How many routes by which packets are forwarded lead through the tunnel, or to the neighbour on the LAN.</param>
public sealed record NeighbourStatus(NeighbourSnapshot Neighbour, NodePrefix Node, TunnelIndex Tunnel, int? KernelLink, int Routes)
{
    /// <summary>The name of the interface where the neighbour is on the LAN; else null.</summary>
    public string? Device { get; init; }
}

/// <summary>Where packets go, and why.</summary>
/// <param name="Destination">Where they are to go.</param>
/// <param name="Source">Where they come from.</param>
/// <param name="Outcome">What happens to them.</param>
/// <param name="Route">The entry of the forwarding table that decides, where they go to another node.</param>
/// <param name="Prefixes">All that is known for destination and source, the longest prefix first.</param>
public sealed record RouteExplanation(Ipv6Address Destination, Ipv6Address Source, RouteOutcome Outcome, NodeRoute? Route, ImmutableArray<PrefixStatus> Prefixes);

/// <summary>A prefix as it is now.</summary>
/// <param name="Key">The prefix, and the source where its routes are for some sources only.</param>
/// <param name="Reachability">What the routing protocol says of it.</param>
/// <param name="Use">Whether that counts for packets.</param>
/// <param name="Routes">The selected one first, then by metric.</param>
public sealed record PrefixStatus(RouteKey Key, Reachability Reachability, PrefixUse Use, ImmutableArray<RouteStatus> Routes);
