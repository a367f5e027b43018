using Mesh.Actors.Persistence;

namespace Mesh.Benchmarks;

/// <summary>How much to measure, and with what.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>True: tiny parameters, to show that a benchmark works. Its numbers mean nothing. Default false.</summary>
    public bool IsQuick { get; init; }

    /// <summary>True: what takes more than ten minutes is measured as well, where there is something. Default false.</summary>
    public bool IsLarge { get; init; }

    /// <summary>True: what takes hours is measured as well, where there is something and it fits into memory. It includes <see cref="IsLarge"/>. Default false.</summary>
    public bool IsHuge { get; init; }

    /// <summary>Measured runs per metric, after one that warms up. At least 5 unless <see cref="IsQuick"/>. Default 7.</summary>
    public int Repetitions { get; init; } = 7;

    /// <summary>True: what runs on one thread is measured in the processor's time instead of elapsed time. For a machine that others use too. Default false.</summary>
    public bool CountsProcessorTime { get; init; }

    /// <summary>Makes a durable journal in the empty directory whose path it is given; null where none is at hand, and then what needs one is left out.</summary>
    /// <remarks>A journal that is <see cref="IDisposable"/> is disposed of before its directory is deleted.</remarks>
    public Func<string, IJournal>? JournalFactory { get; init; }

    /// <summary>Under which directory durable journals are made. Default: the system's directory for temporary files, which may be on a RAM disk.</summary>
    public string Directory { get; init; } = Path.GetTempPath();

    /// <summary>The <c>mesh</c> program, <c>mesh.dll</c>, for what is measured as a process of its own; null where none is at hand. Default null.</summary>
    public string? MeshProgram { get; init; }

    /// <summary>The command that was typed, for the report. Default empty.</summary>
    public string Command { get; init; } = "";

    /// <summary><paramref name="full"/>, or a small share of it where the run is a quick one.</summary>
    internal int Scale(int full) => IsQuick ? Math.Max(16, full / 1000) : full;

    internal int MeasuredRuns => IsQuick ? 2 : Math.Max(5, Repetitions);
}
