using System.CommandLine;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Node;

/// <summary><c>mesh explain</c>: where packets for an address go, and why there.</summary>
internal static class ExplainCommand
{
    public static Command Create(CliContext context)
    {
        var address = new Argument<string>("ADDRESS") { Description = "IPv6 address to which packets are to go." };
        Option<string> dir = CommonOptions.Dir("Directory of the running node.");
        var from = new Option<string?>("--from")
        {
            Description = "IPv6 address from which they come [default: the node's own]. Counts for routes that are for some sources only.",
            HelpName = "SOURCE",
        };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("explain", "Show where a running node sends packets for an address, why there, and why not elsewhere.")
        {
            Notes = ["It is done (status 0) whatever the answer is. docs/routing.md says what the reasons mean."],
            Examples = ["mesh explain 2001:db8:42:1::1 --dir /var/lib/mesh/node", "mesh explain 2001:db8:42:1::1 --from 2001:db8:42:3::1 --dir node --json"],
        };
        command.Arguments.Add(address);
        foreach (Option option in (Option[])[dir, from, json])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            var order = new ExplainOrder(parsed.GetValue(address)!, parsed.GetValue(from));
            checks.Ipv6Address("ADDRESS", order.Destination);
            if (order.Source is not null)
                checks.Ipv6Address("--from", order.Source);
            checks.ThrowIfAny();
            using ControlClient client = RunningNode.Connect(parsed.GetValue(dir)!);
            ExplanationReport report = await client.AskAsync<ExplanationReport>(NodeControl.Explain, order, cancellation);
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonText.Text(report));
            else
                ExplanationText.Write(context.Out, report);
            return ExitCode.Ok;
        });
        return command;
    }
}
