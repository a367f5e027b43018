using System.CommandLine;
using System.Runtime;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Reports;
using Mesh.Simulation.Scenarios;

namespace Mesh.Cli.Simulation;

/// <summary><c>mesh sim</c>: runs scenarios in virtual time.</summary>
internal static class SimCommands
{
    public static Command Create(CliContext context) => new MeshCommand("sim", "Simulate a whole overlay in one process, in virtual time.") { Run(context), SweepCommand.Create(context), PaperCommand.Create(context) };

    private static MeshCommand Run(CliContext context)
    {
        var scenario = new Argument<string>("SCENARIO") { Description = "The scenario file." };
        var seed = new Option<long?>("--seed") { Description = "Everything random follows from it; default: the key simulation.seed.", HelpName = "N" };
        var report = new Option<string?>("--report") { Description = "Write report.html and report.json into this directory.", HelpName = "DIR" };
        var log = new Option<LogLevel?>("--log") { Description = "Write the machines' logs, from this level on, to standard error.", HelpName = "LEVEL" };
        Option<int?> nodes = Nodes();
        var workers = new Option<int?>("--workers") { Description = "How many threads compute it; the digest does not depend on it. Default: the key simulation.workers.", HelpName = "N" };
        Option<string?> configuration = CommonOptions.Config("Configuration with the section simulation.");
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("run", "Carry out a scenario and print its digest.")
        {
            Notes =
            [
                "The actors are those of real machines. The same scenario and seed give the same digest, on every machine.",
                "Ends with status 1 where the scenario's expectations were violated. Ctrl-C ends the run early with a partial report.",
            ],
            Examples = ["mesh sim run samples/scenarios/quickstart.conf --seed 7", "mesh sim run quickstart.conf --report out --json"],
        };
        command.Arguments.Add(scenario);
        foreach (Option option in (Option[])[seed, nodes, workers, report, log, configuration, sets, json])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                GCSettings.LatencyMode = GCLatencyMode.Batch;   // nobody waits for a pause, and a collector on a second thread costs a third more
                ResolvedConfig config = MeshSchema.Load(context, parsed.GetValue(configuration) is { } file ? [file] : [], parsed.GetValue(sets)!);
                Scenario read = Load(parsed.GetValue(scenario)!, config, parsed.GetValue(nodes));
                string? directory = parsed.GetValue(report);
                if (directory is not null)
                    Directory.CreateDirectory(directory);   // now, so that a long run does not end with nowhere to write
                int threads = parsed.GetValue(workers) ?? config.Get(SimulationKeys.Workers);
                if (threads is < 1 or > SimulationEngine.MaxWorkers)
                    throw CommandFailedException.Usage($"--workers {threads}: expected a number from 1 to {SimulationEngine.MaxWorkers}");
                ScenarioResult result = Carry(context, read, (ulong)(parsed.GetValue(seed) ?? config.Get(SimulationKeys.Seed)), isQuiet: parsed.GetValue(json), cancellation, parsed.GetValue(log), threads);
                string text = JsonSerializer.Serialize(result, ScenarioJson.Default.ScenarioResult);
                if (directory is not null)
                    WriteReport(directory, result, text);
                if (parsed.GetValue(json))
                    context.Out.WriteLine(text);
                else
                    Print(context, result, directory);
                return result is { IsClean: true, IsPartial: false } ? ExitCode.Ok : ExitCode.Failed;
            },
            CancellationToken.None));
        return command;
    }

    /// <summary>Runs a scenario with a line of progress on the error stream, if a person looks.</summary>
    internal static ScenarioResult Carry(CliContext context, Scenario scenario, ulong seed, bool isQuiet, CancellationToken cancellation, LogLevel? level = null, int workers = 1)
    {
        bool shows = context.IsTerminal && !isQuiet && level is null;
        Action<ScenarioProgress>? progress = shows ? now => context.Error.Write($"\r{Line(now),-110}") : null;
        if (!isQuiet)
            context.Out.WriteLine($"{scenario.Name}, seed {seed}: {scenario.Description}");
        var run = new ScenarioRun(scenario, seed, progress, level is { } from ? new VirtualLog(context.Error, from) : null, cancellation, workers)
        {
            StepEnded = isQuiet ? null : step => PrintStep(context, step, shows),
        };
        ScenarioResult result = run.Run();
        if (shows)
            context.Error.Write($"\r{new string(' ', 110)}\r");
        return result;
    }

    private static void PrintStep(CliContext context, StepResult step, bool clears)
    {
        if (clears)
            context.Error.Write($"\r{new string(' ', 110)}\r");
        context.Out.WriteLine($"  {step.EndedSeconds,8:0.0} s  {(step.IsGood ? "ok  " : "FAIL")}  {step.Title}: {step.Outcome}");
    }

    /// <summary><c>--nodes</c>.</summary>
    internal static Option<int?> Nodes() => new("--nodes") { Description = "As many nodes as this, in the scenario's proportions, instead of those it has.", HelpName = "N" };

    /// <summary>Reads a scenario, with another number of nodes where one is given.</summary>
    /// <exception cref="CommandFailedException">It cannot be used.</exception>
    internal static Scenario Load(string path, ResolvedConfig config, int? nodes)
    {
        try
        {
            Scenario scenario = ScenarioReader.Load(path, SimulationKeys.MapInternet(config));
            return nodes is { } count ? scenario.WithNodes(count) : scenario;
        }
        catch (ScenarioException e)
        {
            throw CommandFailedException.Usage([.. e.Problems]);
        }
    }

    private static void WriteReport(string directory, ScenarioResult result, string json)
    {
        File.WriteAllText(Path.Combine(directory, "report.json"), json + "\n");
        File.WriteAllText(Path.Combine(directory, "report.html"), HtmlReport.Render(result));
    }

    private static void Print(CliContext context, ScenarioResult result, string? directory)
    {
        TextWriter output = context.Out;
        output.WriteLine($"{result.VirtualSeconds:0.0} virtual seconds in {result.WallSeconds:0.00} s, {result.Nodes} nodes, {result.Messages:N0} messages, {result.Packets:N0} packets, {result.LostPackets:N0} lost");
        foreach (string violation in result.Violations)
            output.WriteLine($"violation {violation}");
        if (result.IsPartial)
            output.WriteLine("stopped before the end");
        if (directory is not null)
            output.WriteLine($"report: {Path.Combine(directory, "report.html")}");
        output.WriteLine($"digest {result.Digest}");
    }

    private static string Line(ScenarioProgress now) =>
        $"{now.Now.TotalSeconds,8:0.0} s  {now.Step}  nodes {now.NodesUp}  tunnels {now.Tunnels}  routes {now.Routes:P0}  messages {now.Messages:N0}  {now.Speed:0}x";
}
