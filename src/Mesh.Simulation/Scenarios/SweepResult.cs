using System.Text.Json.Serialization;
using Mesh.Simulation.Invariants;

namespace Mesh.Simulation.Scenarios;

/// <summary>What came of running a scenario with many seeds.</summary>
/// <param name="Scenario">Its name.</param>
/// <param name="Nodes">Nodes in it.</param>
/// <param name="Runs">One each seed, in the order of the seeds.</param>
/// <param name="Measures">What the runs measured, over all of them: the median is that of their medians, the 99th percentile and the largest are the largest of theirs.</param>
/// <param name="WallSeconds">Time it took.</param>
public sealed record SweepResult(string Scenario, int Nodes, IReadOnlyList<SweepRun> Runs, IReadOnlyList<SweepMeasure> Measures, double WallSeconds)
{
    /// <summary>Puts the results of runs together.</summary>
    public static SweepResult Of(Scenario scenario, IEnumerable<ScenarioResult> results, double wallSeconds)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ScenarioResult[] sorted = [.. results.OrderBy(static result => result.Seed)];
        return new SweepResult(
            scenario.Name,
            scenario.NodeCount,
            [.. sorted.Select(static result => new SweepRun(result.Seed, result.Digest, result.VirtualSeconds, result.WallSeconds, result.Violations) { InvariantViolations = result.InvariantViolations })],
            [.. sorted.SelectMany(static result => result.Measures).GroupBy(static measure => (measure.Name, measure.Unit)).Select(static group => new SweepMeasure(
                group.Key.Name, group.Key.Unit, group.Sum(static measure => measure.Count),
                Measure.Of("", "", group.Select(static measure => measure.P50)).P50, group.Max(static measure => measure.P99), group.Max(static measure => measure.Max)))],
            wallSeconds);
    }

    /// <summary>True where no run has a violation.</summary>
    public bool IsClean => Runs.All(static run => run.Violations.Count == 0);
}

/// <summary>One run of a sweep.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Digest">What all machines did, see <see cref="ScenarioResult"/>.</param>
/// <param name="VirtualSeconds">Virtual time that passed.</param>
/// <param name="WallSeconds">Time it took.</param>
/// <param name="Violations">What should not have happened.</param>
public sealed record SweepRun(ulong Seed, string Digest, double VirtualSeconds, double WallSeconds, IReadOnlyList<string> Violations)
{
    /// <summary>What invariants found. <see cref="Violations"/> has them, too.</summary>
    public IReadOnlyList<InvariantViolation> InvariantViolations { get; init; } = [];
}

/// <summary>A measure over all runs of a sweep.</summary>
/// <param name="Name">What.</param>
/// <param name="Unit">In which unit.</param>
/// <param name="Count">How many values in all runs.</param>
/// <param name="MedianOfMedians">The median of the runs' medians.</param>
/// <param name="WorstP99">The largest of the runs' 99th percentiles.</param>
/// <param name="Max">The largest value of all.</param>
public sealed record SweepMeasure(string Name, string Unit, int Count, double MedianOfMedians, double WorstP99, double Max);

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SweepResult))]
public sealed partial class SweepJson : JsonSerializerContext;
