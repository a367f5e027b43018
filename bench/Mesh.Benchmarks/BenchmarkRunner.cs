using System.Reflection;
using System.Runtime.InteropServices;
using Mesh.Benchmarks.Babel;
using Mesh.Benchmarks.DataPlane;
using Mesh.Benchmarks.Kernel;
using Mesh.Benchmarks.Peers;
using Mesh.Benchmarks.Registry;
using Mesh.Benchmarks.Simulation;

namespace Mesh.Benchmarks;

/// <summary>Runs areas and makes reports.</summary>
public static class BenchmarkRunner
{
    /// <summary>The areas there are, in the order of the layers.</summary>
    public static IReadOnlyList<BenchmarkArea> Areas { get; } = [new KernelBenchmarks(), new BabelBenchmarks(), new DataPlaneBenchmarks(), new PeerBenchmarks(), new RegistryBenchmarks(), new SimulationBenchmarks()];

    /// <summary>The area of that name, or null.</summary>
    public static BenchmarkArea? Find(string name) => Areas.FirstOrDefault(area => string.Equals(area.Name, name, StringComparison.Ordinal));

    /// <summary>Measures one area.</summary>
    /// <param name="area">What.</param>
    /// <param name="options">How much.</param>
    /// <param name="progress">Called with each metric as soon as it is there, or null.</param>
    public static BenchmarkReport Run(BenchmarkArea area, BenchmarkOptions options, Action<Metric>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(area);
        ArgumentNullException.ThrowIfNull(options);
        var metrics = new List<Metric>();
        foreach (Metric metric in area.Run(options))
        {
            metrics.Add(metric);
            progress?.Invoke(metric);
        }

        return new BenchmarkReport(Commit(), Machine(), options.Command, metrics) { IsQuick = options.IsQuick, CountsProcessorTime = options.CountsProcessorTime };
    }

    // The SDK appends the commit to the version: 0.1.0+<commit>.
    private static string Commit()
    {
        string version = typeof(BenchmarkRunner).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? "unknown" : version[(plus + 1)..];
    }

    private static string Machine()
    {
        string processor = "unknown processor";
        if (OperatingSystem.IsLinux() && File.Exists("/proc/cpuinfo"))
        {
            string? model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
            processor = model?[(model.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? processor;
        }

        return $"{processor}, {Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.ProcessArchitecture}";
    }
}
