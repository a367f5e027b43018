using System.CommandLine;
using System.Globalization;
using Mesh.Babel;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Node.Routing;
using Spectre.Console;

namespace Mesh.Cli.Node;

/// <summary><c>mesh routes</c>: the routes of this machine's node.</summary>
internal static class RoutesCommand
{
    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running node.");
        var to = new Option<string?>("--to") { Description = "Only routes to prefixes in this one.", HelpName = "PREFIX" };
        var via = new Option<string?>("--via") { Description = "Only routes through this neighbour.", HelpName = "NODE" };
        var all = new Option<bool>("--all") { Description = "Also routes that are not selected, and why not." };
        Option<bool> json = CommonOptions.Json();
        var watch = new WatchOption();
        var command = new MeshCommand("routes", "Show a running node's routes as the routing protocol knows them.")
        {
            Notes =
            [
                "The metric is what the neighbour has told and what the link to it costs. mesh explain says more about one address; docs/routing.md says what the columns mean.",
                $"Of more than {GetRoutes.MaxRoutes} routes the first are shown.",
            ],
            Examples =
            [
                "mesh routes --dir /var/lib/mesh/node", "mesh routes --dir node --to 2001:db8:42:8000::/49 --via 2/16", "mesh routes --dir node --all --json", "mesh routes --dir node --watch 5",
            ],
        };
        foreach (Option option in (Option[])[dir, to, via, all, json])
            command.Options.Add(option);
        watch.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            var order = new RoutesOrder(parsed.GetValue(to), parsed.GetValue(via), parsed.GetValue(all));
            checks.Ipv6Prefix("--to", order.To);
            checks.Node("--via", order.Via);
            TimeSpan? interval = watch.Read(parsed, checks);
            checks.ThrowIfAny();
            using ControlClient client = RunningNode.Connect(parsed.GetValue(dir)!);
            await WatchOption.ShowAsync(context, interval, parsed.GetValue(json), () => client.AskAsync<RoutesReport>(NodeControl.Routes, order, cancellation), Show, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(CliContext context, RoutesReport report)
    {
        context.Out.WriteLine($"announced by this node: {(report.Own.Count == 0 ? "nothing" : string.Join(", ", report.Own))}");
        Table table = CliContext.NarrowTable("routes", "state", "destination", "via", "tunnel", "metric", "told + link", "smoothed", "left", "state");
        foreach (RouteDetails route in report.Routes)
        {
            _ = table.AddRow(
                route.Source is null ? route.Prefix : $"{route.Prefix} from {route.Source}", route.Via, route.Device ?? $"{route.Tunnel}", MetricText(route.Metric),
                $"{MetricText(route.RefMetric)} + {MetricText(route.LinkCost)}", MetricText(route.SmoothedMetric), SecondsText(route.ExpiresSeconds), StateOf(route));
        }

        context.Tables().Write(table);
        if (report.Omitted > 0)
            context.Out.WriteLine($"{report.Omitted} more routes are not shown; --to and --via choose");
    }

    /// <summary>A metric or a cost.</summary>
    public static string MetricText(int metric) => metric == Metric.Infinity ? "inf" : $"{metric}";

    /// <summary>A time.</summary>
    public static string SecondsText(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s");

    private static string StateOf(RouteDetails route) => route is { Verdict: RouteVerdict.Selected, Use: not PrefixUse.Forwarded }
        ? $"selected, not used: {JsonText.Name(route.Use)}"
        : JsonText.Name(route.Verdict);
}
