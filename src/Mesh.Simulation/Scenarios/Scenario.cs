using System.Globalization;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Invariants;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>What to simulate: a world and what happens in it.</summary>
public sealed record Scenario
{
    /// <summary>The most nodes of a scenario.</summary>
    public const int MaxNodes = 20_000;

    private const int MaxJoins = 1_000_000;   // uses of one token

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

    /// <summary>What the machines sign and encrypt with. Default: that of real machines.</summary>
    public SimulatedCryptography Cryptography { get; init; } = SimulatedCryptography.Real;

    /// <summary>Settings of the registry, and so of the network.</summary>
    public RegistryOptions Registry { get; init; } = new();

    /// <summary>Who is where.</summary>
    public required IReadOnlyList<Site> Sites { get; init; }

    /// <summary>Whether a node runs on the registry's computer, as in every real network: through it the registry's news reach the others at once. It joins first. Default true.</summary>
    public bool HasRegistryNode { get; init; } = true;

    /// <summary>Where the registry stands, and its line; the registry's node is beside it.</summary>
    public SiteOptions RegistrySite { get; init; } = SiteOptions.Anywhere;

    /// <summary>Nodes are switched on at random within this time. Default 10 s.</summary>
    public TimeSpan JoinSpread { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How invariants are watched, by name; those that are not named are on.</summary>
    public IReadOnlyDictionary<string, InvariantSetting> Invariants { get; init; } = new Dictionary<string, InvariantSetting>(StringComparer.Ordinal);

    /// <summary>What happens, in order.</summary>
    public required IReadOnlyList<ScenarioStep> Steps { get; init; }

    /// <summary>Nodes in all sites, and the registry's.</summary>
    public int NodeCount => Sites.Sum(s => s.Nodes) + (HasRegistryNode ? 1 : 0);

    /// <summary>How many certificates nodes ask for by a token, at most: one each, and one for each that replaces another.</summary>
    public int Joins => (int)Math.Min(MaxJoins, NodeCount + 1 + Steps.OfType<ReplaceNodes>().Sum(replace => Math.Ceiling(replace.Share * NodeCount)) + Steps.OfType<Churn>().Where(static churn => churn.Replaces)
        .Sum(churn => NodeCount * churn.Share * Math.Ceiling(churn.Duration / churn.Interval)));

    /// <summary>The same scenario with another number of nodes: sites with public addresses grow, and of sites behind NAT there are more or fewer.</summary>
    /// <param name="nodes">Nodes in all, the registry's among them; at least as many as there are sites.</param>
    /// <exception cref="ScenarioException">Not every site would have a node, or there would be too many.</exception>
    public Scenario WithNodes(int nodes)
    {
        int registry = HasRegistryNode ? 1 : 0, least = Sites.Sum(static s => s.IsBehindNat ? s.Nodes : 1) + registry;
        if (nodes < least || nodes > MaxNodes)
            throw new ScenarioException([$"scenario {Name} can have {least} to {MaxNodes} nodes, not {nodes}"]);
        int wanted = nodes - registry;
        Scenario scaled = WithSites(wanted);
        foreach (ScenarioStep step in scaled.Steps)
        {
            if (step.Machines.FirstOrDefault(machine => !scaled.HasMachine(machine)) is { } lost)
                throw new ScenarioException([$"scenario {Name} with {nodes} nodes has no machine '{lost}', which it needs for: {step.Title}"]);
        }

        return scaled;
    }

    /// <summary>Whether there is a machine with that name: a node's, <c>registry-node</c> or <c>registry</c>.</summary>
    public bool HasMachine(string name) => name == SimulatedNetwork.RegistryName || HasNode(name);

    /// <summary>Whether there is a node with that name.</summary>
    public bool HasNode(string name) => (name == SimulatedNetwork.RegistryNodeName && HasRegistryNode)
        || Sites.Any(site => name.StartsWith($"{site.Name}-", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(site.Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= site.Nodes && name[site.Name.Length + 1] != '0');

    /// <summary>The same scenario with the faults of a seed in place of faults at random.</summary>
    public Scenario WithFaultsOf(ulong seed) => ChaosExpansion.Expand(this, seed);

    private Scenario WithSites(int wanted)
    {
        double factor = wanted / (double)Sites.Sum(static s => s.Nodes);
        var sites = new List<Site>();
        foreach (Site site in Sites.Where(static s => s.IsBehindNat))
            sites.AddRange(Enumerable.Range(1, Math.Max(1, (int)(factor + 1e-9))).Select(i => i == 1 ? site : site with { Name = $"{site.Name}{i}", Family = site.Family }));
        Site[] open = [.. Sites.Where(static s => !s.IsBehindNat)];
        int left = wanted - sites.Sum(static s => s.Nodes);
        if (open.Length == 0)   // the rest is a smaller site
        {
            if (left > 0)
                sites.Add(sites[0] with { Name = $"{sites[0].Name}-rest", Family = sites[0].Family, Nodes = left });
            return this with { Sites = sites };
        }

        int before = open.Sum(static s => s.Nodes), given = 0;
        for (int i = 0; i < open.Length; i++)
        {
            int share = i == open.Length - 1 ? left - given : Math.Max(1, (int)((long)left * open[i].Nodes / before));
            given += share;
            sites.Add(open[i] with { Nodes = share });
        }

        return this with { Sites = sites };
    }
}

/// <summary>Machines at one place.</summary>
/// <param name="Name">Nodes are called NAME-1, NAME-2, ...</param>
/// <param name="IsBehindNat">True: one public address for all of them.</param>
/// <param name="Nodes">How many nodes, 1..10000.</param>
/// <param name="MapsPorts">Whether the NAT box maps ports for them.</param>
public sealed record Site(string Name, bool IsBehindNat, int Nodes, bool MapsPorts = false)
{
    /// <summary>Where it is, its line, its box, its clocks and its programs.</summary>
    public SiteOptions Options { get; init; } = SiteOptions.Anywhere;

    /// <summary>The name in the file of the site that it has come of, where the scenario was made larger.</summary>
    public string Family { get => field ?? Name; init; }

    /// <summary>True: its nodes are not switched on at the begin, but by a step.</summary>
    public bool JoinsLater { get; init; }
}
