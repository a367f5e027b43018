using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Simulation.Scenarios;

namespace Mesh.Cli.Simulation;

/// <summary>What <c>mesh sim shrink</c> came to.</summary>
/// <param name="Violated">The invariant, or the kind of step, that is violated.</param>
/// <param name="Violation">What the smallest scenario's run said.</param>
/// <param name="File">Where it is.</param>
/// <param name="Command">The command that runs it.</param>
/// <param name="Faults">Faults in it, and before.</param>
/// <param name="Nodes">Nodes in it, and before.</param>
/// <param name="Steps">Steps in it, and before.</param>
/// <param name="Runs">Runs that it took.</param>
/// <param name="WallSeconds">Time that it took.</param>
/// <param name="IsPartial">Whether it ended before there was nothing left to try.</param>
internal sealed record ShrinkReport(
    string Violated, string Violation, string File, string Command, IReadOnlyList<int> Faults, IReadOnlyList<int> Nodes, IReadOnlyList<int> Steps, int Runs, double WallSeconds, bool IsPartial);

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ShrinkReport))]
internal sealed partial class ShrinkJson : JsonSerializerContext;

/// <summary><c>mesh sim shrink</c>: a smaller scenario with the same violation.</summary>
internal static class ShrinkCommand
{
    private const int LineWidth = 110;
    private const int MaxRuns = 1_000_000;
    private const int MaxSeconds = 1_000_000;

    public static MeshCommand Create(CliContext context)
    {
        var scenario = new Argument<string>("SCENARIO") { Description = "The scenario file." };
        var seed = new Option<long?>("--seed") { Description = "A seed with which it has a violation; default: the key simulation.seed.", HelpName = "N" };
        var output = new Option<string?>("--out") { Description = "Where the smaller scenario is written; default: NAME-seed-N.conf in the working directory.", HelpName = "FILE" };
        var runs = new Option<int>("--runs") { Description = "How many runs it may take.", HelpName = "N", DefaultValueFactory = static _ => 300 };
        var limit = new Option<int>("--limit") { Description = "How many seconds it may take.", HelpName = "SECONDS", DefaultValueFactory = static _ => 600 };
        Option<int?> nodes = SimCommands.Nodes();
        Option<string?> configuration = CommonOptions.Config("Configuration with the section simulation.");
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("shrink", "Reduce a scenario that has a violation to the few faults, nodes and steps that matter.")
        {
            Notes =
            [
                "Faults are left out part by part (delta debugging), then steps and nodes, and times are made shorter, as long as the same invariant or the same kind of step is violated first, with the same seed.",
                "Ctrl-C, --runs and --limit end it with the best so far. Ends with status 1 where the scenario has no violation with the seed.",
            ],
            Examples = ["mesh sim shrink samples/scenarios/chaos.conf --seed 7", "mesh sim shrink chaos.conf --seed 7 --out small.conf --limit 3600 --runs 1000"],
        };
        command.Arguments.Add(scenario);
        foreach (Option option in (Option[])[seed, output, runs, limit, nodes, configuration, sets, json])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string file = parsed.GetValue(scenario)!;
                var checks = new Checks();
                checks.Range("--runs", parsed.GetValue(runs), 1, MaxRuns);
                checks.Range("--limit", parsed.GetValue(limit), 1, MaxSeconds);
                checks.ThrowIfAny();
                ResolvedConfig config = MeshSchema.Load(context, parsed.GetValue(configuration) is { } path ? [path] : [], parsed.GetValue(sets)!);
                Scenario read = SimCommands.Load(file, config, parsed.GetValue(nodes));
                ulong number = (ulong)(parsed.GetValue(seed) ?? config.Get(SimulationKeys.Seed));
                string target = parsed.GetValue(output) ?? $"{Path.GetFileNameWithoutExtension(file)}-seed-{number}.conf";
                ScenarioTree tree = ScenarioTree.Load(file);
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                stop.CancelAfter(TimeSpan.FromSeconds(parsed.GetValue(limit)));
                bool isQuiet = parsed.GetValue(json), shows = context.IsTerminal && !isQuiet;
                var clock = Stopwatch.StartNew();
                var shrink = new ScenarioShrink(read, number, parsed.GetValue(runs), stop.Token)
                {
                    Progress = shows ? now => context.Error.Write($"\r{$"run {now.Runs}: {now.Faults} faults, {now.Nodes} nodes, {now.Steps} steps; {now.What}",-LineWidth}") : null,
                };
                int faults = FaultsOf(shrink.Scenario), steps = read.Steps.Count;
                bool isFound = shrink.Run();
                if (shows)
                    context.Error.Write($"\r{new string(' ', LineWidth)}\r");
                if (!isFound)
                    throw CommandFailedException.Failed($"{file} has no violation with seed {number}{(stop.IsCancellationRequested ? ", as far as it was carried out" : "")}");
                tree.Take(shrink.Scenario, shrink.KeptSteps);
                File.WriteAllText(target, tree.ToString());
                var report = new ShrinkReport(
                    shrink.Violated!, shrink.Violation!, target, SimCommands.Command(target, number, nodes: null), [FaultsOf(shrink.Scenario), faults], [shrink.Scenario.NodeCount, read.NodeCount],
                    [shrink.Scenario.Steps.Count, steps], shrink.Runs, clock.Elapsed.TotalSeconds, shrink.IsPartial);
                if (isQuiet)
                    context.Out.WriteLine(JsonSerializer.Serialize(report, ShrinkJson.Default.ShrinkReport));
                else
                    Print(context.Out, report);
                return ExitCode.Ok;
            },
            CancellationToken.None));
        return command;
    }

    private static int FaultsOf(Scenario scenario) => scenario.Steps.OfType<FaultPlan>().Sum(static plan => plan.Faults.Count);

    private static void Print(TextWriter output, ShrinkReport report)
    {
        output.WriteLine($"violation {report.Violation}");
        output.WriteLine($"{report.Faults[0]} of {report.Faults[1]} faults, {report.Nodes[0]} of {report.Nodes[1]} nodes, {report.Steps[0]} of {report.Steps[1]} steps are left after {report.Runs} runs in {report.WallSeconds:0.0} s{(report.IsPartial ? "; stopped before everything was tried" : "")}");
        output.WriteLine($"again: {report.Command}");
    }
}
