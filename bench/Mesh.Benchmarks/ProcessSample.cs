using System.Globalization;
using System.Runtime.InteropServices;

namespace Mesh.Benchmarks;

/// <summary>What the kernel says that a process has used.</summary>
internal static partial class ProcessSample
{
    private const int TicksPerSecond = 100;   // of /proc/PID/stat, on every Linux that .NET runs on
    private const int ScheduledTime = 2;   // CPUCLOCK_SCHED
    private const int UserTimeField = 14, SystemTimeField = 15;   // proc(5)

    /// <summary>Processor time, user and system.</summary>
    public static TimeSpan ProcessorTime(int process)
    {
        // The second field is the name in parentheses, which may hold blanks; the third one follows the last parenthesis.
        string stat = File.ReadAllText($"/proc/{process}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        long ticks = long.Parse(fields[UserTimeField - 3], CultureInfo.InvariantCulture) + long.Parse(fields[SystemTimeField - 3], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }

    /// <summary>Processor time, user and system, to the nanosecond: for processes that use little.</summary>
    public static TimeSpan PreciseProcessorTime(int process)
    {
        // The kernel's name for the clock of a process and all its threads, as clock_getcpuclockid(3) makes it.
        return ReadClock((~process << 3) | ScheduledTime, out Timespec time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0)
            : throw new InvalidOperationException($"the clock of process {process} cannot be read: it has ended");
    }

    /// <summary>Resident memory, MiB.</summary>
    public static double ResidentMib(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ReadClock(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Timespec
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
