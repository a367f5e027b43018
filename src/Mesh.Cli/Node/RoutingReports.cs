using Mesh.Babel;
using Mesh.Node.Routing;

namespace Mesh.Cli.Node;

/// <summary>Routes as <c>mesh routes</c> shows them.</summary>
/// <param name="Own">The prefixes that the node announces itself.</param>
/// <param name="Routes">In the order of their prefixes, of each the selected one first.</param>
/// <param name="Omitted">How many more there are than one answer holds.</param>
internal sealed record RoutesReport(IReadOnlyList<string> Own, IReadOnlyList<RouteDetails> Routes, int Omitted);

/// <summary>A route of the routing protocol. Metrics and costs are 65535 where they are infinite.</summary>
/// <param name="Prefix">Where it leads.</param>
/// <param name="Source">From where packets have to come for it, or null for anywhere.</param>
/// <param name="Via">The neighbour; "?" while it is not known which node that is.</param>
/// <param name="Tunnel">The tunnel to it, or 0.</param>
/// <param name="Neighbour">Its address on the link.</param>
/// <param name="NextHop">Where packets go: the neighbour, unless it says otherwise.</param>
/// <param name="Metric">What it costs in all.</param>
/// <param name="RefMetric">What the neighbour announced.</param>
/// <param name="LinkCost">What it costs to reach the neighbour.</param>
/// <param name="SmoothedMetric">The metric as it changes slowly.</param>
/// <param name="Seqno">The origin's number.</param>
/// <param name="RouterId">The origin.</param>
/// <param name="IsFeasible">Whether it cannot lead back to this node.</param>
/// <param name="Distance">What it is measured by for that, or null for nothing.</param>
/// <param name="ExpiresSeconds">Time left until it lapses, unless it is repeated.</param>
/// <param name="Verdict">Why it is selected or is not.</param>
/// <param name="Use">Whether it counts for packets where it is selected.</param>
internal sealed record RouteDetails(
    string Prefix, string? Source, string Via, int Tunnel, string Neighbour, string NextHop, int Metric, int RefMetric, int LinkCost, int SmoothedMetric, int Seqno,
    string RouterId, bool IsFeasible, DistanceReport? Distance, double ExpiresSeconds, RouteVerdict Verdict, PrefixUse Use)
{
    /// <summary>The interface on whose LAN the neighbour is, or null.</summary>
    public string? Device { get; init; }
}

/// <summary>A feasibility distance.</summary>
/// <param name="Seqno">The number that the node has announced.</param>
/// <param name="Metric">The smallest metric that it has announced with it.</param>
internal sealed record DistanceReport(int Seqno, int Metric);

/// <summary>Neighbours of the routing protocol as <c>mesh neighbours</c> shows them.</summary>
/// <param name="Neighbours">By link, in the order of their discovery.</param>
/// <param name="Counters">What happened since the start; what never happened is left out.</param>
internal sealed record NeighboursReport(IReadOnlyList<NeighbourReport> Neighbours, IReadOnlyDictionary<BabelCounter, long> Counters);

/// <summary>A neighbour. Costs are 65535 where they are infinite.</summary>
/// <param name="Node">The node that it is; "?" while that is not known.</param>
/// <param name="Tunnel">The tunnel to it, or 0.</param>
/// <param name="KernelLink">Index of the kernel's link on which it is, or null where the node forwards by itself.</param>
/// <param name="Address">Its address on the link.</param>
/// <param name="Reach">Which of its last 16 Hellos to all arrived, in hexadecimal; the newest is the highest bit.</param>
/// <param name="UnicastReach">The same for those to this node alone.</param>
/// <param name="RxCost">What it costs to receive from it.</param>
/// <param name="TxCost">What it says that it costs to receive from this node.</param>
/// <param name="RoundTripMilliseconds">Smoothed round trip, or null where it is not measured.</param>
/// <param name="RoundTripCost">What that adds to the cost.</param>
/// <param name="CostMultiplier">What multiplies the cost, in 1/256; 0 makes the link unusable.</param>
/// <param name="Cost">What it costs to reach it.</param>
/// <param name="Authentication">Whether its packets are known to be its own.</param>
/// <param name="Routes">How many routes by which packets are forwarded lead through it.</param>
internal sealed record NeighbourReport(
    string Node, int Tunnel, int? KernelLink, string Address, string Reach, string UnicastReach, int RxCost, int TxCost, double? RoundTripMilliseconds, int RoundTripCost,
    int CostMultiplier, int Cost, NeighbourAuthentication Authentication, int Routes)
{
    /// <summary>The interface on whose LAN it is, or null.</summary>
    public string? Device { get; init; }
}

/// <summary>Where packets go, and why, as <c>mesh explain</c> shows it.</summary>
/// <param name="Destination">Where they are to go.</param>
/// <param name="Source">Where they come from.</param>
/// <param name="Network">The overlay network.</param>
/// <param name="Subnet">The node's own addresses.</param>
/// <param name="Outcome">What happens to them.</param>
/// <param name="Route">The route that they take, or null.</param>
/// <param name="Prefixes">All that is known for the address, the longest prefix first.</param>
internal sealed record ExplanationReport(
    string Destination, string Source, string Network, string Subnet, RouteOutcome Outcome, RouteReport? Route, IReadOnlyList<PrefixReport> Prefixes);

/// <summary>A prefix that contains an address.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="Source">From where packets have to come, or null for anywhere.</param>
/// <param name="Reachability">What the routing protocol says of it.</param>
/// <param name="Use">Whether that counts for packets.</param>
/// <param name="Routes">The selected one first.</param>
internal sealed record PrefixReport(string Prefix, string? Source, Reachability Reachability, PrefixUse Use, IReadOnlyList<RouteDetails> Routes);
