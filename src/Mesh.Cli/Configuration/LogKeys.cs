using Mesh.Actors;
using Mesh.Cli.Logging;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of the log, for every program that runs for long.</summary>
internal static class LogKeys
{
    public static ConfigKey<LogLevel> Level { get; } = ConfigKey.Enum("log.level", new KeyOptions<LogLevel>
    {
        Meaning = "The lowest level that is written to standard error.",
        Cost = "debug writes several lines for each routing message.",
        Default = LogLevel.Info,
    });

    public static ConfigKey<LogFormat> Format { get; } = ConfigKey.Enum("log.format", new KeyOptions<LogFormat>
    {
        Meaning = "Lines for people (text), or one JSON object a line for collectors (json).",
        Default = LogFormat.Text,
    });

    public static IReadOnlyList<ConfigKey> All { get; } = [Level, Format];

    /// <summary>The sink that a configuration asks for.</summary>
    public static ConsoleLog Open(ResolvedConfig config, TextWriter output) => new(output, config.Get(Level), config.Get(Format));
}
