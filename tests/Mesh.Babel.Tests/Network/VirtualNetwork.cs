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
    private long _order;
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

    public List<string> Violations { get; } = [];

    public VirtualNode AddNode()
    {
        var node = new VirtualNode(this, Nodes.Count);
        Nodes.Add(node);
        return node;
    }

    public VirtualLink Connect(VirtualNode left, VirtualNode right, ushort cost = 96)
    {
        var link = new VirtualLink(Links.Count, left, right, cost, Random.Between(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(50)));
        Links.Add(link);
        left.Links.Add(link);
        right.Links.Add(link);
        _totalCost += cost;
        return link;
    }

    /// <summary>Starts all nodes within one Hello interval.</summary>
    public void StartAll()
    {
        foreach (VirtualNode node in Nodes)
            At(Random.Between(TimeSpan.Zero, Hello), node.Start);
    }

    public void At(TimeSpan time, Action action) => _events.Enqueue(action, (time, _order++));

    public void Reschedule(VirtualNode node)
    {
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
        Mix((ulong)Now.Ticks);
        Mix(((ulong)sender.Index << 32) | (uint)link.Index);
        foreach (byte octet in payload)
            Mix(octet);
        VirtualNode receiver = link.PeerOf(sender);
        bool isForReceiver = destination == BabelAddress.Multicast || destination == link.AddressOf(receiver);
        bool isLost = Random.Chance(link.Loss);
        if (!link.IsUp || !isForReceiver || isLost)
            return;
        byte[] copy = payload.ToArray();
        TimeSpan jitter = Random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(2));
        At(Now + link.Latency + jitter, () =>
        {
            if (!link.IsUp || !receiver.IsAlive)
                return;
            receiver.Speaker.Receive(link.Id, link.AddressOf(sender), copy, Now);
            Reschedule(receiver);
        });
    }

    public void Changed(VirtualNode node, ReadOnlySpan<BabelPrefix> prefixes)
    {
        foreach (BabelPrefix prefix in prefixes)
        {
            RouteChanges++;
            if (!node.Speaker.TryGetSelected(prefix, out RouteSnapshot route))
                continue;
            if (route.Metric > _totalCost * MaxMultiplier)
                Violations.Add($"{Now}: node {node.Index} has {prefix} at metric {route.Metric}, more than any path can cost ({_totalCost * MaxMultiplier})");
            VirtualNode? at = node.NextHop(prefix);
            for (int hops = 0; at is { IsAlive: true }; hops++)
            {
                if (at == node)
                {
                    Violations.Add($"{Now}: packets from node {node.Index} for {prefix} come back to it after {hops + 1} hops");
                    break;
                }

                if (hops > Nodes.Count)
                    break;
                at = at.NextHop(prefix);
            }
        }
    }

    public void RunUntil(TimeSpan end)
    {
        while (_events.TryPeek(out _, out (TimeSpan At, long Order) next) && next.At <= end)
        {
            Action action = _events.Dequeue();
            Now = next.At;
            action();
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
        }

        return null;
    }

    public void AssertNoViolation() => Assert.Empty(Violations.Take(3));

    private bool Arrives(VirtualNode from, VirtualNode to)
    {
        VirtualNode? at = from;
        for (int hops = 0; hops <= Nodes.Count; hops++)
        {
            if (!at.Speaker.TryGetSelected(to.Prefix, out RouteSnapshot route))
                return false;
            VirtualLink link = at.Links.Find(l => l.Id == route.Interface)!;
            at = link.PeerOf(at);
            if (!link.IsUp || !at.IsAlive)
                return false;
            if (at == to)
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
            foreach (VirtualLink link in Links.Where(l => l.IsUp && l.Left.IsAlive && l.Right.IsAlive))
            {
                int low = Math.Min(island[link.Left.Index], island[link.Right.Index]);
                changed |= island[link.Left.Index] != low || island[link.Right.Index] != low;
                island[link.Left.Index] = island[link.Right.Index] = low;
            }
        }

        return island;
    }

    private void Mix(ulong value) => Digest = (Digest ^ value) * 0x0000_0100_0000_01B3;
}
