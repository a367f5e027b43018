using System.CommandLine;
using System.Globalization;
using Mesh.Babel;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Spectre.Console;

namespace Mesh.Cli.Node;

/// <summary><c>mesh neighbours</c>: those from which this machine's node hears the routing protocol.</summary>
internal static class NeighboursCommand
{
    private const double MultiplierOne = 256;

    // The rest is told in a table: most of it was refused.
    private static readonly BabelCounter[] Ordinary = [BabelCounter.PacketsReceived, BabelCounter.PacketsSent, BabelCounter.OctetsSent, BabelCounter.UpdatesSent];

    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running node.");
        var node = new Option<string?>("--node") { Description = "Only this neighbour.", HelpName = "NODE" };
        Option<bool> json = CommonOptions.Json();
        var watch = new WatchOption();
        var command = new MeshCommand("neighbours", "Show from whom a running node hears the routing protocol, what links cost, and what was counted.")
        {
            Notes =
            [
                "A link costs what the neighbour says that receiving costs it, and what the round trip adds, times the factor. It is infinite, and no route leads there, where Hellos get lost " +
                "in one of both directions, or the factor is 0 because the tunnel is to go. docs/routing.md says what the columns mean.",
            ],
            Examples = ["mesh neighbours --dir /var/lib/mesh/node", "mesh neighbours --dir node --node 2/16 --json", "mesh neighbours --dir node --watch"],
        };
        foreach (Option option in (Option[])[dir, node, json])
            command.Options.Add(option);
        watch.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            var order = new NeighboursOrder(parsed.GetValue(node));
            checks.Node("--node", order.Node);
            TimeSpan? interval = watch.Read(parsed, checks);
            checks.ThrowIfAny();
            using ControlClient client = RunningNode.Connect(parsed.GetValue(dir)!);
            await WatchOption.ShowAsync(context, interval, parsed.GetValue(json), () => client.AskAsync<NeighboursReport>(NodeControl.Neighbours, order, cancellation), Show, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(CliContext context, NeighboursReport report)
    {
        long CountOf(BabelCounter counter) => report.Counters.GetValueOrDefault(counter);

        IAnsiConsole console = context.Tables();
        Table neighbours = CliContext.NarrowTable("neighbours", "link", "node", "link", "hellos", "rx, tx", "round trip", "factor", "cost", "mac", "routes");
        foreach (NeighbourReport neighbour in report.Neighbours)
        {
            _ = neighbours.AddRow(
                neighbour.Node == "?" ? $"? {neighbour.Address}" : neighbour.Node, LinkOf(neighbour), neighbour.UnicastReach == "0000" ? neighbour.Reach : $"{neighbour.Reach}, {neighbour.UnicastReach}",
                $"{RoutesCommand.MetricText(neighbour.RxCost)}, {RoutesCommand.MetricText(neighbour.TxCost)}",
                neighbour.RoundTripMilliseconds is { } milliseconds ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.0} ms +{neighbour.RoundTripCost}") : "",
                (neighbour.CostMultiplier / MultiplierOne).ToString("0.##", CultureInfo.InvariantCulture), RoutesCommand.MetricText(neighbour.Cost), JsonText.Name(neighbour.Authentication), $"{neighbour.Routes}");
        }

        console.Write(neighbours);
        context.Out.WriteLine(
            $"packets received {CountOf(BabelCounter.PacketsReceived)}, sent {CountOf(BabelCounter.PacketsSent)} ({CountOf(BabelCounter.OctetsSent)} octets); updates sent {CountOf(BabelCounter.UpdatesSent)}");
        KeyValuePair<BabelCounter, long>[] others = [.. report.Counters.Where(static counter => !Ordinary.Contains(counter.Key))];
        if (others.Length == 0)
            return;
        Table counters = new Table().Border(TableBorder.Simple).Title("counted since the start").AddColumns("what", "how often");
        foreach ((BabelCounter counter, long count) in others)
            _ = counters.AddRow(JsonText.Name(counter), $"{count}");
        console.Write(counters);
    }

    private static string LinkOf(NeighbourReport neighbour) => neighbour switch
    {
        { Device: { } device } => device,
        { KernelLink: { } link, Tunnel: 0 } => $"device {link}",
        { KernelLink: { } link } => $"device {link}, tunnel {neighbour.Tunnel}",
        _ => $"tunnel {neighbour.Tunnel}",
    };
}
