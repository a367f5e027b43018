using System.Text.Json.Serialization;

namespace Mesh.Simulation.Scenarios;

/// <summary>One number of two results.</summary>
/// <param name="Kind">What it is: counter, measure, step or invariant.</param>
/// <param name="Name">Its name.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="A">In the first result, or null where it has none.</param>
/// <param name="B">In the second.</param>
public sealed record ComparedNumber(string Kind, string Name, string Unit, double? A, double? B)
{
    /// <summary>By how much the second is larger, or null.</summary>
    public double? Difference => B - A;

    /// <summary>The same as a share of the first, or null.</summary>
    public double? Relative => A is { } a && a != 0 && Difference is { } difference ? difference / Math.Abs(a) : null;
}

/// <summary>Two results, number beside number.</summary>
/// <param name="Scenarios">Names of their scenarios.</param>
/// <param name="Seeds">Their seeds.</param>
/// <param name="IsSameRun">Whether their digests are equal.</param>
/// <param name="Numbers">Counters, measures, how long each step took, and invariants violated.</param>
public sealed record ResultComparison(IReadOnlyList<string> Scenarios, IReadOnlyList<ulong> Seeds, bool IsSameRun, IReadOnlyList<ComparedNumber> Numbers)
{
    /// <summary>Compares two results.</summary>
    public static ResultComparison Of(ScenarioResult a, ScenarioResult b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var numbers = new List<ComparedNumber>();
        void Add(string kind, string unit, IEnumerable<(string Name, double Value)> left, IEnumerable<(string Name, double Value)> right)
        {
            Dictionary<string, double> ours = ByName(left), theirs = ByName(right);
            foreach (string name in ours.Keys.Union(theirs.Keys, StringComparer.Ordinal))
                numbers.Add(new ComparedNumber(kind, name, unit, ours.TryGetValue(name, out double first) ? first : null, theirs.TryGetValue(name, out double second) ? second : null));
        }

        Add("counter", "", Counters(a), Counters(b));
        Add("counter", "s", [("virtual time", a.VirtualSeconds), ("wall time", a.WallSeconds)], [("virtual time", b.VirtualSeconds), ("wall time", b.WallSeconds)]);
        foreach (string unit in a.Measures.Concat(b.Measures).Select(static measure => measure.Unit).Distinct(StringComparer.Ordinal))
            Add("measure", unit, Measures(a, unit), Measures(b, unit));
        Add("step", "s", Steps(a), Steps(b));
        Add("invariant", "places", Invariants(a), Invariants(b));
        return new ResultComparison([a.Scenario, b.Scenario], [a.Seed, b.Seed], a.Digest == b.Digest, numbers);
    }

    private static IEnumerable<(string, double)> Counters(ScenarioResult result) =>
    [
        ("nodes", result.Nodes), ("messages", result.Messages), ("packets", result.Packets), ("packets lost", result.LostPackets), ("faults", result.Faults.Count), ("violations", result.Violations.Count),
        ("tunnels at the end", result.Topology.Sum(static node => node.Tunnels.Count) / 2.0), ("routes at the end", result.Topology.Sum(static node => node.Routes)),
    ];

    private static IEnumerable<(string, double)> Measures(ScenarioResult result, string unit) => result.Measures.Where(measure => measure.Unit == unit)
        .SelectMany(static measure => new[] { ($"{measure.Name}, median", measure.P50), ($"{measure.Name}, 99 %", measure.P99), ($"{measure.Name}, largest", measure.Max) });

    private static IEnumerable<(string, double)> Steps(ScenarioResult result) => result.Steps.Select(static step => (step.Title, step.EndedSeconds - step.StartedSeconds));

    private static IEnumerable<(string, double)> Invariants(ScenarioResult result) => result.InvariantCounts.Select(static one => (one.Key, (double)one.Value));

    // What comes several times, as steps do, is told apart by its number.
    private static Dictionary<string, double> ByName(IEnumerable<(string Name, double Value)> values)
    {
        var named = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach ((string name, double value) in values)
        {
            string unique = name;
            for (int number = 2; !named.TryAdd(unique, value); number++)
                unique = $"{name} ({number})";
        }

        return named;
    }
}

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ResultComparison))]
public sealed partial class ComparisonJson : JsonSerializerContext;
