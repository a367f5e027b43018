using System.CommandLine;
using System.Text.Json;
using Mesh.Cli.Control;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Invariants;

namespace Mesh.Cli.Node;

/// <summary>What <c>mesh check</c> found.</summary>
/// <param name="Nodes">Common names of the nodes looked at.</param>
/// <param name="Invariants">Names of what was looked for.</param>
/// <param name="Breaches">What is not as it has to be.</param>
internal sealed record CheckReport(IReadOnlyList<string> Nodes, IReadOnlyList<string> Invariants, IReadOnlyList<CheckBreach> Breaches);

/// <summary>Something that is not as it has to be.</summary>
/// <param name="Invariant">What has to hold.</param>
/// <param name="Nodes">Where it does not.</param>
/// <param name="Details">A sentence.</param>
internal sealed record CheckBreach(string Invariant, IReadOnlyList<string> Nodes, string Details);

/// <summary><c>mesh check</c>: the invariants of simulations, looked at in what real nodes say of themselves.</summary>
internal static class CheckCommand
{
    private static readonly TimeSpan Long = TimeSpan.FromDays(1);   // nothing has been done to anybody, as far as exports say

    public static Command Create(CliContext context)
    {
        var files = new Argument<string[]>("FILE") { Description = "What mesh status --json has written, of one or several nodes of a network.", Arity = ArgumentArity.ZeroOrMore };
        var dirs = new Option<string[]>("--dir") { Description = "Directory of a running node that is asked; may be repeated.", HelpName = "DIR", DefaultValueFactory = static _ => [] };
        var registry = new Option<string?>("--registry") { Description = "The registry's list of nodes: a file that mesh registry nodes --json has written, or the directory of a running registry, which is asked.", HelpName = "PATH" };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("check", "Look for what must never be in the state of one or several nodes.")
        {
            Notes =
            [
                "The invariants are those of simulations that one look can decide: docs/invariants. Of several nodes, routes are followed from one to the next.",
                "With the registry's list, also whether routes lead to members only, and whether the registry knows the certificates of the nodes.",
                "The states should be of nearly the same moment. What is found once may be a change under way: it counts where it is there a minute later.",
                "Ends with status 1 where something is found.",
            ],
            Examples = ["mesh check --dir /var/lib/mesh/node", "mesh check a.json b.json c.json", "mesh check *.json --registry nodes.list --json", "mesh check --dir /var/lib/mesh/node --registry /var/lib/mesh/registry"],
        };
        command.Arguments.Add(files);
        foreach (Option option in (Option[])[dirs, registry, json])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var states = new List<(string Source, NodeStatusReport State)>();
            foreach (string file in parsed.GetValue(files)!)
                states.Add((file, await LoadAsync(file, cancellation)));
            foreach (string dir in parsed.GetValue(dirs)!)
            {
                using ControlClient client = RunningNode.Connect(dir);
                states.Add((dir, await client.AskAsync<NodeStatusReport>(NodeControl.Status, argument: null, cancellation)));
            }

            string? source = parsed.GetValue(registry);
            CheckReport report = Look(states, source is null ? null : (source, await ListAsync(source, cancellation)));
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonText.Text(report));
            else
                Print(context.Out, report);
            return report.Breaches.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<NodeStatusReport> LoadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            return JsonText.Read<NodeStatusReport>(await File.ReadAllTextAsync(file, cancellation));
        }
        catch (JsonException e)
        {
            throw CommandFailedException.Usage($"{file}: expected the state of a node as mesh status --json writes it: {e.Message}");
        }
    }

    private static async Task<NodeReport[]> ListAsync(string path, CancellationToken cancellation)
    {
        if (Directory.Exists(path))
        {
            using ControlClient client = RunningRegistry.Connect(path);
            return await client.AskAsync<NodeReport[]>(RegistryControl.ListNodes, argument: null, cancellation);
        }

        try
        {
            return JsonText.Read<NodeReport[]>(await File.ReadAllTextAsync(path, cancellation));
        }
        catch (JsonException e)
        {
            throw CommandFailedException.Usage($"--registry {path}: expected a list of nodes as mesh registry nodes --json writes it: {e.Message}");
        }
    }

    private static CheckReport Look(IReadOnlyList<(string Source, NodeStatusReport State)> states, (string Source, NodeReport[] Nodes)? list)
    {
        var checks = new Checks();
        if (states.Count == 0)
            checks.Add("FILE or --dir: expected the state of one node at least");
        var nodes = new List<NodeView>();
        NetworkPrefix? network = null;
        foreach ((string source, NodeStatusReport state) in states)
        {
            var problems = new List<string>();
            ExportedNode? node = ExportedNode.Of(state, problems);
            foreach (string problem in problems)
                checks.Add($"{source}: {problem}");
            if (node is null)
                continue;
            if (network is { } other && other != node.Network)
                checks.Add($"{source}: expected a node of network {other}, not of {node.Network}");
            if (nodes.Exists(one => one.Serial == node.Serial && one.Prefix == node.Prefix))
                checks.Add($"{source}: the state of {node.Name} is there twice");
            network ??= node.Network;
            nodes.Add(node);
        }

        ExportedRegistry? registry = null;
        if (list is { } given)
        {
            var problems = new List<string>();
            registry = ExportedRegistry.Of(given.Nodes, nodes.Select(static node => node.ParametersVersion).DefaultIfEmpty().Max(), problems);
            foreach (string problem in problems)
                checks.Add($"--registry {given.Source}: {problem}");
        }

        checks.ThrowIfAny();
        var view = new NetworkView(network!.Value, Long, nodes, registry);
        Invariant[] invariants = [.. InvariantCatalogue.Create().Where(invariant => invariant.IsForExports && (registry is not null || !invariant.NeedsRegistry))];
        return new CheckReport([.. nodes.Select(static node => node.Name)], [.. invariants.Select(static invariant => invariant.Name)], [.. invariants.SelectMany(invariant => Look(invariant, view))]);
    }

    // Some look at a part of the nodes at a time, in turn, and at one of them at least: here all of them have their turn.
    private static IEnumerable<CheckBreach> Look(Invariant invariant, NetworkView view) =>
        Enumerable.Range(0, view.Nodes.Count).SelectMany(_ => invariant.Look(view))
            .DistinctBy(static breach => (string.Join(' ', breach.Machines), breach.Details)).Select(breach => new CheckBreach(invariant.Name, breach.Machines, breach.Details));

    private static void Print(TextWriter output, CheckReport report)
    {
        foreach (CheckBreach breach in report.Breaches)
            output.WriteLine($"{breach.Invariant}: {string.Join(", ", breach.Nodes)}: {breach.Details}; docs/invariants/{breach.Invariant}.md");
        output.WriteLine($"{report.Nodes.Count} nodes, {report.Invariants.Count} invariants, {report.Breaches.Count} violations");
    }
}
