using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mesh.Benchmarks;

/// <summary>What was measured, where, and of which commit.</summary>
/// <param name="Commit">The commit the program was built from, or "unknown".</param>
/// <param name="Machine">Processor, number of processors, operating system and runtime.</param>
/// <param name="Command">What was typed.</param>
/// <param name="Metrics">The numbers.</param>
public sealed record BenchmarkReport(string Commit, string Machine, string Command, IReadOnlyList<Metric> Metrics)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,   // units hold slashes and processors' names hold everything; none of it goes into HTML
    };

    /// <summary>True for a report of <see cref="BenchmarkOptions.IsQuick"/>, whose numbers mean nothing.</summary>
    public bool IsQuick { get; init; }

    /// <summary>True for a report of <see cref="BenchmarkOptions.CountsProcessorTime"/>.</summary>
    public bool CountsProcessorTime { get; init; }

    /// <summary>The report as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>Reads <see cref="ToJson"/> back.</summary>
    /// <exception cref="JsonException">It is not a report.</exception>
    public static BenchmarkReport FromJson(string json) =>
        JsonSerializer.Deserialize<BenchmarkReport>(json, Json) ?? throw new JsonException("the report is null");

    /// <summary>A table for people.</summary>
    public void WriteTable(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.WriteLine($"commit {Commit}");
        output.WriteLine($"machine {Machine}");
        if (IsQuick)
            output.WriteLine("quick run: the numbers only show that the benchmarks work");
        if (CountsProcessorTime)
            output.WriteLine("per second of the processor's time, except for what needs more than one thread");
        var rows = new List<string[]> { new[] { "metric", "median", "min", "max", "unit", "target", "", "peer" } };
        rows.AddRange(Metrics.Select(m => new[]
        {
            m.Name, Format(m.Value), Format(m.Min), Format(m.Max), m.Unit,
            m.Target is { } target ? Format(target) : "-",
            m.MeetsTarget switch { true => "met", false => "missed", null => "" },
            m.Peer is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{m.Ratio:0.#} x {m.Peer}"),
        }));
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            IEnumerable<string> cells = row.Select((cell, column) => column is >= 1 and <= 3 or 5 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    private static string Format(double value) =>
        value.ToString(Math.Abs(value) >= 1000 ? "#,0" : "0.###", CultureInfo.InvariantCulture);
}
