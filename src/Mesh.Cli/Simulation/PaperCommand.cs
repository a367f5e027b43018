using System.CommandLine;
using System.Globalization;
using System.Runtime;
using System.Text.Json;
using Mesh.Cli.Shell;
using Mesh.Node.Routing;
using Mesh.Simulation.Paper;
using Mesh.Simulation.Reports;

namespace Mesh.Cli.Simulation;

/// <summary><c>mesh sim paper</c>: the published experiments of re6st's simulation.</summary>
internal static class PaperCommand
{
    private const string All = "all";
    private const int MaxReplicates = 100_000;
    private const int MaxRounds = 1_000_000;
    private const int MaxThreads = 1024;

    // Rounds, exact cuts and matrices cost more for each node than one search does.
    private const int MaxHopNodes = 1_000_000;
    private const int MaxOtherNodes = 20_000;
    private const int MaxRunningNodes = 1_000;

    public static MeshCommand Create(CliContext context)
    {
        string[] names = [All, .. PaperNames.All.Select(PaperNames.Of)];
        Argument<string> experiment = new Argument<string>("EXPERIMENT") { Description = "Which one.", DefaultValueFactory = static _ => All }.AcceptOnlyFromAmong(names);
        var seed = new Option<long>("--seed") { Description = "Everything random follows from it.", HelpName = "N", DefaultValueFactory = static _ => 1 };
        var threads = new Option<int?>("--threads") { Description = "How many threads work; default: one for each processor. The numbers do not depend on it.", HelpName = "N" };
        var nodes = new Option<string?>("--nodes") { Description = "Numbers of nodes, instead of those of the published tables.", HelpName = "N,N" };
        var tunnels = new Option<string?>("--tunnels") { Description = "Tunnels that each node opens, instead of those of the published tables.", HelpName = "K,K" };
        var cap = new Option<int?>("--cap") { Description = "Limit of opened and received tunnels of a node; default: three times --tunnels, or that of the published column.", HelpName = "N" };
        var rounds = new Option<int?>("--rounds") { Description = "Rounds of a refresh experiment; default: 50 for refresh-hops, 100 for refresh-latency, 10 for refresh-nodes.", HelpName = "N" };
        var replicates = new Option<int?>("--replicates") { Description = "Graphs of a cell of kill (default 100), seeds of a refresh experiment (3, 5 and 4), of which the mean is taken.", HelpName = "N" };
        var matrix = new Option<string?>("--matrix") { Description = "Latencies of refresh-latency and refresh-nodes: unit, U, H (default), or a file with the upper triangle in microseconds, a line for each node.", HelpName = "FILE" };
        var churn = new Option<string?>("--churn") { Description = "Bounds of the probabilities with which nodes reboot in a round of refresh-latency, as in 0,0.05.", HelpName = "LEAST,MOST" };
        var rule = new Option<VictimRule>("--worth") { Description = "What a tunnel is worth in refresh-latency: behind counts the nodes behind the neighbour (as published), routes those that are reached over the tunnel (as a running node).", HelpName = "RULE" };
        var babel = new Option<string?>("--babel") { Description = "How round trips count in the routes of refresh-nodes, in the words of registry.babel-default, which is the default.", HelpName = "WORDS" };
        var html = new Option<string?>("--html") { Description = "Write the result as a page with plots into this file, too.", HelpName = "FILE" };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("paper", "Repeat the published experiments of re6st's simulation, and set their numbers beside ours.")
        {
            Notes =
            [
                "Random graphs, without a protocol: hops (distances), kill (who can talk when nodes are gone), cut (tunnels whose loss splits the network), refresh-hops and refresh-latency (replacing the tunnel that is worth least).",
                "refresh-nodes puts the question of refresh-latency to running nodes: real next hops, beside the graph with the same numbers and the same matrix. Nobody has published that.",
                "Ends with status 1 where a number is outside its tolerance. Ctrl-C ends it early with what is there.",
            ],
            Examples =
            [
                "mesh sim paper hops --nodes 100,200,400,800,1600", "mesh sim paper refresh-latency --rounds 20 --json", "mesh sim paper refresh-latency --churn 0,0.05 --replicates 1", "mesh sim paper refresh-nodes --nodes 100 --tunnels 10 --replicates 2", "mesh sim paper all",
            ],
        };
        command.Arguments.Add(experiment);
        foreach (Option option in (Option[])[seed, threads, nodes, tunnels, cap, rounds, replicates, matrix, churn, rule, babel, html, json])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                var checks = new Checks();
                checks.Range("--seed", parsed.GetValue(seed), 0, long.MaxValue);
                string name = parsed.GetValue(experiment)!;
                PaperExperiment[] chosen = [.. PaperNames.All.Where(one => name == All || PaperNames.Of(one) == name)];
                bool fromFile = parsed.GetValue(matrix) is not (null or "unit" or "U" or "H");
                int mostNodes = chosen switch { [PaperExperiment.Hops or PaperExperiment.Kill] => MaxHopNodes, [PaperExperiment.RefreshNodes] => MaxRunningNodes, _ => MaxOtherNodes };
                var options = new PaperOptions
                {
                    Seed = (ulong)parsed.GetValue(seed),
                    Threads = InRange(checks, "--threads", parsed.GetValue(threads), 1, MaxThreads) ?? Environment.ProcessorCount,
                    Nodes = Numbers(checks, "--nodes", parsed.GetValue(nodes), 3, mostNodes),
                    Tunnels = Numbers(checks, "--tunnels", parsed.GetValue(tunnels), 1, 1000),
                    Cap = InRange(checks, "--cap", parsed.GetValue(cap), 1, 10_000),
                    Rounds = InRange(checks, "--rounds", parsed.GetValue(rounds), 0, MaxRounds),
                    Replicates = InRange(checks, "--replicates", parsed.GetValue(replicates), 1, MaxReplicates),
                    Churn = Bounds(checks, parsed.GetValue(churn)),
                    Rule = parsed.GetValue(rule),
                };
                if (parsed.GetValue(babel) is { } words)
                {
                    options = options with { BabelDefault = words };
                    _ = BabelDefaults.RttOf(words, out string? problem);
                    if (problem is not null)
                        checks.Add($"--babel {words}: {problem}");
                }

                Belongs(checks, chosen, name, ("--rounds", options.Rounds is not null, [PaperExperiment.RefreshHops, PaperExperiment.RefreshLatency, PaperExperiment.RefreshNodes]));
                Belongs(checks, chosen, name, ("--replicates", options.Replicates is not null, [PaperExperiment.Kill, PaperExperiment.RefreshHops, PaperExperiment.RefreshLatency, PaperExperiment.RefreshNodes]));
                Belongs(checks, chosen, name, ("--matrix", parsed.GetValue(matrix) is not null, [PaperExperiment.RefreshLatency, PaperExperiment.RefreshNodes]));
                Belongs(checks, chosen, name, ("--churn", options.Churn.Most > 0, [PaperExperiment.RefreshLatency]));
                Belongs(checks, chosen, name, ("--worth", options.Rule != VictimRule.Behind, [PaperExperiment.RefreshLatency]));
                Belongs(checks, chosen, name, ("--babel", parsed.GetValue(babel) is not null, [PaperExperiment.RefreshNodes]));
                if (chosen.Length > 1 && (options.Nodes ?? options.Tunnels) is not null)
                    checks.Add("--nodes and --tunnels: name one experiment, as each has its own");
                if (fromFile && options.Nodes is not null)
                    checks.Add("--nodes: the file of --matrix says how many there are");
                CheckShapes(checks, chosen, options);
                checks.ThrowIfAny();
                if (parsed.GetValue(html) is { } page)
                    File.WriteAllText(page, "");   // now, so that a long run does not end with nowhere to write
                return Run(context, chosen, WithMatrix(options, parsed.GetValue(matrix)), parsed.GetValue(json), parsed.GetValue(html), cancellation);
            },
            CancellationToken.None));
        return command;
    }

    private static int Run(CliContext context, PaperExperiment[] chosen, PaperOptions options, bool isJson, string? html, CancellationToken cancellation)
    {
        GCSettings.LatencyMode = GCLatencyMode.SustainedLowLatency;
        using var printer = new PaperPrinter(context, isJson);
        PaperResult result;
        try
        {
            result = new PaperRun(options, cancellation) { RowEnded = printer.Row, Progress = printer.Progress }.Run(chosen);
        }
        catch (OverlayException e)
        {
            throw CommandFailedException.Usage(e.Message);
        }

        if (html is not null)
            File.WriteAllText(html, PaperReport.Render(result));
        if (isJson)
            context.Out.WriteLine(JsonSerializer.Serialize(result, PaperJson.Default.PaperResult));
        else
            printer.End(result);
        return result is { IsPartial: false, Outside: 0 } ? ExitCode.Ok : ExitCode.Failed;
    }

    private static PaperOptions WithMatrix(PaperOptions options, string? matrix)
    {
        switch (matrix)
        {
            case null or "H":
                return options with { Matrix = LatencyFormula.Heterogeneous };
            case "U":
                return options with { Matrix = LatencyFormula.Uniform };
            case "unit":
                return options with { Matrix = static nodes => new UnitLatencies(nodes) };
            default:
                try
                {
                    return options with { Measured = LatencyFile.Load(matrix) };
                }
                catch (LatencyFileException e)
                {
                    throw CommandFailedException.Usage([.. e.Problems]);
                }
        }
    }

    // Where an option would have no effect, whoever gives it expects something else.
    private static void Belongs(Checks checks, PaperExperiment[] chosen, string name, (string Option, bool IsGiven, PaperExperiment[] Users) option)
    {
        if (option.IsGiven && !chosen.Intersect(option.Users).Any())
            checks.Add($"{option.Option}: {name} has no use for it; it goes with {string.Join(", ", option.Users.Select(PaperNames.Of))}");
    }

    private static void CheckShapes(Checks checks, PaperExperiment[] chosen, PaperOptions options)
    {
        int most = options.Tunnels?.DefaultIfEmpty(1).Max() ?? 1;
        if (options.Cap is { } cap && options.Tunnels is not null && cap < most + (chosen.Contains(PaperExperiment.RefreshLatency) || chosen.Contains(PaperExperiment.RefreshNodes) ? 1 : 0))
            checks.Add($"--cap {cap}: expected more than the {most} tunnels that each node opens");
        if ((long)(options.Nodes?.DefaultIfEmpty(1).Max() ?? 1) * most > OverlayShape.MaxTunnels)
            checks.Add($"--nodes and --tunnels: expected at most {OverlayShape.MaxTunnels:N0} tunnels in all");
    }

    private static int? InRange(Checks checks, string option, int? value, int min, int max)
    {
        if (value is { } number)
            checks.Range(option, number, min, max);
        return value;
    }

    private static List<int>? Numbers(Checks checks, string option, string? text, int min, int max)
    {
        if (text is null)
            return null;
        var numbers = new List<int>();
        foreach (string word in text.Split(','))
        {
            if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= min && number <= max)
                numbers.Add(number);
            else
                checks.Add($"{option} {text}: expected whole numbers from {min} to {max} with commas in between, found '{word}'");
        }

        return numbers;
    }

    private static (double Least, double Most) Bounds(Checks checks, string? text)
    {
        if (text is null)
            return default;
        if (text.Split(',') is [string first, string second] && TryShare(first, out double least) && TryShare(second, out double most) && least <= most)
            return (least, most);
        checks.Add($"--churn {text}: expected two numbers from 0 to 1, the smaller one first, as in 0,0.05");
        return default;
    }

    private static bool TryShare(string text, out double share) => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out share) && share is >= 0 and <= 1;
}
