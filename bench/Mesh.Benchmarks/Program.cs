using Mesh.Actors.Persistence.Sqlite;

namespace Mesh.Benchmarks;

/// <summary>The command line: <c>AREA [--json FILE] [--quick] [--large | --huge] [--processor-time] [--mesh PROGRAM]</c>.</summary>
public static class Program
{
    private const int Usage = 2;

    /// <summary>Measures an area, prints a table and, where asked, writes the report as JSON.</summary>
    /// <returns>0, or 2 for a command line that makes no sense.</returns>
    public static int Main(string[] args) => args switch
    {
        [DataPlane.DataPlaneEnd.Role, .. var rest] => DataPlane.DataPlaneEnd.Run(rest, Console.In, Console.Out),
        [Babel.BabelEnd.Role, .. var rest] => Babel.BabelEnd.Run(rest, Console.In, Console.Out),
        _ => Run(args, Console.Out, Console.Error),
    };

    internal static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter errors)
    {
        var options = new BenchmarkOptions
        {
            Command = string.Join(' ', args.Prepend("Mesh.Benchmarks")),
            JournalFactory = directory => SqliteJournal.Open(Path.Combine(directory, "journal.db")),
        };
        string? json = null;
        BenchmarkArea? area = null;
        var problems = new List<string>();
        for (int i = 0; i < args.Count; i++)
        {
            switch (args[i])
            {
                case "--quick":
                    options = options with { IsQuick = true };
                    break;
                case "--large":
                    options = options with { IsLarge = true };
                    break;
                case "--huge":
                    options = options with { IsLarge = true, IsHuge = true };
                    break;
                case "--processor-time":
                    options = options with { CountsProcessorTime = true };
                    break;
                case "--json" when i + 1 < args.Count:
                    json = args[++i];
                    break;
                case "--json":
                    problems.Add("--json: a file name must follow");
                    break;
                case "--mesh" when i + 1 < args.Count && File.Exists(args[i + 1]):
                    options = options with { MeshProgram = Path.GetFullPath(args[++i]) };
                    break;
                case "--mesh":
                    problems.Add("--mesh: the path of mesh.dll must follow");
                    i++;
                    break;
                case var option when option.StartsWith('-'):
                    problems.Add($"{option}: there is no such option");
                    break;
                case var name when area is null && BenchmarkRunner.Find(name) is { } found:
                    area = found;
                    break;
                case var name:
                    problems.Add(area is null ? $"{name}: there is no such area" : $"{name}: one area at a time");
                    break;
            }
        }

        if (area is null && problems.Count == 0)
            problems.Add("an area must be named");
        if (area?.ProblemOf(options) is { } problem)
            problems.Add(problem);
        if (area is null || problems.Count > 0)
        {
            foreach (string line in problems)
                errors.WriteLine(line);
            errors.WriteLine("usage: AREA [--json FILE] [--quick] [--large | --huge] [--processor-time] [--mesh PROGRAM]");
            foreach (BenchmarkArea known in BenchmarkRunner.Areas)
                errors.WriteLine($"  {known.Name}: {known.Summary}");
            return Usage;
        }

        BenchmarkReport report = BenchmarkRunner.Run(area, options, metric => errors.WriteLine($"measured {metric.Name}"));
        report.WriteTable(output);
        if (json is not null)
            File.WriteAllText(json, report.ToJson());
        return 0;
    }
}
