using System.Globalization;

namespace Mesh.Simulation.Scenarios;

/// <summary>Something that a run has measured several times: nearest-rank percentiles.</summary>
/// <param name="Name">What.</param>
/// <param name="Unit">In which unit, for example <c>s</c>.</param>
/// <param name="Count">How many values.</param>
/// <param name="P50">The median.</param>
/// <param name="P99">The 99th percentile.</param>
/// <param name="Max">The largest.</param>
public sealed record Measure(string Name, string Unit, int Count, double P50, double P99, double Max)
{
    /// <summary>The measure of some values.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public static Measure Of(string name, string unit, IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            throw new ArgumentException("there is nothing to measure", nameof(values));
        return new Measure(name, unit, sorted.Length, At(sorted, 0.5), At(sorted, 0.99), sorted[^1]);
    }

    /// <inheritdoc/>
    public override string ToString() => Count == 1
        ? string.Create(CultureInfo.InvariantCulture, $"{Name} {Max:0.###} {Unit}")
        : string.Create(CultureInfo.InvariantCulture, $"{Name} p50 {P50:0.###} p99 {P99:0.###} max {Max:0.###} {Unit}");

    private static double At(double[] sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
}
