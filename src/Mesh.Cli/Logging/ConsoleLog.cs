using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Mesh.Actors;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Logging;

/// <summary>How log lines look.</summary>
internal enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>Writes log entries to a stream, from a thread of its own: a reader that does not read must not stop the actors.</summary>
/// <remarks>Entries hold no secrets (<see cref="LogEntry"/>). Where too many wait, further ones are dropped, and their number is written once there is room.</remarks>
internal sealed class ConsoleLog : ILogSink, IDisposable
{
    private const int MaxWaiting = 10_000;
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private readonly Channel<LogLine> _waiting = Channel.CreateBounded<LogLine>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly TextWriter _output;
    private readonly LogFormat _format;
    private readonly Thread _thread;
    private long _dropped;

    public ConsoleLog(TextWriter output, LogLevel level, LogFormat format)
    {
        (_output, Level, _format) = (output, level, format);
        _thread = new Thread(WriteAll) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public LogLevel Level { get; }

    /// <inheritdoc/>
    public void Write(LogEntry entry) => Write(new LogLine(entry, Fields: null));

    /// <summary>Writes on behalf of code outside the actors.</summary>
    public void Write(LogLevel level, string source, string message)
    {
        if (level >= Level)
            Write(new LogEntry(DateTimeOffset.UtcNow, TimeSpan.Zero, level, source, message, Exception: null));
    }

    /// <summary>Writes on behalf of code outside the actors, with values for programs that read JSON.</summary>
    /// <param name="level">How important it is.</param>
    /// <param name="source">Who says it.</param>
    /// <param name="message">For people, with everything of interest.</param>
    /// <param name="fields">Its parts, by name: members of the JSON object.</param>
    public void Write(LogLevel level, string source, string message, JsonObject fields)
    {
        if (level >= Level)
            Write(new LogLine(new LogEntry(DateTimeOffset.UtcNow, TimeSpan.Zero, level, source, message, Exception: null), fields));
    }

    /// <summary>Writes what waits and ends.</summary>
    public void Dispose()
    {
        _ = _waiting.Writer.TryComplete();
        _ = _thread.Join(TimeSpan.FromSeconds(2));   // where nobody reads, the rest is lost with the process
    }

    /// <summary>One entry as it is written, without the end of the line.</summary>
    internal static string Format(LogEntry entry, LogFormat format, JsonObject? fields = null)
    {
        string time = entry.Utc.UtcDateTime.ToString(Timestamp, CultureInfo.InvariantCulture);
        if (format == LogFormat.Json)
            return JsonText.Line(new { time, level = entry.Level, source = entry.Source, message = entry.Message, exception = entry.Exception?.ToString(), fields });
        var line = new StringBuilder($"{time} {entry.Level.ToString().ToUpperInvariant(),-7} {entry.Source} ");
        // One entry is one line: what a peer sent may be quoted in it.
        foreach (char c in entry.Message)
            _ = char.IsControl(c) ? line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : line.Append(c);
        return line.ToString();
    }

    private void Write(LogLine line)
    {
        if (!_waiting.Writer.TryWrite(line))
            Interlocked.Increment(ref _dropped);
    }

    private void WriteAll()
    {
        try
        {
            foreach ((LogEntry entry, JsonObject? fields) in _waiting.Reader.ReadAllAsync().ToBlockingEnumerable())
            {
                _output.WriteLine(Format(entry, _format, fields));
                if (Interlocked.Exchange(ref _dropped, 0) is var dropped and > 0)
                    _output.WriteLine(Format(new LogEntry(entry.Utc, entry.Now, LogLevel.Warning, "log", $"{dropped} entries were dropped: nobody read them in time", Exception: null), _format));
                if (_waiting.Reader.Count == 0)
                    _output.Flush();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody can be told that nobody listens.
            _ = _waiting.Writer.TryComplete();
        }
    }

    private readonly record struct LogLine(LogEntry Entry, JsonObject? Fields);
}
