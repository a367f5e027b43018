namespace Mesh.Benchmarks;

/// <summary>One layer of the system and what is measured of it.</summary>
public abstract class BenchmarkArea
{
    /// <summary>Its name on the command line: lower case, one word.</summary>
    public abstract string Name { get; }

    /// <summary>One line on what is measured.</summary>
    public abstract string Summary { get; }

    /// <summary>Measures. Metrics appear as they are ready.</summary>
    public abstract IEnumerable<Metric> Run(BenchmarkOptions options);
}
