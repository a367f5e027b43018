using Mesh.Actors;

namespace Mesh.Simulation.World;

/// <summary>One machine's entries in the log of all: the source is preceded by the machine's name.</summary>
internal sealed class MachineLog(string machine, ILogSink log) : ILogSink
{
    public LogLevel Level => log.Level;

    public void Write(LogEntry entry) => log.Write(entry with { Source = machine + entry.Source });
}
