using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Shell;
using Spectre.Console;

namespace Mesh.Cli.Ping;

/// <summary><c>mesh ping</c>: ICMPv6 echo to several addresses at a time.</summary>
internal static class PingCommand
{
    private const int MaxTargets = 1000;

    public static Command Create(CliContext context)
    {
        var addresses = new Argument<string[]>("ADDRESS") { Description = "IPv6 addresses.", Arity = ArgumentArity.OneOrMore };
        var count = new Option<int>("--count", "-c") { Description = "Requests for each address.", HelpName = "N", DefaultValueFactory = _ => 4 };
        var interval = new Option<int>("--interval") { Description = "Milliseconds between two requests to an address.", HelpName = "MS", DefaultValueFactory = _ => 1000 };
        var timeout = new Option<int>("--timeout") { Description = "Milliseconds to wait for an answer.", HelpName = "MS", DefaultValueFactory = _ => 2000 };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("ping", "Send ICMPv6 echo requests to several addresses at a time. Needs root.")
        {
            Notes = ["It is done (status 0) when every address has answered at least once."],
            Examples = ["mesh ping 2001:db8:42::1", "mesh ping 2001:db8:42::1 2001:db8:42:8000::1 --count 10 --interval 200 --json"],
        };
        command.Arguments.Add(addresses);
        foreach (Option option in (Option[])[count, interval, timeout, json])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            int requests = parsed.GetValue(count);
            checks.Range("--count", requests, 1, 10_000);
            checks.Range("--interval", parsed.GetValue(interval), 1, 3_600_000);
            checks.Range("--timeout", parsed.GetValue(timeout), 1, 600_000);
            string[] texts = parsed.GetValue(addresses)!;
            if (texts.Length > MaxTargets)
                checks.Add($"{texts.Length} addresses: at most {MaxTargets} at a time");
            var targets = new List<IPAddress>();
            foreach (string text in texts.Distinct(StringComparer.Ordinal))
            {
                if (IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetworkV6)
                    targets.Add(address);
                else
                    checks.Add($"{text}: expected an IPv6 address");
            }
            checks.ThrowIfAny();
            if (!context.IsRoot)
                throw CommandFailedException.Failed("mesh ping needs root: it opens a raw socket");
            using var pinger = new Pinger(TimeSpan.FromMilliseconds(parsed.GetValue(timeout)));
            IReadOnlyList<PingReport> reports = await pinger.RunAsync(targets, requests, TimeSpan.FromMilliseconds(parsed.GetValue(interval)), cancellation);
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonText.Text(reports));
            else
                Show(context, reports);
            return reports.All(static report => report.Received > 0) ? ExitCode.Ok : ExitCode.Failed;
        });
        return command;
    }

    private static void Show(CliContext context, IReadOnlyList<PingReport> reports)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("address", "sent", "received", "min", "median", "max", "problem");
        foreach (PingReport report in reports)
        {
            _ = table.AddRow(
                report.Address, $"{report.Sent}", $"{report.Received}", Milliseconds(report.MinMilliseconds), Milliseconds(report.MedianMilliseconds),
                Milliseconds(report.MaxMilliseconds), Markup.Escape(report.Problem ?? ""));
        }
        context.Tables().Write(table);
    }

    private static string Milliseconds(double? value) => value is { } milliseconds ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.00} ms") : "";
}
