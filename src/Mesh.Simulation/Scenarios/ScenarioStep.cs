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
/// <param name="Within">How long.</param>
/// <param name="Share">Which share of all pairs is enough, above 0 to 1.</param>
public sealed record AwaitRoutes(TimeSpan Within, double Share = 1) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => Share < 1 ? $"routes lead from node to node for {Share:0.###%} of the pairs within {Within.TotalSeconds:0.###} s" : $"every node has a route to every other within {Within.TotalSeconds:0.###} s";
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
    /// <summary>Which sites, and those that have come of them, instead of some at random; empty: as <paramref name="Share"/> says.</summary>
    public IReadOnlyList<string> Sites { get; init; } = [];

    /// <inheritdoc/>
    public override string Title => Sites.Count > 0 ? $"{string.Join(", ", Sites)} are cut off" : Share > 0 ? $"{Share:0.###%} of the sites are cut off" : "the Internet is whole again";
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
/// <param name="Pattern">Who with whom.</param>
/// <param name="Octets">Payload of a ping.</param>
/// <param name="Hub">With <see cref="TrafficPattern.Hub"/>, the node with which all others talk.</param>
public sealed record Traffic(int Pairs, TimeSpan Interval, TrafficPattern Pattern = TrafficPattern.Random, int Octets = Traffic.DefaultOctets, string? Hub = null) : ScenarioStep
{
    /// <summary>Payload where nothing is said.</summary>
    public const int DefaultOctets = 16;

    /// <summary>What the measures are called by, where there is traffic more than once; may be empty.</summary>
    public string Label { get; init; } = "";

    /// <inheritdoc/>
    public override string? Machine => Hub;

    /// <inheritdoc/>
    public override string Title =>
        (Pattern == TrafficPattern.Hub ? $"{Pairs} nodes begin to ping {Hub}" : $"{Pairs} pairs of nodes begin to ping each other") + $" every {Interval.TotalSeconds:0.###} s"
        + (Pattern == TrafficPattern.Gravity ? ", some much more than others" : "") + (Octets == DefaultOctets ? "" : $", {Octets} octets each time");
}

/// <summary>Between which nodes traffic goes.</summary>
public enum TrafficPattern
{
    /// <summary>Any two, each pair as likely as any other.</summary>
    Random,

    /// <summary>Nodes have weights, the k-th of them 1/k, and a pair is as likely as the product of its weights: few nodes have much of the traffic, as in gravity models of real networks.</summary>
    Gravity,

    /// <summary>All with one.</summary>
    Hub,
}

/// <summary>The traffic ends, and what was lost is counted: pings without an answer between nodes to which nothing was done.</summary>
/// <param name="MaxLost">More lost pings are a violation; null: any number is good.</param>
/// <param name="MinDestroyed">It is a violation where fewer tunnels were destroyed in order meanwhile: then the traffic has not shown much.</param>
public sealed record StopTraffic(int? MaxLost, int MinDestroyed = 0) : ScenarioStep
{
    /// <summary>A larger share of lost pings is a violation, 0..1; null: any is good.</summary>
    public double? MaxLostShare { get; init; }

    /// <summary>A longer mean round trip is a violation; null: any is good.</summary>
    public TimeSpan? Mean { get; init; }

    /// <inheritdoc/>
    public override string Title =>
        (MaxLostShare is { } share ? $"at most {share:0.###%} of the pings were lost" : MaxLost is { } lost ? $"at most {lost} pings were lost" : "the traffic ends") + (MinDestroyed > 0 ? $", and at least {MinDestroyed} tunnels were destroyed in order" : "")
        + (Mean is { } mean ? $", and their mean round trip was at most {mean.TotalMilliseconds:0.###} ms" : "");
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
