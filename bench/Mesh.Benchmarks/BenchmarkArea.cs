namespace Mesh.Benchmarks;

/// <summary>One layer of the system and what is measured of it.</summary>
public abstract class BenchmarkArea
{
    /// <summary>Its name on the command line: lower case, one word.</summary>
    public abstract string Name { get; }

    /// <summary>One line on what is measured.</summary>
    public abstract string Summary { get; }

    /// <summary>Why this area cannot be measured with these options, as a sentence; null where it can.</summary>
    public virtual string? ProblemOf(BenchmarkOptions options) => null;

    /// <summary>Measures. Metrics appear as they are ready.</summary>
    public abstract IEnumerable<Metric> Run(BenchmarkOptions options);
}
