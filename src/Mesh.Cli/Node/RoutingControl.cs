using System.Text.Json;
using Mesh.Babel;
using Mesh.Node;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Node;

/// <summary>Asks for routes: see <see cref="GetRoutes"/>.</summary>
/// <param name="To">IPv6 prefix, or null.</param>
/// <param name="Via">Common name of a node, or null.</param>
/// <param name="All">Also those that are not selected.</param>
internal sealed record RoutesOrder(string? To, string? Via, bool All);

/// <summary>Asks for neighbours: see <see cref="GetNeighbours"/>.</summary>
/// <param name="Node">Common name of a node, or null.</param>
internal sealed record NeighboursOrder(string? Node);

/// <summary>Asks for an explanation: see <see cref="ExplainRoute"/>.</summary>
/// <param name="Destination">IPv6 address.</param>
/// <param name="Source">IPv6 address, or null.</param>
internal sealed record ExplainOrder(string Destination, string? Source);

/// <summary>Questions about routing, between the control socket and the node.</summary>
internal static class RoutingControl
{
    /// <summary>The question that an order is.</summary>
    /// <exception cref="JsonException">It has texts that are no prefix, name or address.</exception>
    public static GetRoutes ToQuestion(RoutesOrder order) => new(
        order.To is null ? null : Ipv6Prefix.TryParse(order.To, out Ipv6Prefix to) ? to : throw new JsonException(order.To), ToNode(order.Via), order.All);

    /// <inheritdoc cref="ToQuestion(RoutesOrder)"/>
    public static GetNeighbours ToQuestion(NeighboursOrder order) => new(ToNode(order.Node));

    /// <inheritdoc cref="ToQuestion(RoutesOrder)"/>
    public static ExplainRoute ToQuestion(ExplainOrder order) => new(ToAddress(order.Destination), order.Source is null ? null : ToAddress(order.Source));

    public static RoutesReport Describe(RoutesStatus status) => new([.. status.Own.Select(static key => key.ToString())], [.. status.Routes.Select(Describe)], status.Omitted);

    public static NeighboursReport Describe(NeighboursStatus status) => new([.. status.Neighbours.Select(Describe)], status.Counters);

    public static ExplanationReport Describe(RouteExplanation explanation, NodeIdentity identity) => new(
        explanation.Destination.ToString(), explanation.Source.ToString(), identity.Network.ToString(), identity.Prefix.Subnet(identity.Network).ToString(), explanation.Outcome,
        explanation.Route is { } route ? Describe(route) : null,
        [.. explanation.Prefixes.Select(static prefix => new PrefixReport(prefix.Key.Prefix.ToString(), SourceOf(prefix.Key), prefix.Reachability, prefix.Use, [.. prefix.Routes.Select(Describe)]))]);

    public static RouteReport Describe(NodeRoute route) => new(route.Destination.ToString(), NameOf(route.Via), route.Tunnel.Value, route.Metric) { Device = route.Device };

    private static RouteDetails Describe(RouteStatus status)
    {
        RouteSnapshot route = status.Route;
        return new RouteDetails(
            route.Prefix.ToString(), SourceOf(route.Key), NameOf(status.Via), status.Tunnel.Value, route.Neighbour.ToString(), route.NextHop.ToString(), route.Metric, route.RefMetric, status.Link,
            route.SmoothedMetric, route.Seqno.Value, route.RouterId.ToString(), route.IsFeasible, status.Distance is { } distance ? new DistanceReport(distance.Seqno.Value, distance.Metric) : null,
            route.ExpiresIn.TotalSeconds, status.Verdict, status.Use)
        {
            Device = status.Device,
        };
    }

    private static NeighbourReport Describe(NeighbourStatus status)
    {
        NeighbourSnapshot neighbour = status.Neighbour;
        return new NeighbourReport(
            NameOf(status.Node), status.Tunnel.Value, status.KernelLink, neighbour.Address.ToString(), $"{neighbour.Reach:x4}", $"{neighbour.UnicastReach:x4}", neighbour.RxCost, neighbour.TxCost,
            neighbour.Rtt?.TotalMilliseconds, neighbour.RttCost, neighbour.CostMultiplier, neighbour.Cost, neighbour.Authentication, status.Routes)
        {
            Device = status.Device,
        };
    }

    private static string? SourceOf(RouteKey key) => key.IsSourceSpecific ? key.Source.ToString() : null;

    private static string NameOf(NodePrefix node) => node.IsEmpty ? "?" : node.CommonName;

    private static NodePrefix? ToNode(string? text) => text is null ? null : NodePrefix.TryParseCommonName(text, out NodePrefix node) ? node : throw new JsonException(text);

    private static Ipv6Address ToAddress(string text) => Ipv6Address.TryParse(text, out Ipv6Address address) ? address : throw new JsonException(text);
}
