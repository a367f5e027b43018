namespace Mesh.Simulation.Invariants;

/// <summary>All invariants.</summary>
public static class InvariantCatalogue
{
    /// <summary>The key that switches all of them.</summary>
    public const string All = "all";

    private static readonly Func<Invariant>[] Factories =
    [
        static () => new OverlappingPrefixes(),
        static () => new RevokedIsolated(),
        static () => new ParametersSpread(),
        static () => new PublishedVersions(),
        static () => new RotationConnectivity(),
        static () => new OrderlyClosure(),
        static () => new RegistryMemory(),
        static () => new RoutingLoops(),
        static () => new DeadEnds(),
        static () => new SeqnoForward(),
        static () => new RoutesToMembers(),
    ];

    /// <summary>Their names, in order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Factories.Select(static make => make().Name)];

    /// <summary>New instances of all.</summary>
    public static IReadOnlyList<Invariant> Create() => [.. Factories.Select(static make => make())];

    /// <summary>New instances of those that are wanted.</summary>
    /// <param name="settings">By name, with <see cref="All"/> for those that are not named. What is not in it is on.</param>
    public static IReadOnlyList<Invariant> Create(IReadOnlyDictionary<string, InvariantSetting> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        bool isOn = settings.GetValueOrDefault(All)?.IsOn ?? true;
        var wanted = new List<Invariant>();
        foreach (Invariant invariant in Create())
        {
            InvariantSetting setting = settings.GetValueOrDefault(invariant.Name) ?? new InvariantSetting(isOn);
            if (!setting.IsOn)
                continue;
            if (setting.Grace is { } grace)
                invariant.Grace = grace;
            wanted.Add(invariant);
        }

        return wanted;
    }
}
