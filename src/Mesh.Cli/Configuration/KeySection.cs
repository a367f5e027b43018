using Mesh.Hocon.Schema;

namespace Mesh.Cli.Configuration;

/// <summary>Makes the keys of one section.</summary>
/// <param name="path">The section, for example <c>node.babel</c>.</param>
internal sealed class KeySection(string path)
{
    /// <summary>A whole number.</summary>
    public ConfigKey<int> Int(string name, int fallback, int min, int max, string meaning, string cost) =>
        ConfigKey.Int($"{path}.{name}", new KeyOptions<int> { Meaning = meaning, Cost = cost, Default = fallback }, min, max);

    /// <summary>A duration; the range is in seconds.</summary>
    public ConfigKey<TimeSpan> Duration(string name, TimeSpan fallback, double minSeconds, double maxSeconds, string meaning, string cost) =>
        Duration(name, new KeyOptions<TimeSpan> { Meaning = meaning, Cost = cost, Default = fallback }, minSeconds, maxSeconds);

    /// <summary>A duration without a fraction of a second; the range is in seconds.</summary>
    public ConfigKey<TimeSpan> WholeSeconds(string name, TimeSpan fallback, double minSeconds, double maxSeconds, string meaning, string cost) => Duration(
        name, new KeyOptions<TimeSpan> { Meaning = meaning, Cost = cost, Default = fallback, Range = "whole seconds", Check = static value => value.Ticks % TimeSpan.TicksPerSecond == 0 }, minSeconds, maxSeconds);

    private ConfigKey<TimeSpan> Duration(string name, KeyOptions<TimeSpan> options, double minSeconds, double maxSeconds) =>
        ConfigKey.Duration($"{path}.{name}", options, TimeSpan.FromSeconds(minSeconds), TimeSpan.FromSeconds(maxSeconds));
}
