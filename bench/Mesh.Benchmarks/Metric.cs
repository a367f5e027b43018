using System.Text.Json.Serialization;

namespace Mesh.Benchmarks;

/// <summary>Which way a metric gets better.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Better>))]
public enum Better
{
    /// <summary>More is better.</summary>
    [JsonStringEnumMemberName("higher")]
    Higher,

    /// <summary>Less is better.</summary>
    [JsonStringEnumMemberName("lower")]
    Lower,
}

/// <summary>One measured number.</summary>
/// <param name="Name">Lower case with underscores; never changed, since reports of different commits are compared by it.</param>
/// <param name="Value">The median of the repetitions.</param>
/// <param name="Unit">For example <c>messages/s</c> or <c>bytes</c>.</param>
/// <param name="Better">Which way it gets better.</param>
public sealed record Metric(string Name, double Value, string Unit, Better Better)
{
    /// <summary>The smallest of the repetitions.</summary>
    public double Min { get; init; }

    /// <summary>The largest of the repetitions.</summary>
    public double Max { get; init; }

    /// <summary>How many repetitions there were.</summary>
    public int Repetitions { get; init; }

    /// <summary>What it should reach on a quiet machine of the kind the report names, or null.</summary>
    public double? Target { get; init; }

    /// <summary>Another program that was measured doing the same, or null.</summary>
    public string? Peer { get; init; }

    /// <summary>What the peer reached, in the same unit.</summary>
    public double? PeerValue { get; init; }

    /// <summary>How many times better than the peer: above 1 is better, whichever way the metric goes.</summary>
    public double? Ratio => PeerValue is not { } peer || peer == 0 || Value == 0 ? null : Better == Better.Higher ? Value / peer : peer / Value;

    /// <summary>True or false against the <see cref="Target"/>; null where there is none.</summary>
    [JsonIgnore]
    public bool? MeetsTarget => Target is not { } target ? null : Better == Better.Higher ? Value >= target : Value <= target;

    /// <summary>The metric of several samples.</summary>
    internal static Metric Of(string name, string unit, Better better, IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Metric(name, median, unit, better) { Min = sorted[0], Max = sorted[^1], Repetitions = sorted.Length };
    }
}
