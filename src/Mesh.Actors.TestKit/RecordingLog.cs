namespace Mesh.Actors.TestKit;

/// <summary>A log sink that keeps everything.</summary>
public sealed class RecordingLog : ILogSink
{
    private readonly List<LogEntry> _entries = [];

    /// <summary>What was logged, in order.</summary>
    public IReadOnlyList<LogEntry> Entries => _entries;

    /// <inheritdoc/>
    public LogLevel Level => LogLevel.Debug;

    /// <inheritdoc/>
    public void Write(LogEntry entry) => _entries.Add(entry);
}
