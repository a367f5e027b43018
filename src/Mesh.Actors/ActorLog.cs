using Mesh.Actors.Loop;

namespace Mesh.Actors;

/// <summary>Severity of a log entry.</summary>
public enum LogLevel
{
    /// <summary>For following one thing in detail.</summary>
    Debug,

    /// <summary>Normal but worth knowing.</summary>
    Info,

    /// <summary>Somebody may have to look.</summary>
    Warning,

    /// <summary>Something failed.</summary>
    Error,
}

/// <summary>One line of the log.</summary>
/// <param name="Utc">The wall clock as the machine sees it.</param>
/// <param name="Now">Loop time.</param>
/// <param name="Level">Severity.</param>
/// <param name="Source">Path of the actor.</param>
/// <param name="Message">A sentence; never contains secrets.</param>
/// <param name="Exception">What was thrown, or null.</param>
public sealed record LogEntry(DateTimeOffset Utc, TimeSpan Now, LogLevel Level, string Source, string Message, Exception? Exception);

/// <summary>Where log entries go. Called on the loop's thread; must return at once.</summary>
public interface ILogSink
{
    /// <summary>The lowest level that is written.</summary>
    LogLevel Level { get; }

    /// <summary>Writes one entry.</summary>
    void Write(LogEntry entry);
}

/// <summary>An actor's log.</summary>
public readonly struct ActorLog : IEquatable<ActorLog>
{
    private readonly ActorCell _cell;

    internal ActorLog(ActorCell cell) => _cell = cell;

    /// <summary>Writes at <see cref="LogLevel.Debug"/>. Check <see cref="IsDebugEnabled"/> first where the text is costly.</summary>
    public void Debug(string message) => Write(LogLevel.Debug, message, exception: null);

    /// <summary>True where debug entries are kept.</summary>
    public bool IsDebugEnabled => _cell.System.Options.Log is { Level: LogLevel.Debug };

    /// <summary>Writes at <see cref="LogLevel.Info"/>.</summary>
    public void Info(string message) => Write(LogLevel.Info, message, exception: null);

    /// <summary>Writes at <see cref="LogLevel.Warning"/>.</summary>
    public void Warning(string message) => Write(LogLevel.Warning, message, exception: null);

    /// <summary>Writes at <see cref="LogLevel.Error"/>.</summary>
    public void Error(string message, Exception? exception = null) => Write(LogLevel.Error, message, exception);

    /// <inheritdoc/>
    public bool Equals(ActorLog other) => ReferenceEquals(_cell, other._cell);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ActorLog other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _cell.Ordinal;

    /// <summary>Logs of the same actor.</summary>
    public static bool operator ==(ActorLog left, ActorLog right) => left.Equals(right);

    /// <summary>Logs of different actors.</summary>
    public static bool operator !=(ActorLog left, ActorLog right) => !left.Equals(right);

    private void Write(LogLevel level, string message, Exception? exception)
    {
        ActorSystem system = _cell.System;
        if (system.Options.Log is not { } sink || level < sink.Level)
            return;
        try
        {
            sink.Write(new LogEntry(_cell.UtcNow, _cell.Now, level, _cell.Path, message, exception));
        }
        catch (Exception)
        {
            // A log on a full disk must not take the actors down with it, least of all while they report a failure.
            system.OnLogFailure();
        }
    }
}
