using System.Text.Json;
using Mesh.Actors;
using Mesh.Cli.Logging;

namespace Mesh.Cli.Tests.Logging;

public sealed class ConsoleLogTests
{
    private static readonly LogEntry Entry = new(
        new DateTimeOffset(2026, 11, 22, 1, 2, 3, 45, TimeSpan.Zero), TimeSpan.FromSeconds(9), LogLevel.Warning, "/user/node", "a tunnel\nis gone", new IOException("why"));

    [Fact]
    public void Text_is_one_line_with_time_level_and_source() =>
        Assert.Equal("2026-11-22T01:02:03.045Z WARNING /user/node a tunnel\\u000ais gone", ConsoleLog.Format(Entry, LogFormat.Text));

    [Fact]
    public void Json_is_one_line_with_the_same()
    {
        string line = ConsoleLog.Format(Entry, LogFormat.Json);
        Assert.DoesNotContain('\n', line);
        using var json = JsonDocument.Parse(line);
        Assert.Equal(
            ["2026-11-22T01:02:03.045Z", "warning", "/user/node", "a tunnel\nis gone"],
            new[] { "time", "level", "source", "message" }.Select(name => json.RootElement.GetProperty(name).GetString()!),
            StringComparer.Ordinal);
        Assert.Contains("why", json.RootElement.GetProperty("exception").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_written_is_there_when_the_log_has_closed_and_lower_levels_are_not()
    {
        using var output = new StringWriter();
        using (var log = new ConsoleLog(output, LogLevel.Info, LogFormat.Text))
        {
            log.Write(LogLevel.Debug, "test", "not this");
            log.Write(LogLevel.Info, "test", "first");
            log.Write(LogLevel.Error, "test", "second");
        }
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["first", "second"], lines.Select(static line => line.Split(' ')[^1]), StringComparer.Ordinal);
    }

    [Fact]
    public void A_stream_that_is_gone_does_not_stop_who_logs()
    {
        var output = new StringWriter();
        output.Dispose();
        using var log = new ConsoleLog(output, LogLevel.Info, LogFormat.Text);
        for (int i = 0; i < 20_000; i++)
            log.Write(LogLevel.Info, "test", "into the void");
    }
}
