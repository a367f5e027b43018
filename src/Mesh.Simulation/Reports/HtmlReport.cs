using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Reports;

/// <summary>A run as one HTML page that needs no network: what happened, plots of the network, and a map of the tunnels at the end.</summary>
public static class HtmlReport
{
    private const int MapSize = 640;

    /// <summary>How all reports look.</summary>
    internal const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24; background: #fff; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
        table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #d8dee4; vertical-align: top; }
        .good { color: #116329; } .bad { color: #a40e26; font-weight: 600; } code { font-size: .95em; } .number { text-align: right; font-variant-numeric: tabular-nums; }
        svg { max-width: 100%; height: auto; } svg text { font-size: 12px; } svg line { stroke: #57606a; stroke-opacity: .45; }
        @media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } td, th { border-color: #30363d; } .good { color: #3fb950; } .bad { color: #f85149; } svg text { fill: #e6edf3; } svg line { stroke: #8b949e; } }
        """;

    /// <summary>Renders a result.</summary>
    public static string Render(ScenarioResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{Text(result.Scenario)}, seed {result.Seed}</title><style>{Style}</style></head><body>\n");
        page.Append(CultureInfo.InvariantCulture, $"<h1>{Text(result.Scenario)}, seed {result.Seed}</h1>\n<p>{Text(result.Description)}</p>\n");
        page.Append(result.IsPartial ? "<p class=\"bad\">The run was stopped before its end.</p>\n" : "");
        page.Append(result.IsClean ? "<p class=\"good\">No violation.</p>\n" : $"<p class=\"bad\">{result.Violations.Count} violations.</p>\n");
        AppendFacts(page, result);
        AppendSteps(page, result);
        AppendMeasures(page, result.Measures);
        AppendPlots(page, result.Shape);
        AppendMap(page, result.Topology);
        page.Append(CultureInfo.InvariantCulture, $"<h2>What was modelled</h2>\n<p>{Text(result.Model)}</p>\n</body></html>\n");
        return page.ToString();
    }

    private static void AppendFacts(StringBuilder page, ScenarioResult result)
    {
        page.Append("<table>\n");
        Fact(page, "digest", $"<code>{result.Digest}</code>");
        Fact(page, "nodes", $"{result.Nodes:N0}");
        Fact(page, "virtual time", $"{result.VirtualSeconds:N1} s");
        Fact(page, "wall time", $"{result.WallSeconds:N2} s, {result.RealTimeFactor:N0} times real time");
        Fact(page, "messages handled by actors", $"{result.Messages:N0}");
        Fact(page, "packets", $"{result.Packets:N0}, {result.LostPackets:N0} lost, {result.DroppedPackets:N0} dropped from full queues");
        page.Append("</table>\n");
    }

    private static void Fact(StringBuilder page, string name, string value) => page.Append(CultureInfo.InvariantCulture, $"<tr><th>{name}</th><td>{value}</td></tr>\n");

    private static void AppendSteps(StringBuilder page, ScenarioResult result)
    {
        page.Append("<h2>What happened</h2>\n<table><tr><th class=\"number\">from, s</th><th class=\"number\">to, s</th><th>step</th><th>outcome</th></tr>\n");
        foreach (StepResult step in result.Steps)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"number\">{step.StartedSeconds:0.0}</td><td class=\"number\">{step.EndedSeconds:0.0}</td><td>{Text(step.Title)}</td>");
            page.Append(CultureInfo.InvariantCulture, $"<td class=\"{(step.IsGood ? "good" : "bad")}\">{Text(step.Outcome)}</td></tr>\n");
        }

        page.Append("</table>\n");
    }

    private static void AppendMeasures(StringBuilder page, IReadOnlyList<Measure> measures)
    {
        if (measures.Count == 0)
            return;
        page.Append("<h2>What was measured</h2>\n<table><tr><th>what</th><th>unit</th><th class=\"number\">values</th><th class=\"number\">median</th><th class=\"number\">99 %</th><th class=\"number\">largest</th></tr>\n");
        foreach (Measure measure in measures)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(measure.Name)}</td><td>{Text(measure.Unit)}</td><td class=\"number\">{measure.Count:N0}</td>");
            page.Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{measure.P50:0.###}</td><td class=\"number\">{measure.P99:0.###}</td><td class=\"number\">{measure.Max:0.###}</td></tr>\n");
        }

        page.Append("</table>\n");
    }

    private static void AppendPlots(StringBuilder page, NetworkShape shape)
    {
        if (shape.Hops.Count == 0 && shape.Arities.Count == 0 && shape.RegistryLoad.Count == 0)
            return;
        page.Append("<h2>The network at the end</h2>\n");
        Plot.AppendBars(page, "Pairs of nodes by hop distance", "tunnels between them", shape.Hops, 1);
        Plot.AppendBars(page, "Pairs of nodes by path stretch", "round trip through the overlay over that through the underlay; from 10 on in one bar", shape.Stretches, 0.25);
        Plot.AppendBars(page, "Nodes by arity", "tunnels of a node", shape.Arities, 1);
        Plot.AppendShares(page, "Nodes that have new parameters, %", "seconds since their publication", [.. shape.Propagations.Select(static one => ($"version {one.Version}", one.Seconds))]);
        double width = shape.RegistryLoad.Count < 2 ? 1 : shape.RegistryLoad.Zip(shape.RegistryLoad.Skip(1), static (one, next) => next.Value - one.Value).Min();
        Plot.AppendBars(page, string.Create(CultureInfo.InvariantCulture, $"Requests to the registry in {width:0} s"), "seconds of virtual time", shape.RegistryLoad, width);
    }

    private static void AppendMap(StringBuilder page, IReadOnlyList<NodeResult> nodes)
    {
        bool isMap = nodes.Count > 0 && nodes.All(static node => node is { X: not null, Y: not null });
        page.Append(CultureInfo.InvariantCulture, $"<h2>Tunnels at the end</h2>\n<svg viewBox=\"0 0 {MapSize} {MapSize}\" role=\"img\" aria-label=\"{(isMap ? "Nodes where they are" : "Nodes on a circle")}, tunnels as lines\">\n");
        Dictionary<string, (double X, double Y)> places = isMap ? OnMap(nodes) : OnCircle(nodes);
        foreach (NodeResult node in nodes)
        {
            foreach (string peer in node.Tunnels.Where(p => places.ContainsKey(p) && string.CompareOrdinal(node.Name, p) < 0))
                page.Append(CultureInfo.InvariantCulture, $"<line x1=\"{places[node.Name].X:0.0}\" y1=\"{places[node.Name].Y:0.0}\" x2=\"{places[peer].X:0.0}\" y2=\"{places[peer].Y:0.0}\"/>\n");
        }

        foreach (NodeResult node in nodes)
        {
            (double x, double y) = places[node.Name];
            string colour = node.IsRunning ? "#1f6feb" : "#a40e26";
            page.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"5\" fill=\"{colour}\"><title>{Text(node.Name)}: {node.Routes} routes</title></circle>\n");
            if (nodes.Count <= 60)
                page.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 8:0.0}\" y=\"{y + 4:0.0}\">{Text(node.Name)}{(node.IsRunning ? "" : " (off)")}</text>\n");
        }

        page.Append("</svg>\n");
    }

    private static Dictionary<string, (double X, double Y)> OnCircle(IReadOnlyList<NodeResult> nodes)
    {
        var places = new Dictionary<string, (double X, double Y)>(StringComparer.Ordinal);
        for (int i = 0; i < nodes.Count; i++)
        {
            double angle = (2 * Math.PI * i / nodes.Count) - (Math.PI / 2);
            places[nodes[i].Name] = ((MapSize / 2.0) + (MapSize * 0.38 * Math.Cos(angle)), (MapSize / 2.0) + (MapSize * 0.38 * Math.Sin(angle)));
        }

        return places;
    }

    // As large as there is room, with the same scale in both directions. Nodes at one place stand around it.
    private static Dictionary<string, (double X, double Y)> OnMap(IReadOnlyList<NodeResult> nodes)
    {
        double left = nodes.Min(static node => node.X!.Value), below = nodes.Min(static node => node.Y!.Value);
        double wide = nodes.Max(static node => node.X!.Value) - left, high = nodes.Max(static node => node.Y!.Value) - below, scale = MapSize * 0.8 / Math.Max(1e-9, Math.Max(wide, high));
        var places = new Dictionary<string, (double X, double Y)>(StringComparer.Ordinal);
        foreach (IGrouping<(double, double), NodeResult> place in nodes.GroupBy(static node => (node.X!.Value, node.Y!.Value)))
        {
            double x = (MapSize / 2.0) + ((place.Key.Item1 - left - (wide / 2)) * scale), y = (MapSize / 2.0) - ((place.Key.Item2 - below - (high / 2)) * scale), around = place.Count() == 1 ? 0 : 8 + (0.8 * place.Count());
            foreach ((int i, NodeResult node) in place.Index())
                places[node.Name] = (x + (around * Math.Cos(2 * Math.PI * i / place.Count())), y + (around * Math.Sin(2 * Math.PI * i / place.Count())));
        }

        return places;
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
