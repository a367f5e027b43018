using Mesh.Registry;

namespace Mesh.Simulation.Scenarios;

/// <summary>One thing that happens in a scenario.</summary>
public abstract record ScenarioStep
{
    private protected ScenarioStep()
    {
    }

    /// <summary>What happens, for people.</summary>
    public abstract string Title { get; }

    /// <summary>The name of the machine it happens to, or null.</summary>
    public virtual string? Machine => null;

    /// <summary>The names of all machines it happens to, where it says so.</summary>
    public virtual IEnumerable<string> Machines => Machine is { } machine ? [machine] : [];
}

/// <summary>Time passes.</summary>
public sealed record PassTime(TimeSpan Duration) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"{Duration.TotalSeconds:0.###} s pass";
}

/// <summary>Wait until every running node has a route to every other; it is a violation when that takes longer than <paramref name="Within"/>.</summary>
public sealed record AwaitRoutes(TimeSpan Within) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"every node has a route to every other within {Within.TotalSeconds:0.###} s";
}

/// <summary>Running nodes ping each other; each unanswered pair is a violation.</summary>
/// <param name="Attempts">A pair counts as answered if one of so many pings is.</param>
/// <param name="Pairs">At most so many pairs, chosen at random; null for all.</param>
public sealed record PingAll(int Attempts, int? Pairs = null) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => Pairs is { } pairs ? $"{pairs} pairs of nodes ping each other" : "every node pings every other";
}

/// <summary>What may be done to a machine.</summary>
public enum MachineFault
{
    /// <summary>Its processes are killed; the machine itself still answers with resets.</summary>
    Kill,

    /// <summary>The power fails: nothing answers.</summary>
    Crash,

    /// <summary>It is switched on (again).</summary>
    Boot,

    /// <summary>It is suspended, as a computer whose lid is closed.</summary>
    Sleep,

    /// <summary>It goes on after it was suspended.</summary>
    Wake,
}

/// <summary>Something is done to machines.</summary>
/// <param name="Fault">What.</param>
/// <param name="Machine">The machine's name: a node's, <c>registry-node</c> or <c>registry</c>; null: nodes, but not the registry's.</param>
/// <param name="Share">Without a name: which share of those to whom it can happen, 0..1, rounded up. They are chosen at random.</param>
public sealed record Inflict(MachineFault Fault, string? Machine, double Share = 1) : ScenarioStep
{
    /// <inheritdoc/>
    public override string? Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title => $"{Fault.ToString().ToLowerInvariant()} {Machine ?? (Share < 1 ? $"{Share:0.###%} of the nodes" : "all nodes")}";
}

/// <summary>Some sites are cut off from all others and from the registry, in place of those that were before.</summary>
/// <param name="Share">Which share of the sites, 0..1, rounded up; chosen at random. A node with a public address is a site. 0 mends the Internet.</param>
public sealed record Partition(double Share) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => Share > 0 ? $"{Share:0.###%} of the sites are cut off" : "the Internet is whole again";
}

/// <summary>The registry is restarted with other settings and publishes them.</summary>
/// <param name="Options">All settings from now on.</param>
/// <param name="Change">What is new, for people.</param>
public sealed record SetParameters(RegistryOptions Options, string Change) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"the network's parameters change: {Change}";
}

/// <summary>The registry revokes a node's certificate. From then on the node pings others all the time, to see who still listens.</summary>
public sealed record RevokeNode(string Machine) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title => $"{Machine} is revoked";
}

/// <summary>The registry takes the next step of the rotation of the routing keys, at once.</summary>
public sealed record RotateKeys : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => "the rotation of the routing keys goes one step on";
}

/// <summary>Wait until every running node uses the parameters that the registry has published last. It is a violation when the last node, or the median, takes longer.</summary>
/// <param name="Within">Time for the last node, since the publication.</param>
/// <param name="Median">Time for half of the nodes, or null.</param>
public sealed record AwaitVersion(TimeSpan Within, TimeSpan? Median) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"every node has the new parameters within {Within.TotalSeconds:0.###} s";
}

/// <summary>Wait until no node has a tunnel with a revoked node, or a route to it, or takes a packet of it. It is a violation when that takes longer than <paramref name="Within"/>.</summary>
public sealed record AwaitEjected(string Machine, TimeSpan Within) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title => $"{Machine} is out within {Within.TotalSeconds:0.###} s";
}

/// <summary>From now on pairs of nodes, chosen at random, ping each other, until <see cref="StopTraffic"/>.</summary>
/// <param name="Pairs">How many.</param>
/// <param name="Interval">How often each.</param>
public sealed record Traffic(int Pairs, TimeSpan Interval) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"{Pairs} pairs of nodes begin to ping each other every {Interval.TotalSeconds:0.###} s";
}

/// <summary>The traffic ends, and what was lost is counted: pings without an answer between nodes to which nothing was done.</summary>
/// <param name="MaxLost">More lost pings are a violation; null: any number is good.</param>
/// <param name="MinDestroyed">It is a violation where fewer tunnels were destroyed in order meanwhile: then the traffic has not shown much.</param>
public sealed record StopTraffic(int? MaxLost, int MinDestroyed = 0) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title =>
        (MaxLost is { } lost ? $"at most {lost} pings were lost" : "the traffic ends") + (MinDestroyed > 0 ? $", and at least {MinDestroyed} tunnels were destroyed in order" : "");
}

/// <summary>A member has gone bad: it tells everybody of versions of the parameters that nobody has signed, and of old ones. It is a violation when a node believes it, or
/// when more than one in twenty asks the registry.</summary>
/// <param name="Machine">Which.</param>
/// <param name="Duration">How long, once a second.</param>
public sealed record Forge(string Machine, TimeSpan Duration) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Machine { get; } = Machine;

    /// <inheritdoc/>
    public override string Title => $"{Machine} spreads forged and old versions for {Duration.TotalSeconds:0.###} s";
}
