using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mesh.Cli.Shell;
using Mesh.Simulation.Invariants;
using Spectre.Console;

namespace Mesh.Cli.Simulation;

/// <summary>An invariant as <c>mesh sim invariants</c> shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Says">What has to hold.</param>
/// <param name="IntervalSeconds">How often it is looked at in a simulation, virtual time.</param>
/// <param name="GraceSeconds">How long something may be otherwise before it counts, where a scenario does not say otherwise.</param>
/// <param name="IsForExports">Whether <c>mesh check</c> looks at it, too.</param>
internal sealed record InvariantReport(string Name, string Says, double IntervalSeconds, double GraceSeconds, bool IsForExports);

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<InvariantReport>))]
internal sealed partial class InvariantJson : JsonSerializerContext;

/// <summary><c>mesh sim invariants</c>: what is watched while a scenario runs.</summary>
internal static class InvariantsCommand
{
    public static MeshCommand Create(CliContext context)
    {
        Option<bool> json = CommonOptions.Json();
        var command = new MeshCommand("invariants", "List what is watched while a scenario runs.")
        {
            Notes = ["Each has a page in docs/invariants. A scenario switches one off, or gives it another grace, with invariants { NAME = off } and invariants { NAME { grace = 90 s } }; all = off switches off those it does not name."],
            Examples = ["mesh sim invariants", "mesh sim invariants --json"],
        };
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            IReadOnlyList<InvariantReport> reports =
                [.. InvariantCatalogue.Create().Select(static one => new InvariantReport(one.Name, one.Says, one.Interval.TotalSeconds, one.Grace.TotalSeconds, one.IsForExports))];
            if (parsed.GetValue(json))
            {
                context.Out.WriteLine(JsonSerializer.Serialize(reports, InvariantJson.Default.IReadOnlyListInvariantReport));
                return ExitCode.Ok;
            }

            Table table = CliContext.NarrowTable("invariants", "what has to hold", "name", "every", "grace", "what has to hold");
            foreach (InvariantReport report in reports)
                _ = table.AddRow(report.Name, $"{report.IntervalSeconds:0.###} s", $"{report.GraceSeconds:0.###} s", report.Says);
            context.Tables().Write(table);
            return ExitCode.Ok;
        });
        return command;
    }
}
