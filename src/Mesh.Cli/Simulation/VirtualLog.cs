using System.Globalization;
using Mesh.Actors;

namespace Mesh.Cli.Simulation;

/// <summary>Logs of simulated machines as lines: virtual time of day, level, machine and actor, message.</summary>
internal sealed class VirtualLog(TextWriter output, LogLevel level) : ILogSink
{
    public LogLevel Level => level;

    public void Write(LogEntry entry) =>
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entry.Utc:HH:mm:ss.fff} {entry.Level,-7} {entry.Source}: {entry.Message}"));
}
