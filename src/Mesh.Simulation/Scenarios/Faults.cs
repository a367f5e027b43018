using System.Globalization;

namespace Mesh.Simulation.Scenarios;

/// <summary>What may happen to a network at a moment, and is over after a while.</summary>
public enum FaultKind
{
    /// <summary>A node's processes are killed; then it is switched on again.</summary>
    Kill,

    /// <summary>A node's power fails; then it is switched on again.</summary>
    Crash,

    /// <summary>A node's lid is closed, and opened.</summary>
    Sleep,

    /// <summary>A node leaves in order; then it is switched on again.</summary>
    Leave,

    /// <summary>Some sites are cut off from all others and from the registry; then the Internet is whole again.</summary>
    Partition,

    /// <summary>The registry takes the next step of the rotation of the routing keys, if it is safe.</summary>
    RotateKeys,

    /// <summary>The registry is restarted with another Hello interval.</summary>
    SetParameters,

    /// <summary>The registry's process is killed; then it is started again.</summary>
    RegistryKill,

    /// <summary>The power of the registry's computer fails, though not that of the node beside it; then it is switched on again.</summary>
    RegistryOutage,

    /// <summary>A node is revoked, for ever.</summary>
    Revoke,

    /// <summary>A member tells everybody of forged versions of the network parameters, once a second.</summary>
    Forge,
}

/// <summary>Something that happens at a certain moment.</summary>
/// <param name="At">When, from the begin of the step.</param>
/// <param name="Kind">What.</param>
/// <param name="Machines">To whom: one node; of a <see cref="FaultKind.Partition"/> one node of each site that is cut off; nobody where it is the registry.</param>
/// <param name="For">After how long it is over; zero for what needs no end.</param>
/// <param name="Hello">The new interval of <see cref="FaultKind.SetParameters"/>.</param>
public sealed record TimedFault(TimeSpan At, FaultKind Kind, IReadOnlyList<string> Machines, TimeSpan For, TimeSpan Hello = default)
{
    /// <summary>Names of the kinds, as in scenario files.</summary>
    public static IReadOnlyList<string> KindNames { get; } = [.. Enum.GetValues<FaultKind>().Select(NameOf)];

    /// <summary>Whether it happens to one node.</summary>
    public static bool IsOfNode(FaultKind kind) => kind is FaultKind.Kill or FaultKind.Crash or FaultKind.Sleep or FaultKind.Leave or FaultKind.Revoke or FaultKind.Forge;

    /// <summary>Whether it goes on for a while.</summary>
    public static bool Lasts(FaultKind kind) => kind is not (FaultKind.RotateKeys or FaultKind.SetParameters or FaultKind.Revoke);

    /// <summary>The name of a kind, as in scenario files.</summary>
    public static string NameOf(FaultKind kind) => kind switch
    {
        FaultKind.RotateKeys => "rotate-keys",
        FaultKind.SetParameters => "set-parameters",
        FaultKind.RegistryKill => "registry-kill",
        FaultKind.RegistryOutage => "registry-outage",
        _ => kind.ToString().ToLowerInvariant(),
    };

    /// <summary>The kind with a name.</summary>
    public static bool TryParseKind(string name, out FaultKind kind)
    {
        foreach (FaultKind one in Enum.GetValues<FaultKind>())
        {
            if (NameOf(one) == name)
            {
                kind = one;
                return true;
            }
        }

        kind = default;
        return false;
    }

    /// <summary>As an entry of the list of a step <c>faults</c>.</summary>
    public override string ToString()
    {
        var text = new List<string> { $"at = {Seconds(At)}", $"fault = {NameOf(Kind)}" };
        if (Kind == FaultKind.Partition)
            text.Add($"machines = [{string.Join(", ", Machines)}]");
        else if (Machines.Count > 0)
            text.Add($"machine = {Machines[0]}");
        if (Lasts(Kind))
            text.Add($"for = {Seconds(For)}");
        if (Kind == FaultKind.SetParameters)
            text.Add($"hello = {Seconds(Hello)}");
        return $"{{ {string.Join(", ", text)} }}";
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#######} s");
}

/// <summary>Faults at random. Before a run they become a <see cref="FaultPlan"/> by its seed.</summary>
/// <param name="Duration">How long.</param>
/// <param name="Every">How much time there is between two of them, on average.</param>
/// <param name="Faults">Which.</param>
public sealed record Chaos(TimeSpan Duration, TimeSpan Every, IReadOnlyList<FaultKind> Faults) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"faults at random for {Duration.TotalSeconds:0.###} s";
}

/// <summary>Faults at certain moments.</summary>
/// <param name="Duration">How long the step takes; all of them are over by then.</param>
/// <param name="Faults">Which, in order of time.</param>
public sealed record FaultPlan(TimeSpan Duration, IReadOnlyList<TimedFault> Faults) : ScenarioStep
{
    /// <inheritdoc/>
    public override IEnumerable<string> Machines => Faults.SelectMany(static fault => fault.Machines);

    /// <inheritdoc/>
    public override string Title => $"{Faults.Count} faults in {Duration.TotalSeconds:0.###} s";
}
