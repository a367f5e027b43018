using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Network;

/// <summary>Speakers joined by links, in virtual time. The same seed gives the same run to the octet.</summary>
/// <remarks>
/// Watches two invariants on every route change: following the selected routes never comes back to where it started, and no selected metric exceeds what
/// the longest possible path costs (nobody counts to infinity).
/// </remarks>
internal sealed class VirtualNetwork
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private readonly Dictionary<(int Node, int Link, long Window), int> _rates = [];
    private long _order;
    private long _eventCount;
    private int _totalCost;

    public VirtualNetwork(ulong seed, TimeSpan hello, BabelOptions? options = null)
    {
        Random = new SeededRandom(seed);
        Hello = hello;
        Options = options ?? new BabelOptions();
    }

    public SeededRandom Random { get; }

    public TimeSpan Hello { get; }

    public BabelOptions Options { get; }

    public PacketWriter Writer { get; } = new();

    public TimeSpan Now { get; private set; }

    public List<VirtualNode> Nodes { get; } = [];

    public List<VirtualLink> Links { get; } = [];

    /// <summary>Hash of every packet with its time and sender.</summary>
    public ulong Digest { get; private set; } = 0xCBF2_9CE4_8422_2325;

    public long Packets { get; private set; }

    public long RouteChanges { get; private set; }

    /// <summary>The largest multiplier that a test sets on a neighbour, as a factor; bounds what a path may cost.</summary>
    public int MaxMultiplier { get; set; } = 1;

    /// <summary>The most that a packet may be late beyond its link's latency; packets overtake each other within it.</summary>
    public TimeSpan Jitter { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>What round trips cost on links that are made from now on.</summary>
    public RttParameters? Rtt { get; set; }

    /// <summary>Whether a route that is lost is a violation, too.</summary>
    public bool MustKeepRoutes { get; set; }

    public List<string> Violations { get; } = [];

    /// <summary>The most packets that one node sent on one link within <see cref="RateWindow"/>.</summary>
    public int BusiestWindow { get; private set; }

    public static TimeSpan RateWindow { get; } = TimeSpan.FromSeconds(10);

    /// <summary>After how many events all nodes are looked at for loops, and not only those whose routes they say have changed; 0 for never.</summary>
    public int AuditEvery { get; set; }

    /// <summary>How long a node that crashed stays down at least. One that comes back before its neighbours have noticed has forgotten its distances while they still send to it.</summary>
    public TimeSpan MinDowntime { get; set; }

    /// <summary>What is announced besides the nodes' own prefixes, and by whom.</summary>
    public List<(RouteKey Key, VirtualNode Node)> Extras { get; } = [];

    public VirtualNode AddNode()
    {
        var node = new VirtualNode(this, Nodes.Count);
        Nodes.Add(node);
        return node;
    }

    public VirtualLink Connect(VirtualNode left, VirtualNode right, ushort cost = 96, LinkKind kind = LinkKind.Tunnel) => Join(kind, cost, left, right);

    /// <summary>Puts nodes on a network where all hear what one multicasts.</summary>
    public VirtualLink ConnectLan(params VirtualNode[] nodes) => Join(LinkKind.Wired, 96, nodes);

    /// <summary>Starts all nodes within one Hello interval.</summary>
    public void StartAll()
    {
        foreach (VirtualNode node in Nodes)
            At(Random.Between(TimeSpan.Zero, Hello), node.Start);
    }

    public void At(TimeSpan time, Action action) => _events.Enqueue(action, (time, _order++));

    public void Reschedule(VirtualNode node)
    {
        Assert.Equal(node.Speaker.EarliestDeadline, node.Speaker.ListedDeadline);   // after each input of each test
        TimeSpan deadline = node.Speaker.NextDeadline;
        if (deadline >= node.WakeAt && node.WakeAt > Now)
            return;
        if (deadline == TimeSpan.MaxValue)
            return;
        TimeSpan at = deadline < Now ? Now : deadline;
        BabelSpeaker speaker = node.Speaker;
        node.WakeAt = at;
        At(at, () =>
        {
            if (node.WakeAt == at)
                node.WakeAt = TimeSpan.MaxValue;
            if (!node.IsAlive || node.Speaker != speaker)
                return;
            if (speaker.NextDeadline <= Now)
                speaker.Tick(Now);
            Reschedule(node);
        });
    }

    public void Transmit(VirtualNode sender, VirtualLink link, BabelAddress destination, ReadOnlySpan<byte> payload)
    {
        Packets++;
        (int, int, long) window = (sender.Index, link.Index, Now.Ticks / RateWindow.Ticks);
        BusiestWindow = Math.Max(BusiestWindow, _rates[window] = _rates.GetValueOrDefault(window) + 1);
        Mix((ulong)Now.Ticks);
        Mix(((ulong)sender.Index << 32) | (uint)link.Index);
        foreach (byte octet in payload)
            Mix(octet);
        byte[]? copy = null;
        foreach (VirtualNode receiver in link.Ends)
        {
            if (receiver == sender)
                continue;
            bool isForReceiver = destination == BabelAddress.Multicast || destination == link.AddressOf(receiver);
            bool isLost = Random.Chance(link.Loss);
            if (!link.IsUp || !isForReceiver || isLost)
                continue;
            copy ??= payload.ToArray();
            TimeSpan jitter = Random.Between(TimeSpan.Zero, Jitter);
            Deliver(sender, link, receiver, destination, copy, Now + link.Latency + jitter);
        }
    }

    public void Changed(VirtualNode node, ReadOnlySpan<RouteKey> prefixes)
    {
        foreach (RouteKey prefix in prefixes)
        {
            RouteChanges++;
            if (!node.Speaker.TryGetSelected(prefix, out RouteSnapshot route))
            {
                if (MustKeepRoutes && node.IsAlive)
                    Violations.Add($"{Now}: node {node.Index} has lost its route to {prefix}");
                continue;
            }

            if (route.Metric > _totalCost * MaxMultiplier)
                Violations.Add($"{Now}: node {node.Index} has {prefix} at metric {route.Metric}, more than any path can cost ({_totalCost * MaxMultiplier})");
            CheckLoop(node, prefix);
        }
    }

    /// <summary>Follows the selected routes from every node for every prefix.</summary>
    public void Audit()
    {
        foreach (VirtualNode node in Nodes.Where(n => n.IsAlive))
        {
            foreach (VirtualNode to in Nodes.Where(to => to != node))
                CheckLoop(node, to.Prefix);
            foreach ((RouteKey key, _) in Extras)
                CheckLoop(node, key);
        }
    }

    private static IEnumerable<string> Chain(VirtualNode node, RouteKey key, int hops)
    {
        for (int i = 0; i < hops; i++)
        {
            _ = node.Speaker.TryGetSelected(key, out RouteSnapshot route);
            yield return $"node {node.Index}, up since {node.StartedAt}, takes {route.RouterId} seqno {route.Seqno} at {route.RefMetric} + {route.Metric - route.RefMetric}";
            node = node.NextHop(key)!;
        }
    }

    // Where several announce the same, RFC 8966 section 2.7 promises no loop for each origin alone: the ways to two of them may cross for a moment.
    private void CheckLoop(VirtualNode node, RouteKey key)
    {
        bool isShared = Extras.Count(extra => extra.Key == key) > 1;
        RouterId? origin = isShared ? node.OriginOf(key) : null;
        VirtualNode? at = node.NextHop(key);
        for (int hops = 0; at is { IsAlive: true } && hops <= Nodes.Count; hops++)
        {
            if (at == node)
            {
                Violations.Add($"{Now}: packets from node {node.Index} for {key} come back to it after {hops + 1} hops: {string.Join(", ", Chain(node, key, hops + 1))}");
                break;
            }

            if (isShared && at.OriginOf(key) != origin)
                break;
            at = at.NextHop(key);
        }
    }

    public void RunUntil(TimeSpan end)
    {
        while (_events.TryPeek(out _, out (TimeSpan At, long Order) next) && next.At <= end)
        {
            Action action = _events.Dequeue();
            Now = next.At;
            action();
            if (AuditEvery > 0 && ++_eventCount % AuditEvery == 0)
                Audit();
        }

        Now = end;
    }

    public void RunFor(TimeSpan duration) => RunUntil(Now + duration);

    /// <summary>Runs until every live node can reach what it should, checking after every event.</summary>
    /// <returns>The time this took, or null where it did not happen in time.</returns>
    public TimeSpan? RunUntilConverged(TimeSpan limit)
    {
        TimeSpan start = Now;
        while (!IsConverged())
        {
            if (!_events.TryPeek(out _, out (TimeSpan At, long Order) next) || next.At > start + limit)
                return null;
            RunUntil(next.At);
        }

        return Now - start;
    }

    /// <summary>Whether the packets of every node arrive at every node with which it is physically connected, and nobody keeps a route to others.</summary>
    public bool IsConverged() => FirstDifference() is null;

    public string? FirstDifference()
    {
        int[] islandOf = Islands();
        foreach (VirtualNode from in Nodes.Where(n => n.IsAlive))
        {
            foreach (VirtualNode to in Nodes)
            {
                if (from == to)
                    continue;
                bool expected = to.IsAlive && islandOf[from.Index] == islandOf[to.Index];
                bool actual = expected ? Arrives(from, to) : from.NextHop(to.Prefix) is not null;
                if (actual != expected)
                    return $"node {from.Index} to {to.Index}: {(expected ? "unreachable" : "still has a route")}";
            }

            foreach (RouteKey key in Extras.Select(extra => extra.Key).Distinct())
            {
                VirtualNode[] origins = [.. Extras.Where(extra => extra.Key == key && extra.Node.IsAlive && islandOf[extra.Node.Index] == islandOf[from.Index]).Select(extra => extra.Node)];
                bool arrives = origins.Length == 0 ? from.NextHop(key) is null : origins.Contains(from) || ArrivesAt(from, key, origins);
                if (!arrives)
                    return $"node {from.Index} to {key}: {(origins.Length == 0 ? "still has a route" : "unreachable")}";
            }
        }

        return null;
    }

    public void AssertNoViolation() => Assert.Empty(Violations.Take(3));

    private VirtualLink Join(LinkKind kind, ushort cost, params VirtualNode[] nodes)
    {
        var link = new VirtualLink(Links.Count, nodes, kind, cost, Random.Between(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(50))) { Rtt = Rtt };
        Links.Add(link);
        foreach (VirtualNode node in nodes)
            node.Links.Add(link);
        // What is lossy may cost anything.
        _totalCost += kind == LinkKind.Lossy ? Metric.Infinity - 1 : (cost + (Rtt?.MaxPenalty ?? 0)) * (nodes.Length - 1);
        return link;
    }

    private void Deliver(VirtualNode sender, VirtualLink link, VirtualNode receiver, BabelAddress destination, byte[] packet, TimeSpan at) => At(at, () =>
    {
        if (!link.IsUp || !receiver.IsAlive)
            return;
        // A LAN tells where a packet was sent to, a tunnel does not.
        if (link.Kind == LinkKind.Wired)
            receiver.Speaker.Receive(link.Id, link.AddressOf(sender), destination, packet, Now);
        else
            receiver.Speaker.Receive(link.Id, link.AddressOf(sender), packet, Now);
        Reschedule(receiver);
    });

    private bool Arrives(VirtualNode from, VirtualNode to) => ArrivesAt(from, to.Prefix, to);

    private bool ArrivesAt(VirtualNode from, RouteKey key, params VirtualNode[] origins)
    {
        VirtualNode? at = from;
        for (int hops = 0; hops <= Nodes.Count; hops++)
        {
            if (!at.Speaker.TryGetSelected(key, out RouteSnapshot route))
                return false;
            VirtualLink link = at.Links.Find(l => l.Id == route.Interface)!;
            at = link.NodeAt(route.NextHop);
            if (!link.IsUp || !at.IsAlive)
                return false;
            if (origins.Contains(at))
                return true;
        }

        return false;
    }

    private int[] Islands()
    {
        int[] island = [.. Enumerable.Range(0, Nodes.Count)];
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (VirtualLink link in Links.Where(l => l.IsUp))
            {
                VirtualNode[] alive = [.. link.Ends.Where(node => node.IsAlive)];
                if (alive.Length == 0)
                    continue;
                int low = alive.Min(node => island[node.Index]);
                foreach (VirtualNode node in alive)
                {
                    changed |= island[node.Index] != low;
                    island[node.Index] = low;
                }
            }
        }

        return island;
    }

    private void Mix(ulong value) => Digest = (Digest ^ value) * 0x0000_0100_0000_01B3;
}
