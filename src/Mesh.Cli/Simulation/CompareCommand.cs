using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mesh.Cli.Shell;
using Mesh.Simulation.Scenarios;
using Spectre.Console;

namespace Mesh.Cli.Simulation;

/// <summary><c>mesh sim compare</c>: two results side by side.</summary>
internal static class CompareCommand
{
    public static MeshCommand Create(CliContext context)
    {
        var first = new Argument<string>("A") { Description = "The result of a run, as mesh sim run --json or --report writes it." };
        var second = new Argument<string>("B") { Description = "Another one." };
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("compare", "Set counters, measures and steps of two results side by side.")
        {
            Notes = ["A difference is that from A to B. Steps are matched by their title."],
            Examples = ["mesh sim compare before/report.json after/report.json", "mesh sim compare a.json b.json --json"],
        };
        command.Arguments.Add(first);
        command.Arguments.Add(second);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            ResultComparison comparison = ResultComparison.Of(Load(parsed.GetValue(first)!), Load(parsed.GetValue(second)!));
            if (parsed.GetValue(json))
                context.Out.WriteLine(JsonSerializer.Serialize(comparison, ComparisonJson.Default.ResultComparison));
            else
                Print(context, comparison);
            return ExitCode.Ok;
        });
        return command;
    }

    private static ScenarioResult Load(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), ScenarioJson.Default.ScenarioResult) is { Steps: not null, Measures: not null, Topology: not null, Violations: not null } result
                ? result
                : throw new JsonException("parts are missing");
        }
        catch (JsonException e)
        {
            throw CommandFailedException.Usage($"{file}: expected the result of a run as mesh sim run --json writes it: {e.Message}");
        }
    }

    private static void Print(CliContext context, ResultComparison comparison)
    {
        for (int i = 0; i < comparison.Scenarios.Count; i++)
            context.Out.WriteLine($"{"AB"[i]}: {comparison.Scenarios[i]}, seed {comparison.Seeds[i]}");
        Table table = CliContext.NarrowTable("comparison", "name", "kind", "name", "A", "B", "difference", "unit");
        foreach (ComparedNumber number in comparison.Numbers)
        {
            string difference = number.Relative is { } share ? string.Create(CultureInfo.InvariantCulture, $"{Text(number.Difference)} ({100 * share:+0.0;-0.0;0.0} %)") : Text(number.Difference);
            _ = table.AddRow(number.Kind, Markup.Escape(number.Name), Text(number.A), Text(number.B), difference, number.Unit);
        }

        context.Tables().Write(table);
        context.Out.WriteLine(comparison.IsSameRun ? "the same run: equal digests" : "different runs");
    }

    private static string Text(double? value) => value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{number:0.###}") : "-";
}
