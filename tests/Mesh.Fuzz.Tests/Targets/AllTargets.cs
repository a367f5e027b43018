using Mesh.Fuzz.Tests.Harness;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Every decoder of what comes from outside.</summary>
internal static class AllTargets
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzTarget> List { get; } =
    [
        .. PeerTargets.All(), .. TunnelTargets.All(), .. RegistryAnswerTargets.All(), .. SecurityTargets.All(), .. BabelTargets.All(), .. DataPlaneTargets.All(), .. NodeTargets.All(),
        .. AddressTargets.All(), .. RegistryTextTargets.All(), .. FileTargets.All(), .. HoconTargets.All(), .. ControlTargets.All(), .. OpenVpnTargets.All(), .. PortMappingTargets.All(), .. StoredTargets.All(),
    ];

    /// <summary>Names of those of a kind that are to be run.</summary>
    public static TheoryData<string> Names(bool isText) => [.. Wanted(isText).Select(static target => target.Name).DefaultIfEmpty("")];

    /// <summary>Runs one for its share of the time.</summary>
    public static void Run(string name, ITestOutputHelper output)
    {
        if (name.Length == 0)
            return;   // FUZZ_TARGET leaves none of this kind
        FuzzTarget target = List.Single(candidate => candidate.Name == name);
        FuzzCount count = new Fuzzer(target, FuzzOptions.Seed).Run(FuzzOptions.Budget * target.Share / Wanted(target.IsText).Sum(static one => one.Share));
        output.WriteLine($"{name}: {count.Tried} inputs, {count.Accepted} accepted, seed {FuzzOptions.Seed}");
        // A decoder that refuses everything keeps any contract.
        Assert.True(count.Accepted > 0, $"{name} accepted nothing");
    }

    private static IEnumerable<FuzzTarget> Wanted(bool isText) => List.Where(target => target.IsText == isText && FuzzOptions.IsWanted(target));
}
