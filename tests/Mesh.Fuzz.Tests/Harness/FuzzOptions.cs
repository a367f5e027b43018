using System.Globalization;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>What the environment says: how long, from which seed, and which targets.</summary>
internal static class FuzzOptions
{
    private const double DefaultSeconds = 60;

    /// <summary>FUZZ_SECONDS: for the whole project, of which decoders of octets and of text each use one processor. Default 60.</summary>
    public static TimeSpan Budget { get; } = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("FUZZ_SECONDS") is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : DefaultSeconds);

    /// <summary>FUZZ_SEED. Default 1: what others find in a change of ours is what we can find.</summary>
    public static ulong Seed { get; } =
        Environment.GetEnvironmentVariable("FUZZ_SEED") is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : 1;

    /// <summary>FUZZ_TARGET: a part of the names of the targets to run. Default: all.</summary>
    public static string Filter { get; } = Environment.GetEnvironmentVariable("FUZZ_TARGET") ?? "";

    /// <summary>Whether a target is to be run.</summary>
    public static bool IsWanted(FuzzTarget target) => target.Name.Contains(Filter, StringComparison.OrdinalIgnoreCase);
}
