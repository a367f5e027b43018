using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>How often a value was seen.</summary>
/// <param name="Value">The value; of a range, its begin.</param>
/// <param name="Count">How often.</param>
public readonly record struct Bar(double Value, long Count);

/// <summary>How new parameters got around.</summary>
/// <param name="Version">Which.</param>
/// <param name="Seconds">When nodes began to use them, since their publication, in order; of many nodes some, evenly, with the first and the last.</param>
public sealed record Propagation(ulong Version, IReadOnlyList<double> Seconds)
{
    /// <summary>The most times that are kept of one version.</summary>
    public const int MaxSeconds = 200;

    /// <summary>Of times in any order.</summary>
    public static Propagation Of(ulong version, IEnumerable<double> seconds)
    {
        double[] sorted = [.. seconds.Order()];
        return new(version, sorted.Length <= MaxSeconds ? sorted : [.. Enumerable.Range(0, MaxSeconds).Select(i => sorted[i * (sorted.Length - 1) / (MaxSeconds - 1)])]);
    }
}

/// <summary>The network at the end of a run, and what the registry had to do: what the plots of a report show.</summary>
public sealed record NetworkShape
{
    private const int MaxDestinations = 200;
    private const int MaxLoadBars = 120;
    private const double StretchStep = 0.25;
    private const double LargestStretch = 10;

    /// <summary>Pairs of nodes by the number of tunnels between them. In large networks ways to <c>200</c> destinations are followed.</summary>
    public IReadOnlyList<Bar> Hops { get; init; } = [];

    /// <summary>Pairs of nodes of different sites by how many times as long their way through the overlay is as that through the underlay, by the usual round trips: in steps of a quarter, and what is
    /// above 10 is 10.</summary>
    public IReadOnlyList<Bar> Stretches { get; init; } = [];

    /// <summary>Nodes by the number of their tunnels.</summary>
    public IReadOnlyList<Bar> Arities { get; init; } = [];

    /// <summary>Requests to the registry by the second of virtual time at which a part of the run begins.</summary>
    public IReadOnlyList<Bar> RegistryLoad { get; init; } = [];

    /// <summary>How versions of the parameters got around, those that somebody waited for.</summary>
    public IReadOnlyList<Propagation> Propagations { get; init; } = [];

    /// <summary>Looks at a network.</summary>
    /// <param name="world">The network.</param>
    /// <param name="running">Those of its nodes that count.</param>
    /// <param name="propagations">What was seen during the run.</param>
    public static NetworkShape Of(SimulatedNetwork world, IReadOnlyList<SimulatedNode> running, IReadOnlyList<Propagation> propagations)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(running);
        (IEnumerable<int> hops, IEnumerable<double> stretches) = Follow(world, running);
        return new NetworkShape
        {
            Hops = Count(hops.Select(static count => (double)count)),
            Stretches = Count(stretches.Select(static stretch => Math.Min(LargestStretch, Math.Floor(stretch / StretchStep) * StretchStep))),
            Arities = Count(running.Select(static node => (double)node.Tunnels.Count(static tunnel => tunnel.State == TunnelState.Up))),
            RegistryLoad = Load(world),
            Propagations = propagations,
        };
    }

    private static Bar[] Count(IEnumerable<double> values) => [.. values.CountBy(static value => value).OrderBy(static pair => pair.Key).Select(static pair => new Bar(pair.Key, pair.Value))];

    private static Bar[] Load(SimulatedNetwork world)
    {
        long width = Math.Max(1, (long)Math.Ceiling(world.Engine.Now.TotalSeconds / MaxLoadBars));
        return [.. world.Registry.CallsBySecond.GroupBy(entry => entry.Key / width * width).OrderBy(static group => group.Key).Select(static group => new Bar(group.Key, group.Sum(static entry => entry.Value)))];
    }

    private static (List<int> Hops, List<double> Stretches) Follow(SimulatedNetwork world, IReadOnlyList<SimulatedNode> running)
    {
        int step = Math.Max(1, (int)Math.Ceiling(running.Count / (double)MaxDestinations));
        var places = new Dictionary<NodePrefix, int>();
        var destinations = new Dictionary<Ipv6Prefix, int[]>();   // the next node of each
        for (int i = 0; i < running.Count; i++)
        {
            places[running[i].Identity!.Prefix] = i;
            if (i % step == 0)
                destinations[running[i].Identity!.Prefix.Subnet(world.Network)] = [.. Enumerable.Repeat(-1, running.Count)];
        }

        for (int i = 0; i < running.Count; i++)
        {
            foreach (NodeRoute route in running[i].Routes)
            {
                if (destinations.TryGetValue(route.Destination, out int[]? next) && places.TryGetValue(route.Via, out int via))
                    next[i] = via;
            }
        }

        var hops = new List<int>();
        var stretches = new List<double>();
        foreach ((Ipv6Prefix subnet, int[] next) in destinations)
        {
            int destination = running.Index().First(one => one.Item.Identity!.Prefix.Subnet(world.Network) == subnet).Index;
            for (int source = 0; source < running.Count; source++)
            {
                if (source != destination && Walk(world, running, next, source, destination) is { } way)
                {
                    hops.Add(way.Hops);
                    if (running[source].Machine.Gateway != running[destination].Machine.Gateway)
                        stretches.Add(way.RoundTrip / world.Internet.RoundTrip(running[source].Machine.Gateway, running[destination].Machine.Gateway));
                }
            }
        }

        return (hops, stretches);
    }

    private static (int Hops, TimeSpan RoundTrip)? Walk(SimulatedNetwork world, IReadOnlyList<SimulatedNode> running, int[] next, int source, int destination)
    {
        TimeSpan roundTrip = TimeSpan.Zero;
        int hops = 0;
        for (int at = source; at != destination; hops++)
        {
            int via = next[at];
            if (via < 0 || hops == running.Count)
                return null;   // it ends, or goes in a circle
            roundTrip += world.Internet.RoundTrip(running[at].Machine.Gateway, running[via].Machine.Gateway);
            at = via;
        }

        return (hops, roundTrip);
    }
}
