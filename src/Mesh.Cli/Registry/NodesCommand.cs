using System.CommandLine;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;
using Spectre.Console;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry nodes</c>: who is in the network.</summary>
internal static class NodesCommand
{
    public static Command Create(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running registry.");
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("nodes", "List the nodes that have a certificate.") { Examples = ["mesh registry nodes --dir /var/lib/mesh/registry"] };
        command.Options.Add(dir);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient client = RunningRegistry.Connect(parsed.GetValue(dir)!);
            NodeReport[] nodes = await client.AskAsync<NodeReport[]>(RegistryControl.ListNodes, argument: null, cancellation);
            if (parsed.GetValue(json))
            {
                context.Out.WriteLine(JsonText.Text(nodes));
                return ExitCode.Ok;
            }
            Table table = new Table().Border(TableBorder.Simple).AddColumns("prefix", "address", "subnet", "e-mail", "serial", "certificate until");
            foreach (NodeReport node in nodes)
                _ = table.AddRow(node.Prefix, node.Address, node.Subnet, Markup.Escape(node.Email ?? ""), $"{node.Serial}", node.IsRevoked ? "revoked" : $"{node.NotAfter:yyyy-MM-dd}");
            context.Tables().Write(table);
            return ExitCode.Ok;
        });
        return command;
    }
}
