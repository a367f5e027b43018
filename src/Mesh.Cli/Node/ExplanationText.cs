using Mesh.Babel;
using Mesh.Node.Routing;

namespace Mesh.Cli.Node;

/// <summary>An explanation in sentences.</summary>
internal static class ExplanationText
{
    public static void Write(TextWriter output, ExplanationReport report)
    {
        output.WriteLine(Sentence(report));
        if (report.Prefixes.Count == 0)
            output.WriteLine("the routing protocol knows no prefix that contains it");
        foreach (PrefixReport prefix in report.Prefixes)
        {
            output.WriteLine();
            output.WriteLine($"{(prefix.Source is null ? prefix.Prefix : $"{prefix.Prefix} from {prefix.Source}")}: {Sentence(prefix, report)}");
            RouteDetails? selected = prefix.Routes.FirstOrDefault(static route => route.Verdict == RouteVerdict.Selected);
            foreach (RouteDetails route in prefix.Routes)
            {
                output.WriteLine(
                    $"  {(route == selected ? "selected" : "not selected")}: via {route.Via}{WayOf(route.Tunnel, route.Device, ", ", ", on ")}: metric {RoutesCommand.MetricText(route.Metric)} "
                    + $"(announced {RoutesCommand.MetricText(route.RefMetric)}, link {RoutesCommand.MetricText(route.LinkCost)}), smoothed {RoutesCommand.MetricText(route.SmoothedMetric)}; "
                    + $"number {route.Seqno} of origin {route.RouterId}; lapses in {RoutesCommand.SecondsText(route.ExpiresSeconds)}");
                output.WriteLine($"    {Reason(route, selected, prefix.Routes)}");
            }
        }
    }

    private static string Sentence(ExplanationReport report) => report switch
    {
        { Outcome: RouteOutcome.Own } => $"{report.Destination} is this node's own: its subnet is {report.Subnet}",
        { Outcome: RouteOutcome.Routed, Route: { } route } =>
            $"{report.Destination} is routed: packets go to node {route.Via}{WayOf(route.Tunnel, route.Device, " through ", " on ")}, by the route to {route.Destination} of metric {RoutesCommand.MetricText(route.Metric)}",
        { Outcome: RouteOutcome.OutsideNetwork } => $"{report.Destination} is not the overlay's, whose network is {report.Network}: this node forwards nothing to it",
        { Outcome: RouteOutcome.LeavesHere } => $"{report.Destination} is not the overlay's, whose network is {report.Network}: this node is a gateway, and packets from the network leave it here, as its machine routes them",
        _ => $"{report.Destination} is unreachable: it is in the network {report.Network}, and no route that is in use leads to it; packets are refused",
    };

    private static string WayOf(int tunnel, string? device, string through, string on) => device is not null ? $"{on}{device}" : tunnel == 0 ? "" : $"{through}tunnel {tunnel}";

    private static string Sentence(PrefixReport prefix, ExplanationReport report)
    {
        string state = prefix.Reachability switch
        {
            Reachability.Own => "announced by this node itself",
            Reachability.Reachable => "reachable",
            Reachability.Unreachable => "unreachable: its last route was lost a short while ago, and neighbours may still rely on what this node announced before",
            _ => "no route that can be used",
        };
        string? use = prefix.Use switch
        {
            PrefixUse.Forwarded => null,
            PrefixUse.OwnSubnet when prefix.Reachability == Reachability.Own => null,
            PrefixUse.OwnSubnet => $"all of {report.Subnet} is this node's own",
            PrefixUse.SourceSpecific => "of routes for some sources it uses the default route of the network alone",
            _ => $"it forwards only to what is in {report.Network}",
        };
        return use is null ? state : $"{state}; this node does not forward by it: {use}";
    }

    private static string Reason(RouteDetails route, RouteDetails? selected, IReadOnlyList<RouteDetails> all) => route.Verdict switch
    {
        RouteVerdict.Selected => ReasonOfSelected(route, all),
        RouteVerdict.OwnPrefix => "this node announces the prefix itself, so it needs no route to it",
        RouteVerdict.Retracted => "the neighbour has taken it back or has not repeated it in time, or the prefix is another node's; it is kept for a while",
        RouteVerdict.NeighbourUnusable => "the link to the neighbour cannot be used: its cost is infinite (mesh neighbours shows why)",
        RouteVerdict.TooFar => "it is too far: announced metric and link together are infinite",
        RouteVerdict.Unfeasible when route.Distance is { } distance =>
            $"not feasible: this node has announced metric {distance.Metric} with number {distance.Seqno}, and number {route.Seqno} with metric {route.RefMetric} is not nearer to the origin than that, "
            + "so the way may lead back to this node; a newer number would make it feasible",
        RouteVerdict.Unfeasible => "not feasible: the way may lead back to this node",
        RouteVerdict.WorseMetric when selected is not null && route.Metric == selected.Metric => $"no better: the selected one has the same metric {selected.Metric}",
        RouteVerdict.WorseMetric when selected is not null => $"worse: metric {route.Metric}, the selected one's is {selected.Metric}",
        RouteVerdict.Waiting when selected is not null =>
            $"better by metric ({route.Metric}, the selected one's is {selected.Metric}), but it has to stay so for a while: its smoothed metric {route.SmoothedMetric} has still to fall below {selected.SmoothedMetric}",
        _ => "nothing is against it: it will be selected as soon as the prefix is looked at again",
    };

    private static string ReasonOfSelected(RouteDetails route, IReadOnlyList<RouteDetails> all)
    {
        int waiting = all.Count(static other => other.Verdict is RouteVerdict.Waiting or RouteVerdict.Due);
        if (waiting > 0)
            return $"{waiting} {(waiting == 1 ? "other is" : "others are")} better at the moment, and may take over after a while";
        return all.Where(static other => other.Verdict == RouteVerdict.WorseMetric).MinBy(static other => other.Metric) is { } next
            ? $"its metric is {(next.Metric == route.Metric ? "as small as any" : "the smallest")}: {route.Metric}, the next one's is {next.Metric}"
            : "it is the only one that can be used";
    }
}
