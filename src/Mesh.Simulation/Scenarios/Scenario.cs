using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Scenarios;

/// <summary>What to simulate: a world and what happens in it.</summary>
public sealed record Scenario
{
    /// <summary>Name, for reports.</summary>
    public required string Name { get; init; }

    /// <summary>One sentence: what it shows.</summary>
    public string Description { get; init; } = "";

    /// <summary>The overlay network. Default 2001:db8:42::/48.</summary>
    public NetworkPrefix Network { get; init; } = NetworkPrefix.Parse("2001:db8:42::/48");

    /// <summary>How the underlay treats packets.</summary>
    public InternetOptions Internet { get; init; } = new();

    /// <summary>Side of the square in which sites stand at random: milliseconds of one-way delay, 0..1000, default 40.</summary>
    public double DiameterMilliseconds { get; init; } = 40;

    /// <summary>Settings of the registry, and so of the network.</summary>
    public RegistryOptions Registry { get; init; } = new();

    /// <summary>Who is where.</summary>
    public required IReadOnlyList<Site> Sites { get; init; }

    /// <summary>Whether a node runs on the registry's computer, as in every real network: through it the registry's news reach the others at once. It joins first. Default true.</summary>
    public bool HasRegistryNode { get; init; } = true;

    /// <summary>Nodes are switched on at random within this time. Default 10 s.</summary>
    public TimeSpan JoinSpread { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What happens, in order.</summary>
    public required IReadOnlyList<ScenarioStep> Steps { get; init; }

    /// <summary>Nodes in all sites, and the registry's.</summary>
    public int NodeCount => Sites.Sum(s => s.Nodes) + (HasRegistryNode ? 1 : 0);
}

/// <summary>Machines at one place.</summary>
/// <param name="Name">Nodes are called NAME-1, NAME-2, ...</param>
/// <param name="IsBehindNat">True: one public address for all of them.</param>
/// <param name="Nodes">How many nodes, 1..10000.</param>
public sealed record Site(string Name, bool IsBehindNat, int Nodes);

/// <summary>One thing that happens in a scenario.</summary>
public abstract record ScenarioStep
{
    private protected ScenarioStep()
    {
    }

    /// <summary>What happens, for people.</summary>
    public abstract string Title { get; }
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

/// <summary>Every running node pings every other; each unanswered pair is a violation.</summary>
/// <param name="Attempts">A pair counts as answered if one of so many pings is.</param>
public sealed record PingAll(int Attempts) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => "every node pings every other";
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
}

/// <summary>Something is done to a machine.</summary>
/// <param name="Fault">What.</param>
/// <param name="Machine">Its name: a node's, <c>registry-node</c> or <c>registry</c>.</param>
public sealed record Inflict(MachineFault Fault, string Machine) : ScenarioStep
{
    /// <inheritdoc/>
    public override string Title => $"{Fault.ToString().ToLowerInvariant()} {Machine}";
}
