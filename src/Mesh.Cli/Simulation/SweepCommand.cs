using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Simulation.Scenarios;

namespace Mesh.Cli.Simulation;

/// <summary><c>mesh sim sweep</c>: one scenario with many seeds.</summary>
internal static class SweepCommand
{
    private const int MaxSeeds = 1_000_000;
    private const int MaxJobs = 1024;

    public static MeshCommand Create(CliContext context)
    {
        var scenario = new Argument<string>("SCENARIO") { Description = "The scenario file." };
        var seeds = new Option<int>("--seeds") { Description = "How many seeds.", HelpName = "N", DefaultValueFactory = static _ => 20 };
        var first = new Option<long>("--first") { Description = "The first seed.", HelpName = "SEED", DefaultValueFactory = static _ => 1 };
        var jobs = new Option<int?>("--jobs") { Description = "How many runs at a time; default: one for each processor.", HelpName = "N" };
        Option<int?> nodes = SimCommands.Nodes();
        Option<string?> configuration = CommonOptions.Config("Configuration with the section simulation.");
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("sweep", "Carry out a scenario with many seeds and put together what was measured.")
        {
            Notes =
            [
                "Stops at the first violation and says how to run that seed again; ends with status 1 then. Ctrl-C ends it early: runs that are over are counted.",
            ],
            Examples = ["mesh sim sweep samples/scenarios/parameter-change.conf --seeds 20 --nodes 100", "mesh sim sweep samples/scenarios/revocation.conf --seeds 5 --nodes 1000 --json"],
        };
        command.Arguments.Add(scenario);
        foreach (Option option in (Option[])[seeds, first, nodes, jobs, configuration, sets, json])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string file = parsed.GetValue(scenario)!;
                int wanted = parsed.GetValue(seeds), atATime = parsed.GetValue(jobs) ?? Environment.ProcessorCount;
                var checks = new Checks();
                checks.Range("--seeds", wanted, 1, MaxSeeds);
                checks.Range("--jobs", atATime, 1, MaxJobs);
                checks.Range("--first", parsed.GetValue(first), 0, long.MaxValue - MaxSeeds);
                checks.ThrowIfAny();
                ResolvedConfig config = MeshSchema.Load(context, parsed.GetValue(configuration) is { } path ? [path] : [], parsed.GetValue(sets)!);
                Scenario read = SimCommands.Load(file, config, parsed.GetValue(nodes));
                bool isQuiet = parsed.GetValue(json);
                SweepResult result = Sweep(context, read, parsed.GetValue(first), wanted, atATime, isQuiet, cancellation);
                if (isQuiet)
                    context.Out.WriteLine(JsonSerializer.Serialize(result, SweepJson.Default.SweepResult));
                else
                    Print(context, result, wanted, file, parsed.GetValue(nodes));
                return result.IsClean && result.Runs.Count == wanted ? ExitCode.Ok : ExitCode.Failed;
            },
            CancellationToken.None));
        return command;
    }

    private static SweepResult Sweep(CliContext context, Scenario scenario, long first, int count, int jobs, bool isQuiet, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var results = new List<ScenarioResult>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (!isQuiet)
            context.Out.WriteLine($"{scenario.Name}, {scenario.NodeCount} nodes, {count} seeds from {first} on: {scenario.Description}");
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = jobs }, (i, loop) =>
        {
            if (stop.IsCancellationRequested)
            {
                loop.Stop();
                return;
            }

            ScenarioResult result = new ScenarioRun(scenario, (ulong)(first + i), stop: stop.Token).Run();
            if (result.IsPartial)
                return;
            lock (results)
            {
                results.Add(result);
                if (!isQuiet)
                    context.Out.WriteLine($"  {(result.IsClean ? "ok  " : "FAIL")}  seed {result.Seed}: {result.VirtualSeconds:0.0} virtual seconds in {result.WallSeconds:0.00} s, digest {result.Digest}");
            }

            if (!result.IsClean)
                stop.Cancel();
        });
        return SweepResult.Of(scenario, results, clock.Elapsed.TotalSeconds);
    }

    private static void Print(CliContext context, SweepResult result, int wanted, string file, int? nodes)
    {
        TextWriter output = context.Out;
        foreach (SweepMeasure measure in result.Measures)
            output.WriteLine($"{measure.Name}: median {measure.MedianOfMedians:0.###}, worst p99 {measure.WorstP99:0.###}, max {measure.Max:0.###} {measure.Unit} ({measure.Count:N0} values)");
        foreach (SweepRun run in result.Runs.Where(static run => run.Violations.Count > 0))
        {
            foreach (string violation in run.Violations)
                output.WriteLine($"violation with seed {run.Seed} {violation}");
            string command = SimCommands.Command(file, run.Seed, nodes);
            output.WriteLine($"again: {command}");
            if (run.InvariantViolations.Count > 0)
                output.WriteLine($"just before: {SimCommands.CommandToJustBefore(command, run.InvariantViolations)}");
        }

        output.WriteLine($"{result.Runs.Count} of {wanted} runs in {result.WallSeconds:0.0} s, {result.Runs.Count(static run => run.Violations.Count > 0)} with violations");
    }
}
