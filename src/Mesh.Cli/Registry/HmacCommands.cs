using System.CommandLine;
using Mesh.Cli.Control;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Registry;

/// <summary><c>mesh registry hmac</c>: the keys that authenticate routing messages.</summary>
internal static class HmacCommands
{
    private const int MaxShown = 20;

    public static Command Create(CliContext context) => new MeshCommand("hmac", "Rotate the keys that authenticate the routing protocol.")
    {
        Order(context, "status", "Show where the rotation stands, and which nodes have not asked for the present keys.", RegistryControl.HmacStatus, []),
        Advance(context),
        Order(
            context, "rotate", "Replace the key: the registry takes every step by itself, as soon as it is safe.", RegistryControl.HmacRotate,
            [
                "In a network without keys the first one is introduced. A step is safe after registry.rotation-step-time, by default 2 hours, so a rotation takes about 4 hours.",
                "It goes on when the registry is restarted. See it with hmac status, stop it with hmac halt.",
            ]),
        Order(context, "halt", "Take no further step by itself; the keys stay as they are.", RegistryControl.HmacHalt, []),
    };

    private static MeshCommand Advance(CliContext context)
    {
        var force = new Option<bool>("--force") { Description = "Take the step although nodes may not have heard of the one before; they would lose the network until they ask the registry again." };
        MeshCommand command = Order(
            context, "advance", "Take one step of the rotation.", RegistryControl.HmacAdvance,
            ["The states are none -> init -> stable -> prepare -> switch -> stable. A step that could strand nodes is refused until registry.rotation-step-time is over."],
            parsed => parsed.GetValue(force));
        command.Options.Add(force);
        return command;
    }

    private static MeshCommand Order(CliContext context, string name, string description, string request, string[] notes, Func<ParseResult, object?>? argument = null)
    {
        Option<string> dir = CommonOptions.Dir("Directory of the running registry.");
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand(name, description) { Notes = notes, Examples = [$"mesh registry hmac {name} --dir /var/lib/mesh/registry"] };
        command.Options.Add(dir);
        command.Options.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient client = RunningRegistry.Connect(parsed.GetValue(dir)!);
            HmacReport report = await client.AskAsync<HmacReport>(request, argument?.Invoke(parsed), cancellation);
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonText.Text(report));
            else
                Write(context.Out, report);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Write(TextWriter output, HmacReport report)
    {
        output.WriteLine($"state      {report.State}, since {report.Since:u}");
        output.WriteLine($"next step  {(report.SafeAt <= report.Since ? "safe at any time" : $"safe from {report.SafeAt:u} on")}{(report.IsRotating ? ", taken by itself" : "")}");
        if (report.ValidUntil is { } end)
            output.WriteLine($"nodes ask  from {end:u} on, if they have not heard of the next step");
        output.WriteLine($"version    {report.Version}, asked for by {report.Nodes - report.NotFetchedBy.Count} of {report.Nodes} nodes since the registry was started");
        if (report.NotFetchedBy.Count > 0)
            output.WriteLine($"not yet    {string.Join(' ', report.NotFetchedBy.Take(MaxShown))}{(report.NotFetchedBy.Count > MaxShown ? $" and {report.NotFetchedBy.Count - MaxShown} more" : "")}");
    }
}
