using System.CommandLine;
using System.Globalization;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Mesh.Node.Peers;
using Spectre.Console;

namespace Mesh.Cli.Node;

/// <summary><c>mesh peers</c>: the sessions of this machine's node with other nodes.</summary>
internal static class PeersCommand
{
    // Everything else was refused or given up.
    private static readonly PeerCounter[] Ordinary = [PeerCounter.Received, PeerCounter.Sent, PeerCounter.Established, PeerCounter.Messages];

    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running node.");
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("peers", "Show a running node's sessions with other nodes, and which datagrams it refused.")
        {
            Notes =
            [
                "A session carries news and questions between two nodes; it is made when one of them has something to say, and needs no tunnel between the two. " +
                "Packets of programs go through tunnels, which mesh status shows.",
                "Capabilities are what a node says it can do; nodes of re6st say nothing.",
            ],
            Examples = ["mesh peers --dir /var/lib/mesh/node", "mesh peers --dir node --json"],
        };
        command.Options.Add(dir);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient client = RunningNode.Connect(parsed.GetValue(dir)!);
            PeersReport report = await client.AskAsync<PeersReport>(NodeControl.Peers, argument: null, cancellation);
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonText.Text(report));
            else
                Show(context, report);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Show(CliContext context, PeersReport report)
    {
        long CountOf(PeerCounter counter) => report.Counters.GetValueOrDefault(counter);

        IAnsiConsole console = context.Tables();
        Table peers = new Table().Border(TableBorder.Simple).Title("sessions").AddColumns("peer", "state", "since", "last heard", "protocol", "capabilities", "sent", "received");
        foreach (PeerReport peer in report.Peers)
        {
            _ = peers.AddRow(
                peer.Prefix, JsonText.Name(peer.State), Time(peer.Since), peer.LastHeard is { } heard ? Time(heard) : "", peer.Protocol is { } protocol ? $"{protocol}" : "",
                peer.Capabilities is { } capabilities ? string.Join(", ", capabilities) : "not told", $"{peer.SentMessages}", $"{peer.ReceivedMessages}");
        }
        console.Write(peers);
        context.Out.WriteLine(
            $"datagrams received {CountOf(PeerCounter.Received)}, sent {CountOf(PeerCounter.Sent)}; sessions begun {CountOf(PeerCounter.Established)}, messages {CountOf(PeerCounter.Messages)}");
        KeyValuePair<PeerCounter, long>[] refused = [.. report.Counters.Where(static counter => !Ordinary.Contains(counter.Key))];
        if (refused.Length == 0)
        {
            context.Out.WriteLine("nothing was refused or given up");
            return;
        }
        Table refusals = new Table().Border(TableBorder.Simple).Title("refused or given up").AddColumns("why", "how often");
        foreach ((PeerCounter counter, long count) in refused)
            _ = refusals.AddRow(JsonText.Name(counter), $"{count}");
        console.Write(refusals);
    }

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
