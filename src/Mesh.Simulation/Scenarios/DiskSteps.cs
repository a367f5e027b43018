using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Scenarios;

/// <summary>Something is done to disks, which lasts until it is undone, over crashes, too.</summary>
/// <param name="Condition">How they are from now on.</param>
/// <param name="Machine">The machine's name, or null: nodes, but not the registry's.</param>
/// <param name="Share">Without a name: which share of the nodes, 0..1, rounded up; chosen at random.</param>
public sealed record SetDisk(DiskCondition Condition, string? Machine, double Share) : ScenarioStep
{
    /// <inheritdoc/>
    public override string? Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title =>
        $"the disk of {Machine ?? (Share < 1 ? $"{Share:0.###%} of the nodes" : "all nodes")} {How}";

    private string How =>
        Condition.IsFull ? "is full"
        : Condition.CacheTime > TimeSpan.Zero ? $"says that it has written what a power failure takes from it for {Condition.CacheTime.TotalSeconds:0.###} s"
        : Condition == DiskCondition.Good ? "is good again"
        : $"takes {Condition.WriteDelay.TotalMilliseconds:0.###} ms to write";
}

/// <summary>Machines crash, lose their disks, and come back as nodes that nobody has seen.</summary>
/// <param name="Machine">The node's name, or null: nodes, but not the registry's.</param>
/// <param name="Share">Without a name: which share of the nodes that run, 0..1, rounded up; chosen at random.</param>
public sealed record ReplaceNodes(string? Machine, double Share) : ScenarioStep
{
    /// <inheritdoc/>
    public override string? Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title => $"{Machine ?? (Share < 1 ? $"{Share:0.###%} of the nodes" : "all nodes")} lost with the disk, and replaced";
}
