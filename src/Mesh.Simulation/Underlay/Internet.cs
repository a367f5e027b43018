using System.Net;
using Mesh.Actors;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>How the simulated Internet treats packets.</summary>
public sealed record InternetOptions
{
    /// <summary>One-way delay between two places at distance zero. Default 1 ms; must be positive.</summary>
    public TimeSpan BaseLatency { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>A packet takes up to this much longer, at random. Default 1 ms.</summary>
    public TimeSpan Jitter { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Share of packets that are lost, 0..1. Default 0.</summary>
    public double Loss { get; init; }

    /// <summary>One-way delay inside a site. Default 200 microseconds.</summary>
    public TimeSpan LanLatency { get; init; } = TimeSpan.FromMicroseconds(200);

    /// <summary>How distance makes delay, on top of <see cref="BaseLatency"/>. Default: on a plane.</summary>
    public LatencyModel Latency { get; init; } = PlaneLatency.Instance;
}

/// <summary>The network between sites: who has which public address, how long packets take and which are lost.</summary>
public sealed class Internet(SimulationEngine engine, InternetOptions options)
{
    private readonly Dictionary<IPAddress, UnderlayNode> _public = [];
    private const int MaxRetransmissions = 15;   // as Linux gives a connection up
    private static readonly TimeSpan FirstRetransmission = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastRetransmission = TimeSpan.FromMinutes(2);

    private readonly HashSet<(int, int)> _cuts = [];
    private IReadOnlySet<int>? _island;

    /// <summary>How packets are treated.</summary>
    public InternetOptions Options => options;

    /// <summary>Remembers what machines do and why, or null.</summary>
    internal Tracing.CausalTrace? Trace { get; set; }

    /// <summary>Packets lost on the way.</summary>
    public long Lost => engine.Lost;

    /// <summary>Packets for which the queue of a line had no room.</summary>
    public long Dropped => engine.SumOfRanks(_public.Values.Distinct().Sum(static node => node.Dropped + (node.Downlink?.Dropped ?? 0)));

    /// <summary>Makes an address lead to a node.</summary>
    public void Attach(UnderlayNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        Attach(node, node.Address);
    }

    /// <summary>Makes another address lead to a node.</summary>
    public void Attach(UnderlayNode node, IPAddress address) => _public.Add(address, node);

    /// <summary>Whether somebody has that address.</summary>
    public bool Has(IPAddress address) => _public.ContainsKey(address);

    /// <summary>Cuts or mends the way between two nodes, in both directions.</summary>
    public void SetCut(UnderlayNode a, UnderlayNode b, bool isCut)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        (int, int) pair = a.Id < b.Id ? (a.Id, b.Id) : (b.Id, a.Id);
        if (isCut)
            _cuts.Add(pair);
        else
            _cuts.Remove(pair);
    }

    /// <summary>Cuts some nodes off from all others, in place of those that were cut off before. Among themselves they go on.</summary>
    /// <param name="island">Machines with public addresses and NAT boxes; empty mends the Internet.</param>
    public void Isolate(IEnumerable<UnderlayNode> island)
    {
        HashSet<int> ids = [.. island.Select(static node => node.Id)];
        _island = ids.Count == 0 ? null : ids;
    }

    /// <summary>The usual round trip between two nodes without the overlay, with the mean of the jitter and without queues; between two in one site, through its network.</summary>
    public TimeSpan RoundTrip(UnderlayNode one, UnderlayNode other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        if (one == other)
            return options.LanLatency * 2;
        return (2 * (options.BaseLatency + TimeSpan.FromMilliseconds(options.Latency.Milliseconds(one.Place, other.Place)))) + options.Jitter + one.Access.Jitter + other.Access.Jitter;
    }

    internal void Route(UnderlayNode from, Packet packet, DeterministicRandom random, int attempt = 0)
    {
        if (!_public.TryGetValue(packet.Destination.Address, out UnderlayNode? to))
        {
            from.Lane.Undelivered++;
            return;
        }

        TimeSpan waits = TimeSpan.Zero;
        if (from.Uplink is { } uplink && !uplink.TryPass(from.Lane.Now, packet.Octets, out waits))
        {
            from.Dropped++;
            if (packet.Protocol == PacketProtocol.Tcp)   // there is room before long
                from.Lane.After(from, Retransmission(0), () => Route(from, packet, random, attempt));
            return;
        }

        bool isCut = IsCut(from.Gateway, to.Gateway);
        TimeSpan jitter = options.Jitter + from.Access.Jitter + to.Access.Jitter;
        TimeSpan delay = waits + options.BaseLatency + TimeSpan.FromMilliseconds(options.Latency.Milliseconds(from.Place, to.Place)) + (jitter * random.NextDouble());
        double loss = Either(Either(options.Loss, from.Access.Loss), to.Access.Loss);
        bool isLost = isCut || (loss > 0 && random.NextDouble() < loss);
        if (isLost && packet.Protocol == PacketProtocol.Udp)
        {
            from.Lane.Lost++;
            return;
        }

        // TCP sends a lost segment again, which costs time; where the way is cut, again and again.
        if (isCut)
        {
            from.Lane.Lost++;
            if (attempt < MaxRetransmissions)
                from.Lane.After(from, Retransmission(attempt), () => Route(from, packet, random, attempt + 1));
            return;
        }

        if (isLost)
            delay += FirstRetransmission;
        from.Lane.Send(from, to.Downlink ?? to, delay, packet);
    }

    internal void SendInside(UnderlayNode from, UnderlayNode to, Packet packet) => from.Lane.Send(from, to, options.LanLatency, packet);

    internal static TimeSpan Retransmission(int attempt)
    {
        TimeSpan wait = FirstRetransmission * (1 << attempt);
        return wait < LastRetransmission ? wait : LastRetransmission;
    }

    // The probability of one or the other; exactly the first where the second is 0.
    private static double Either(double one, double other) => one + other - (one * other);

    internal bool IsCut(UnderlayNode from, UnderlayNode to) =>
        (_island is { } island && island.Contains(from.Id) != island.Contains(to.Id))
        || (_cuts.Count > 0 && _cuts.Contains(from.Id < to.Id ? (from.Id, to.Id) : (to.Id, from.Id)));
}
