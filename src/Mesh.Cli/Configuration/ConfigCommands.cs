using System.CommandLine;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Configuration;

/// <summary><c>mesh config</c>: checks and shows configurations.</summary>
internal static class ConfigCommands
{
    public static Command Create(CliContext context) => new MeshCommand("config", "Check and show configurations.")
    {
        Check(context), Show(context), Reference(context),
    };

    private static MeshCommand Check(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "The configuration file." };
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("check", "Say everything that is wrong with a configuration file.")
        {
            Notes = ["Unknown keys, wrong types and units, and values out of range are reported with file, line and key."],
            Examples = ["mesh config check /etc/mesh/node.conf", "mesh config check node.conf --json"],
        };
        command.Arguments.Add(file);
        command.Options.Add(sets);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            ConfigResult result = MeshSchema.Resolve(context, [path], parsed.GetValue(sets)!);
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonText.Text(new CheckReport(path, result.Problems.Count == 0, result.Problems)));
            else if (result.Problems.Count == 0)
                context.Out.WriteLine($"{path}: no problem");
            else
                throw CommandFailedException.Usage([.. result.Problems.Select(static problem => problem.ToString())]);
            return result.Problems.Count == 0 ? ExitCode.Ok : ExitCode.Usage;
        });
        return command;
    }

    private static MeshCommand Show(CliContext context)
    {
        var file = new Argument<string?>("FILE") { Description = "The configuration file; without, only defaults and the environment count.", Arity = ArgumentArity.ZeroOrOne };
        var origin = new Option<bool>("--origin") { Description = "Say of each value where it comes from." };
        var changed = new Option<bool>("--changed") { Description = "Leave out what has its default." };
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("show", "Show the configuration that results from defaults, file, environment and --set.")
        {
            Notes = ["Secrets are shown as ***."],
            Examples = ["mesh config show --origin --changed node.conf", "MESH_LOG__LEVEL=debug mesh config show --json"],
        };
        command.Arguments.Add(file);
        foreach (Option option in (Option[])[origin, changed, sets, json])
            command.Options.Add(option);
        command.SetAction(parsed =>
        {
            ResolvedConfig config = MeshSchema.Load(context, parsed.GetValue(file) is { } path ? [path] : [], parsed.GetValue(sets)!);
            bool withOrigin = parsed.GetValue(origin), onlyChanged = parsed.GetValue(changed);
            context.Out.Write(parsed.GetValue(json) ? config.ToJson(withOrigin, onlyChanged) : config.Show(withOrigin, onlyChanged));
            return ExitCode.Ok;
        });
        return command;
    }

    private static MeshCommand Reference(CliContext context)
    {
        var command = new MeshCommand("reference", "Write reference.conf: every key with meaning, range, default and cost.") { Examples = ["mesh config reference > reference.conf"] };
        command.SetAction(_ =>
        {
            context.Out.Write(MeshSchema.Reference);
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>What <c>config check --json</c> writes.</summary>
    internal sealed record CheckReport(string File, bool Ok, IReadOnlyList<ConfigProblem> Problems);
}
