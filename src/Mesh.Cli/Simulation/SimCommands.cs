using System.CommandLine;
using System.Globalization;
using System.Runtime;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Cli.Configuration;
using Mesh.Cli.Shell;
using Mesh.Hocon.Schema;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Invariants;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Reports;
using Mesh.Simulation.Scenarios;

namespace Mesh.Cli.Simulation;

/// <summary><c>mesh sim</c>: runs scenarios in virtual time.</summary>
internal static class SimCommands
{
    private const double JustBefore = 2;   // seconds: some invariants look every other second

    public static Command Create(CliContext context) => new MeshCommand("sim", "Simulate a whole overlay in one process, in virtual time.")
    {
        Run(context), SweepCommand.Create(context), ShrinkCommand.Create(context), SimExplainCommand.Create(context), CompareCommand.Create(context), InvariantsCommand.Create(context), PaperCommand.Create(context),
    };

    private static MeshCommand Run(CliContext context)
    {
        var scenario = new Argument<string>("SCENARIO") { Description = "The scenario file." };
        var seed = new Option<long?>("--seed") { Description = "Everything random follows from it; default: the key simulation.seed.", HelpName = "N" };
        var report = new Option<string?>("--report") { Description = "Write report.html and report.json into this directory.", HelpName = "DIR" };
        var log = new Option<LogLevel?>("--log") { Description = "Write the machines' logs, from this level on, to standard error.", HelpName = "LEVEL" };
        var until = new Option<double?>("--until") { Description = "End the run at this virtual time, in seconds.", HelpName = "SECONDS" };
        var write = new Option<string?>("--write") { Description = "Write the scenario into this file, with a list of faults in place of those at random, so that the file gives the same run with any seed's faults fixed.", HelpName = "FILE" };
        Option<int?> nodes = Nodes();
        var workers = new Option<int?>("--workers") { Description = "How many threads compute it; the digest does not depend on it. Default: the key simulation.workers.", HelpName = "N" };
        var mpi = new Option<bool>("--mpi") { Description = "Started by mpirun: its processes compute one run together, each a part of the nodes, with --workers threads each. The digest is the same." };
        Option<string?> configuration = CommonOptions.Config("Configuration with the section simulation.");
        Option<string[]> sets = CommonOptions.Sets();
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("run", "Carry out a scenario and print its digest.")
        {
            Notes =
            [
                "The actors are those of real machines. The same scenario and seed give the same digest, on every machine.",
                "Ends with status 1 where an expectation of the scenario or an invariant (mesh sim invariants) was violated, and says how to come to just before it. Ctrl-C ends the run early with a partial report.",
            ],
            Examples =
            [
                "mesh sim run samples/scenarios/quickstart.conf --seed 7", "mesh sim run quickstart.conf --report out --json", "mesh sim run samples/scenarios/chaos.conf --seed 3 --until 200 --log info",
                "mpirun -np 4 mesh sim run samples/scenarios/paper.conf --mpi",
            ],
        };
        command.Arguments.Add(scenario);
        foreach (Option option in (Option[])[seed, nodes, workers, mpi, until, report, write, log, configuration, sets, json])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                GCSettings.LatencyMode = GCLatencyMode.Batch;   // nobody waits for a pause, and a collector on a second thread costs a third more
                CheckRanks(context, parsed.GetValue(mpi), parsed.GetValue(log) is not null);
                return parsed.GetValue(mpi) ? MpiRun.Carry(context, Prepare, CarryOut) : CarryOut(context, Prepare(context, ranks: 1), ranks: null);

                RunOrder Prepare(CliContext speaker, int ranks)
                {
                    ResolvedConfig config = MeshSchema.Load(speaker, parsed.GetValue(configuration) is { } file ? [file] : [], parsed.GetValue(sets)!);
                    Scenario read = Load(parsed.GetValue(scenario)!, config, parsed.GetValue(nodes));
                    TimeSpan? end = Time("--until", parsed.GetValue(until));
                    int threads = parsed.GetValue(workers) ?? config.Get(SimulationKeys.Workers);
                    var checks = new Checks();
                    checks.Range("--workers", threads, 1, SimulationEngine.MaxWorkers / ranks);
                    checks.ThrowIfAny();
                    return new RunOrder(read, (ulong)(parsed.GetValue(seed) ?? config.Get(SimulationKeys.Seed)), end, threads);
                }

                int CarryOut(CliContext speaker, RunOrder order, IRankLink? ranks)
                {
                    bool speaks = ranks is null || ranks.Rank == 0;
                    string? directory = speaks ? parsed.GetValue(report) : null;
                    if (speaks && parsed.GetValue(write) is { } copy)
                        Write(copy, parsed.GetValue(scenario)!, order.Scenario, order.Seed);
                    if (directory is not null)
                        Directory.CreateDirectory(directory);   // now, so that a long run does not end with nowhere to write
                    ScenarioResult result = Carry(speaker, order.Scenario, order.Seed, isQuiet: parsed.GetValue(json), cancellation, parsed.GetValue(log), order.Until, order.Workers, ranks);
                    string text = JsonSerializer.Serialize(result, ScenarioJson.Default.ScenarioResult);
                    if (directory is not null)
                        WriteReport(directory, result, text);
                    if (parsed.GetValue(json))
                        speaker.Out.WriteLine(text);
                    else
                        Print(speaker, result, directory, Command(parsed.GetValue(scenario)!, order.Seed, parsed.GetValue(nodes)));
                    return result is { IsClean: true, IsPartial: false } ? ExitCode.Ok : ExitCode.Failed;
                }
            },
            CancellationToken.None));
        return command;
    }

    private static void CheckRanks(CliContext context, bool isWanted, bool hasLog)
    {
        int started = MpiRun.Started(context);
        var checks = new Checks();
        if (isWanted && started == 0)
            checks.Add("--mpi: expected to be started by mpirun, as in: mpirun -np 4 ./mesh sim run FILE --mpi");
        if (!isWanted && started > 1)
            checks.Add($"mpirun has started {started} of these, and each would compute the same: expected --mpi, with which they compute one run together");
        if (isWanted && started > SimulationEngine.MaxWorkers)
            checks.Add($"mpirun has started {started} of these: expected at most {SimulationEngine.MaxWorkers}");
        if (isWanted && hasLog)
            checks.Add("--log: expected without --mpi; the lines of a log are in order only where one process computes the run");
        checks.ThrowIfAny();
    }

    /// <summary>Runs a scenario with a line of progress on the error stream, if a person looks.</summary>
    internal static ScenarioResult Carry(CliContext context, Scenario scenario, ulong seed, bool isQuiet, CancellationToken cancellation, LogLevel? level = null, TimeSpan? until = null, int workers = 1,
        IRankLink? ranks = null)
    {
        bool shows = context.IsTerminal && !isQuiet && level is null;
        Action<ScenarioProgress>? progress = shows ? now => context.Error.Write($"\r{Line(now),-110}") : null;
        if (!isQuiet)
            context.Out.WriteLine($"{scenario.Name}, seed {seed}: {scenario.Description}");
        var run = new ScenarioRun(scenario, seed, progress, level is { } from ? new VirtualLog(context.Error, from) : null, cancellation, workers: workers, ranks: ranks)
        {
            Until = until,
            StepEnded = isQuiet ? null : step => PrintStep(context, step, shows),
        };
        ScenarioResult result = run.Run();
        if (shows)
            context.Error.Write($"\r{new string(' ', 110)}\r");
        return result;
    }

    /// <summary>The command that repeats a run.</summary>
    internal static string Command(string file, ulong seed, int? nodes) => $"mesh sim run {file} --seed {seed}{(nodes is { } count ? $" --nodes {count}" : "")}";

    /// <summary>The command that comes to just before the first violation of an invariant, or that repeats the run where there is none.</summary>
    internal static string CommandToJustBefore(string command, IReadOnlyList<InvariantViolation> violations) =>
        violations.Count == 0 ? command : string.Create(CultureInfo.InvariantCulture, $"{command} --until {Math.Max(0, violations[0].Seconds - JustBefore):0.###}");

    /// <summary>A virtual time of an option.</summary>
    /// <exception cref="CommandFailedException">It is none.</exception>
    internal static TimeSpan? Time(string option, double? seconds)
    {
        const double Longest = 4e9;   // more than a century
        if (seconds is not { } time)
            return null;
        var checks = new Checks();
        if (!(time >= 0 && time <= Longest))
            checks.Add(string.Create(CultureInfo.InvariantCulture, $"{option} {time}: expected seconds of virtual time, 0 to {Longest:0}"));
        checks.ThrowIfAny();
        return TimeSpan.FromSeconds(time);
    }

    private static void Write(string copy, string file, Scenario scenario, ulong seed)
    {
        ScenarioTree tree = ScenarioTree.Load(file);
        tree.Take(scenario.WithFaultsOf(seed));
        File.WriteAllText(copy, tree.ToString());
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

    private static void Print(CliContext context, ScenarioResult result, string? directory, string command)
    {
        TextWriter output = context.Out;
        output.WriteLine($"{result.VirtualSeconds:0.0} virtual seconds in {result.WallSeconds:0.00} s, {result.Nodes} nodes, {result.Messages:N0} messages, {result.Packets:N0} packets, {result.LostPackets:N0} lost");
        foreach (string violation in result.Violations)
            output.WriteLine($"violation {violation}");
        foreach ((string name, int count) in result.InvariantCounts.OrderBy(static one => one.Key, StringComparer.Ordinal))
            output.WriteLine($"invariant {name} was violated at {count} places; docs/invariants/{name}.md");
        if (!result.IsClean)
            output.WriteLine($"just before: {CommandToJustBefore(command, result.InvariantViolations)}");
        if (result.IsPartial)
            output.WriteLine("stopped before the end");
        if (directory is not null)
            output.WriteLine($"report: {Path.Combine(directory, "report.html")}");
        output.WriteLine($"digest {result.Digest}");
    }

    private static string Line(ScenarioProgress now) =>
        $"{now.Now.TotalSeconds,8:0.0} s  {now.Step}  nodes {now.NodesUp}  tunnels {now.Tunnels}  routes {now.Routes:P0}  messages {now.Messages:N0}  {now.Speed:0}x";

    // What a run is to be, as the command line and the files say.
    private sealed record RunOrder(Scenario Scenario, ulong Seed, TimeSpan? Until, int Workers);
}
