using System.Globalization;

namespace Mesh.Benchmarks;

/// <summary>What the kernel says that a process has used.</summary>
internal static class ProcessSample
{
    private const int TicksPerSecond = 100;   // of /proc/PID/stat, on every Linux that .NET runs on
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

    /// <summary>Resident memory, MiB.</summary>
    public static double ResidentMib(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
