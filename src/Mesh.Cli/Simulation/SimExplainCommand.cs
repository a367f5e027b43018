using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Tracing;

namespace Mesh.Cli.Simulation;

/// <summary>What <c>mesh sim explain</c> found.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Violation">The violation that is explained, or null.</param>
/// <param name="Chain">The event, what caused it, what caused that, and so on.</param>
/// <param name="IsComplete">Whether the last one has no cause: something was done to a machine.</param>
internal sealed record SimExplanation(string Scenario, ulong Seed, string? Violation, IReadOnlyList<TraceEvent> Chain, bool IsComplete);

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SimExplanation))]
internal sealed partial class SimExplanationJson : JsonSerializerContext;

/// <summary><c>mesh sim explain</c>: which messages led to an event.</summary>
internal static class SimExplainCommand
{
    private const int MaxDepth = 10_000;

    public static MeshCommand Create(CliContext context)
    {
        var scenario = new Argument<string>("SCENARIO") { Description = "The scenario file." };
        var seed = new Option<long?>("--seed") { Description = "Everything random follows from it; default: the key simulation.seed.", HelpName = "N" };
        var at = new Option<double?>("--at") { Description = "Virtual time, in seconds: the last event until then is explained.", HelpName = "SECONDS" };
        var violation = new Option<bool>("--violation") { Description = "Explain the first violation: the last event of the first machine that it names." };
        var machine = new Option<string?>("--machine") { Description = "Only events of this machine.", HelpName = "NAME" };
        var actor = new Option<string?>("--actor") { Description = "Only events in which an actor whose path contains this handled something, as in babel.", HelpName = "TEXT" };
        var message = new Option<string?>("--message") { Description = "Only events in which a message whose type contains this was handled, as in RoutingLinkDown.", HelpName = "TEXT" };
        var depth = new Option<int>("--depth") { Description = "How many events to go back.", HelpName = "N", DefaultValueFactory = static _ => 30 };
        Option<int?> nodes = SimCommands.Nodes();
        Option<string?> configuration = CommonOptions.Config("Configuration with the section simulation.");
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("explain", "Show the chain of messages between machines that led to an event.")
        {
            Notes =
            [
                "The newest event is first; each was caused by the one below it. A timer leads to what armed it. A chain ends at something that was done to a machine, or where the trace has forgotten.",
            ],
            Examples = ["mesh sim explain samples/scenarios/quickstart.conf --seed 7 --at 28 --machine relay-2 --actor babel", "mesh sim explain chaos.conf --seed 7 --violation"],
        };
        command.Arguments.Add(scenario);
        foreach (Option option in (Option[])[seed, at, violation, machine, actor, message, depth, nodes, configuration, sets, json])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                var checks = new Checks();
                if (parsed.GetValue(at) is null == !parsed.GetValue(violation))
                    checks.Add("--at, --violation: expected one of them");
                checks.Range("--depth", parsed.GetValue(depth), 1, MaxDepth);
                checks.ThrowIfAny();
                TimeSpan? end = SimCommands.Time("--at", parsed.GetValue(at));
                ResolvedConfig config = MeshSchema.Load(context, parsed.GetValue(configuration) is { } path ? [path] : [], parsed.GetValue(sets)!);
                Scenario read = SimCommands.Load(parsed.GetValue(scenario)!, config, parsed.GetValue(nodes));
                string? wanted = parsed.GetValue(machine);
                if (wanted is not null && !read.HasMachine(wanted))
                    throw CommandFailedException.Usage($"--machine {wanted}: there is no such machine in {read.Name}");
                ulong number = (ulong)(parsed.GetValue(seed) ?? config.Get(SimulationKeys.Seed));
                var trace = new CausalTrace();
                ScenarioResult result = new ScenarioRun(read, number, stop: cancellation) { Until = end, StopsAtViolation = parsed.GetValue(violation), Trace = trace }.Run();
                if (parsed.GetValue(violation) && result.IsClean)
                    throw CommandFailedException.Failed($"{read.Name} has no violation with seed {number}");
                wanted ??= parsed.GetValue(violation) ? result.InvariantViolations.FirstOrDefault()?.Machines[0] : null;
                TraceEvent last = trace.FindLast(one => (wanted is null || one.Machine == wanted) && IsLike(one, parsed.GetValue(actor), parsed.GetValue(message)))
                    ?? throw CommandFailedException.Failed($"nothing like that has happened until {result.VirtualSeconds:0.###} s, as far as is remembered");
                IReadOnlyList<TraceEvent> chain = trace.Follow(last, parsed.GetValue(depth));
                var explanation = new SimExplanation(read.Name, number, parsed.GetValue(violation) ? result.Violations[0] : null, chain, chain[^1].Cause == 0);
                if (parsed.GetValue(json))
                    context.Out.WriteLine(JsonSerializer.Serialize(explanation, SimExplanationJson.Default.SimExplanation));
                else
                    Print(context.Out, explanation);
                return ExitCode.Ok;
            },
            CancellationToken.None));
        return command;
    }

    private static bool IsLike(TraceEvent one, string? actor, string? message) => (actor is null && message is null) || one.Handled.Any(handled =>
        (actor is null || handled.Actor.Contains(actor, StringComparison.Ordinal)) && (message is null || handled.Message.Contains(message, StringComparison.Ordinal)));

    private static void Print(TextWriter output, SimExplanation explanation)
    {
        if (explanation.Violation is { } violation)
            output.WriteLine($"violation {violation}");
        foreach (TraceEvent one in explanation.Chain)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{one.Seconds,12:0.000000} s  {one.Machine}: {one.Trigger}"));
            foreach (HandledMessage handled in one.Handled)
                output.WriteLine($"{"",17}{handled.Actor} {handled.Message}");
            if (one.Omitted > 0)
                output.WriteLine($"{"",17}and {one.Omitted} messages more");
        }

        output.WriteLine(explanation.IsComplete ? "here it begins" : "what was before is not shown");
    }
}
