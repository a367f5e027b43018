using System.Diagnostics;

namespace Mesh.Benchmarks;

/// <summary>Time since it was started: elapsed, or that of the processor.</summary>
internal readonly struct Watch
{
    private readonly long _start;
    private readonly TimeSpan _processorStart;
    private readonly bool _countsProcessorTime;

    private Watch(bool countsProcessorTime)
    {
        _countsProcessorTime = countsProcessorTime;
        _processorStart = countsProcessorTime ? ProcessorTime : TimeSpan.Zero;
        _start = Stopwatch.GetTimestamp();
    }

    public double Seconds => (_countsProcessorTime ? ProcessorTime - _processorStart : Stopwatch.GetElapsedTime(_start)).TotalSeconds;

    // The system's share is left out: on a busy machine it is mostly about the others.
    private static TimeSpan ProcessorTime =>
        OperatingSystem.IsLinux() ? Environment.CpuUsage.UserTime : throw new PlatformNotSupportedException("processor time is measured on Linux only");

    public static Watch Start(BenchmarkOptions options) => new(options.CountsProcessorTime);

    public static Watch StartElapsed() => new(countsProcessorTime: false);
}
