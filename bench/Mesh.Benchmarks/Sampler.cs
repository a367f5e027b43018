namespace Mesh.Benchmarks;

/// <summary>Repeats a measurement until its median can be trusted.</summary>
/// <param name="options">How often.</param>
internal sealed class Sampler(BenchmarkOptions options)
{
    /// <summary>A metric of which more is better.</summary>
    public Metric Higher(string name, string unit, Func<double> sample) => Measure(name, unit, Better.Higher, sample);

    /// <summary>A metric of which less is better.</summary>
    public Metric Lower(string name, string unit, Func<double> sample) => Measure(name, unit, Better.Lower, sample);

    /// <summary>Frees what nobody uses, so that it is neither counted nor freed while something is measured.</summary>
    public static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private Metric Measure(string name, string unit, Better better, Func<double> sample)
    {
        // Warm-up: the first run is compiled in haste, and the tiers above it are compiled in the background while the second one runs.
        for (int i = 0; i < (options.IsQuick ? 1 : 2); i++)
            _ = sample();
        var samples = new double[options.MeasuredRuns];
        for (int i = 0; i < samples.Length; i++)
        {
            Collect();
            samples[i] = sample();
        }

        return Metric.Of(name, unit, better, samples);
    }
}
