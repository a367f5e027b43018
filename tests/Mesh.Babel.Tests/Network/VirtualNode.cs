using Mesh.Babel.Mac;

namespace Mesh.Babel.Tests.Network;

/// <summary>A speaker in a <see cref="VirtualNetwork"/>, with one prefix of its own.</summary>
internal sealed class VirtualNode(VirtualNetwork network, int index) : IBabelOutput
{
    private int _incarnation;

    public int Index { get; } = index;

    public BabelPrefix Prefix { get; } = BabelPrefix.Parse($"2001:db8:{index + 1:x}::/48");

    public BabelSpeaker Speaker { get; private set; } = null!;

    public bool IsAlive { get; private set; }

    /// <summary>When it went down the last time.</summary>
    public TimeSpan CrashedAt { get; private set; }

    /// <summary>When it was started the last time.</summary>
    public TimeSpan StartedAt { get; private set; }

    /// <summary>For when a wake-up stands in the event queue; a later change makes it void.</summary>
    public TimeSpan WakeAt { get; set; } = TimeSpan.MaxValue;

    public List<VirtualLink> Links { get; } = [];

    /// <summary>Its keys on all links.</summary>
    public MacKeys Keys { get; private set; } = MacKeys.None;

    // A router-id per start: what peers remember of the previous run does not concern this one.
    public void Start() => Start(new RouterId(((ulong)++_incarnation << 32) | (uint)(Index + 1)), seqno: null);

    public void Start(RouterId routerId, Seqno? seqno)
    {
        (IsAlive, StartedAt) = (true, network.Now);
        Speaker = new BabelSpeaker(routerId, network.Options, network.Random.Next, this, network.Writer, firstSeqno: seqno);
        _ = Speaker.Announce(Prefix, network.Now);
        foreach ((RouteKey key, VirtualNode node) in network.Extras)
        {
            if (node == this)
                _ = Speaker.Announce(key, network.Now);
        }

        foreach (VirtualLink link in Links)
            Speaker.AddInterface(link.Id, link.ParametersFor(this, network.Hello), network.Now);
        network.Reschedule(this);
    }

    /// <summary>Gives it other keys, running or not.</summary>
    public void SetKeys(MacKeys keys)
    {
        Keys = keys;
        if (!IsAlive)
            return;
        foreach (VirtualLink link in Links)
            Assert.True(Speaker.SetKeys(link.Id, keys, network.Now));
        network.Reschedule(this);
    }

    /// <summary>Power off: no farewell.</summary>
    public void Crash() => (IsAlive, CrashedAt) = (false, network.Now);

    public void Do(Action<BabelSpeaker> action)
    {
        action(Speaker);
        network.Reschedule(this);
    }

    public void Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload) => network.Transmit(this, Links.Find(l => l.Id == link)!, destination, payload);

    public void RoutesChanged(ReadOnlySpan<RouteKey> routes) => network.Changed(this, routes);

    /// <summary>Whose announcement the selected route follows.</summary>
    public RouterId? OriginOf(RouteKey key) => Speaker.TryGetSelected(key, out RouteSnapshot route) ? route.RouterId : null;

    /// <summary>The node to which packets for <paramref name="prefix"/> go next; null where they stop here.</summary>
    public VirtualNode? NextHop(RouteKey prefix) =>
        Speaker.TryGetSelected(prefix, out RouteSnapshot route) ? Links.Find(l => l.Id == route.Interface)!.NodeAt(route.NextHop) : null;
}
