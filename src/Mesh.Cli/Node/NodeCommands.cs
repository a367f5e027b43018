using System.CommandLine;
using Mesh.Cli.Configuration;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Node;

/// <summary><c>mesh node</c>: runs a node.</summary>
internal static class NodeCommands
{
    public static Command Create(CliContext context) => new MeshCommand("node", "Run this machine's node.") { Run(context) };

    private static MeshCommand Run(CliContext context)
    {
        Option<string> dir = CommonOptions.Dir("The node's directory, which mesh join filled.");
        Option<string?> config = CommonOptions.Config("Configuration [default: node.conf in DIR].");
        Option<string[]> sets = CommonOptions.Sets();
        var registry = new Option<string?>("--registry") { Description = "Base URL of the registry; over node.registry.", HelpName = "URL" };
        var listen = new Option<string?>("--listen") { Description = "Where to accept tunnels; over node.listen.", HelpName = "ADDRESS:PORT" };
        var advertise = new Option<string[]>("--advertise")
        {
            Description = "Where others can reach this node from outside; over node.advertise; may be repeated.",
            HelpName = "HOST:PORT",
            DefaultValueFactory = _ => [],
        };
        var interfaces = new Option<string[]>("--interface", "-i")
        {
            Description = "An interface on whose LAN other nodes are; over node.interfaces; may be repeated.",
            HelpName = "NAME",
            DefaultValueFactory = _ => [],
        };
        var command = new MeshCommand("run", "Connect this machine to its network until Ctrl-C or SIGTERM. Needs root.")
        {
            Notes = ["Logs go to standard error. `mesh status --dir DIR` shows how it is."],
            Examples = ["mesh node run --dir /var/lib/mesh/node", "mesh node run --dir node --listen [::]:7000 --advertise 192.0.2.7:7000 --set log.level=debug"],
        };
        foreach (Option option in (Option[])[dir, config, sets, registry, listen, advertise, interfaces])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var checks = new Checks();
            checks.Directory("--dir", parsed.GetValue(dir)!);
            List<string> over = [.. parsed.GetValue(sets)!];
            if (parsed.GetValue(registry) is { } url)
                over.Add($"{NodeKeys.Registry.Path}={checks.Url("--registry", url)}");
            if (parsed.GetValue(listen) is { } local)
                over.Add($"{NodeKeys.Listen.Path}={checks.EndPoint("--listen", local)}");
            foreach (string text in parsed.GetValue(advertise)!)
            {
                if (!AdvertisedEndPoint.TryParse(text, out _))
                    checks.Add($"--advertise {text}: expected ADDRESS:PORT (nodes do not resolve names), as in 192.0.2.7:{NodeKeys.DefaultPort} or [2001:db8::1]:{NodeKeys.DefaultPort}");
            }
            if (parsed.GetValue(advertise) is { Length: > 0 } advertised)
                over.Add($"{NodeKeys.Advertise.Path}={string.Join(',', advertised)}");
            foreach (string text in parsed.GetValue(interfaces)!)
            {
                if (!NodeKeys.IsInterfaceName(text))
                    checks.Add($"--interface {text}: expected the name of an interface, as in eth0");
            }
            if (parsed.GetValue(interfaces) is { Length: > 0 } lans)
                over.Add($"{NodeKeys.Interfaces.Path}={string.Join(',', lans)}");
            checks.ThrowIfAny();
            var directory = new NodeDirectory(parsed.GetValue(dir)!);
            string? file = parsed.GetValue(config) ?? (File.Exists(directory.ConfigurationPath) ? directory.ConfigurationPath : null);
            NodeSettings settings = NodeSettings.From(MeshSchema.Load(context, file is null ? [] : [file], over));
            var identity = directory.LoadIdentity(DateTimeOffset.UtcNow);
            if (!context.IsRoot)
                throw CommandFailedException.Failed("mesh node run needs root: it makes a network device, and sets addresses and routes");
            await new NodeHost(context, directory, identity, settings).RunAsync(cancellation);
            return ExitCode.Ok;
        });
        return command;
    }
}
