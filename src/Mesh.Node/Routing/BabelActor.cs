using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Babel;
using Mesh.Babel.Mac;
using Mesh.DataPlane;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>A way to a node of the network that is in use. Published in <see cref="RoutesPublished"/>.</summary>
/// <param name="Destination">The node's subnet.</param>
/// <param name="Tunnel">The tunnel that packets take.</param>
/// <param name="Via">The node at its other end.</param>
/// <param name="Metric">Babel metric; one plain tunnel costs 96.</param>
public sealed record NodeRoute(Ipv6Prefix Destination, TunnelIndex Tunnel, NodePrefix Via, int Metric)
{
    /// <summary>Where the kernel sends the packets; null where the data plane does.</summary>
    public KernelHop? Hop { get; init; }

    /// <summary>The name of the interface where the neighbour is on the LAN and not behind a tunnel; else null.</summary>
    public string? Device { get; init; }
}

/// <summary>The forwarding table has been replaced. Published on the event stream.</summary>
/// <param name="Routes">In the order of their destinations; metrics as they were when the route was chosen.</param>
public sealed record RoutesPublished(ImmutableArray<NodeRoute> Routes);

/// <summary>Complete a status with the routes as they are now, and answer the sender with it.</summary>
/// <param name="Status">Without routes.</param>
public sealed record DescribeRoutes(NodeStatus Status);

/// <summary>Multiply what a tunnel costs, until another message says otherwise or the link is gone. Answer: <see cref="LinkLocked"/>, once the table that follows is in force.</summary>
/// <param name="Tunnel">The tunnel.</param>
/// <param name="Multiplier">In 1/256: 256 is what it costs by itself, 0 makes it unusable.</param>
/// <param name="Number">Comes back with the answer.</param>
/// <param name="SeeksOtherWays">Whether to find out what has no other way, which takes a look at all routes.</param>
public sealed record LockLink(TunnelIndex Tunnel, ushort Multiplier, ulong Number, bool SeeksOtherWays);

/// <summary>How much a tunnel is used.</summary>
/// <param name="Tunnel">The tunnel.</param>
/// <param name="Number">The question's.</param>
/// <param name="IsKnown">Whether it is a link of the routing protocol, and the node at its other end is known there.</param>
/// <param name="Multiplier">What multiplies its cost.</param>
/// <param name="Routes">How many routes in force lead through it.</param>
/// <param name="Stranded">How many destinations that it leads to, or would if it were usable, have no other way; 0 where that was not asked.</param>
public sealed record LinkLocked(TunnelIndex Tunnel, ulong Number, bool IsKnown, ushort Multiplier, int Routes, int Stranded);

/// <summary>Runs the Babel speaker on the node's tunnels and publishes its routes to the data plane.</summary>
/// <remarks>
/// A tunnel is a point-to-point interface of the speaker. Its two ends have link-local addresses that follow from the nodes' prefixes, so that the
/// speaker sees what it would see on a LAN. Changes that come together are published once.
/// </remarks>
public sealed partial class BabelActor : Actor, IBabelOutput
{
    private const int MaxAtOnce = 64;   // routes that are published with each change

    private readonly RoutingOptions _options;
    private readonly IDataPlanePort _dataPlane;
    private readonly IKernelLinkPort? _kernel;
    private readonly Dictionary<InterfaceId, RoutingLinkUp> _links = [];
    private readonly Dictionary<InterfaceId, ushort> _multipliers = [];   // of links whose cost is not as it should be
    private readonly RouteBook _routes = new();
    private readonly List<BabelPrefix> _changed = [];
    private readonly BabelAddress _linkLocal;
    private BabelSpeaker _speaker = null!;   // as long as there is none, messages are put aside
    private TimeSpan _helloInterval;
    private RttParameters? _rtt;
    private MacKeys _keys = MacKeys.None;
    private TimeSpan _armedFor = TimeSpan.MinValue;
    private bool _publishPending;
    private TimeSpan _publishedAt = TimeSpan.MinValue / 2;
    private bool _isLeaving;
    private ActorRef? _leaveAsker;

    /// <summary>Makes a router that announces the node's own subnet.</summary>
    /// <param name="options">How to route.</param>
    /// <param name="dataPlane">Gets the forwarding table.</param>
    /// <param name="kernel">Links of the kernel, or null where there are none.</param>
    public BabelActor(RoutingOptions options, IDataPlanePort dataPlane, IKernelLinkPort? kernel = null)
    {
        (_options, _dataPlane, _kernel, _helloInterval) = (options, dataPlane, kernel, options.HelloInterval);
        _linkLocal = LinkLocalOf(options.Self);
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<NetworkParametersChanged>(Self);
        PublishTable(isOtherwiseNew: true);
        BeginOrRecall();
    }

    // The new instance knows no tunnel.
    /// <inheritdoc/>
    protected override void PostRestart(Exception reason)
    {
        PreStart();
        Context.System.EventStream.Publish(new NetworkParametersWanted(Self));
        Context.System.EventStream.Publish(new RoutingLinksWanted());
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        if (HasSpeaker && !_isLeaving)
            _speaker.Shutdown(Context.Now);
        foreach (int link in _kernelLinks.Keys)
            _kernel!.Close(link);
        _kernelLinks.Clear();
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        if (!HasSpeaker && message is not RouterIdentity)
        {
            Stash();
            return;
        }

        if (_isLeaving && message is not (DescribeRoutes or RoutingQuestion or LeaveDue))
            return;
        switch (message)
        {
            case RouterIdentity identity:
                OnIdentity(identity);
                break;
            case LeaveNetwork:
                Leave();
                break;
            case LeaveDue due:
                GoOnLeaving(due);
                break;
            case Due:
                _armedFor = TimeSpan.MinValue;
                _speaker.Tick(Context.Now);
                break;
            case RoutingPacket packet:
                var id = new InterfaceId(packet.Tunnel.Value);
                if (_links.TryGetValue(id, out RoutingLinkUp? link))
                    Receive(id, link, packet);
                break;
            case LockLink locked:
                Lock(locked);
                break;
            case RoutingLinkUp up:
                AddLink(up);
                break;
            case RoutingLinkDown down:
                RemoveLink(new InterfaceId(down.Tunnel.Value));
                break;
            case PublishDue:
                PublishOrWait();
                break;
            case DescribeRoutes describe:
                Sender.Tell(describe.Status with { Routes = [.. _routes.Routes.Select(WithMetric)] });
                break;
            case RoutingQuestion question:
                Answer(question);
                break;
            case NetworkParametersChanged changed:
                OnParameters(changed);
                break;
            default:
                if (!ReceiveKernelLink(message))
                    Unhandled(message);
                break;
        }

        if (_isLeaving)
            return;
        ArmTimer();
        ReserveSeqnos();
    }

    void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload)
    {
        if (link.Value < 0)
            _kernel!.Send(-link.Value, new Ipv6Address(destination.Bits), payload.ToArray());
        // On a link with one peer, multicast and unicast reach the same node.
        else if (_links.TryGetValue(link, out RoutingLinkUp? up))
            up.Actor.Tell(new RoutingPacket(up.Tunnel, payload.ToArray()));
    }

    void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes)
    {
        if (_isLeaving)
            return;
        foreach (RouteKey route in routes)
        {
            if (route.Prefix == Everywhere)
                _isDefaultChanged = true;
            else if (!route.IsSourceSpecific)
                _changed.Add(route.Prefix);
        }

        if (_publishPending || (_changed.Count == 0 && !_isDefaultChanged))
            return;
        _publishPending = true;
        Self.Tell(PublishDue.Instance);
    }

    private static BabelAddress LinkLocalOf(NodePrefix node) => new(LinkLocalAddress.Of(node).Value);

    // Whose prefix a neighbour may call its own: that of the node whose certificate its tunnel has seen.
    private BabelPrefix? OwnPrefixOf(InterfaceId link, BabelAddress neighbour)
    {
        NodePrefix node = Behind(link, neighbour).Node;
        if (node.IsEmpty || IsLan(link))
            return null;
        Ipv6Prefix own = node.Subnet(_options.Network);
        return new BabelPrefix(own.Bits, (byte)own.Length);
    }

    private void AddLink(RoutingLinkUp up)
    {
        var id = new InterfaceId(up.Tunnel.Value);
        RemoveLink(id);
        _links.Add(id, up);
        StartSpeaking(id);
    }

    private void StartSpeaking(InterfaceId id) => _speaker.AddInterface(id, Parameters(_linkLocal), Context.Now);

    private InterfaceParameters Parameters(BabelAddress address) => new() { Address = address, HelloInterval = _helloInterval, Rtt = _rtt, Mtu = _options.Mtu, Keys = _keys };

    private IEnumerable<InterfaceId> Interfaces() => _links.Keys.Concat(_kernelLinks.Keys.Select(IdOf)).OrderBy(static id => id.Value).ToArray();

    // First all our links cost much, so that others find ways around us while those through us still work; then what is left is taken back. Nobody goes through a node with one tunnel.
    private void Leave()
    {
        _leaveAsker = Sender;
        if (_links.Count + _kernelLinks.Values.Sum(static link => link.Tunnels.Count) + CountOnLans() < 2)
        {
            TakeBackRoutes();
            _leaveAsker.Tell(new LeftNetwork(), Self);
            return;
        }

        Log.Info("this node leaves: others are to find ways around it");
        foreach ((InterfaceId id, RoutingLinkUp link) in _links.OrderBy(static link => link.Key.Value))
        {
            _multipliers.TryAdd(id, Killer.SoftMultiplier);
            _speaker.SetCostMultiplier(id, LinkLocalOf(link.Peer), _multipliers[id], Context.Now);
        }

        foreach (KernelLink link in _kernelLinks.Values)
        {
            foreach (NodePrefix peer in link.Tunnels.Keys)
            {
                link.TryMultiply(peer, Killer.SoftMultiplier);
                Multiply(link, peer);
            }
        }

        MultiplyLans(Killer.SoftMultiplier);
        Context.Timers.StartSingle(nameof(TakeBackRoutes), new LeaveDue(IsLast: false), LeaveNetwork.DetourTime);
    }

    private void GoOnLeaving(LeaveDue due)
    {
        if (due.IsLast)
        {
            _leaveAsker!.Tell(new LeftNetwork(), Self);
            return;
        }

        TakeBackRoutes();
        Context.Timers.StartSingle(nameof(TakeBackRoutes), new LeaveDue(IsLast: true), LeaveNetwork.Time - LeaveNetwork.DetourTime);
    }

    // What neighbours have sent before they knew is forwarded as before: the table stays in force.
    private void TakeBackRoutes()
    {
        _isLeaving = true;
        _speaker.Shutdown(Context.Now);
        Context.Timers.Cancel(Due.Instance);
    }

    private void Receive(InterfaceId id, RoutingLinkUp link, RoutingPacket packet)
    {
        _speaker.Receive(id, LinkLocalOf(link.Peer), packet.Packet.Span, Context.Now);
        // The speaker forgets the multiplier with the neighbour, which may just have come back.
        if (_multipliers.TryGetValue(id, out ushort multiplier))
            _speaker.SetCostMultiplier(id, LinkLocalOf(link.Peer), multiplier, Context.Now);
    }

    // Both on tunnels that are up, too: neighbours and routes stay.
    private void OnParameters(NetworkParametersChanged changed)
    {
        // A registry may say more than the speaker can promise, and must not stop the node by it. Saying Hello more often than one has to is always right.
        TimeSpan hello = changed.Parameters.Hello < InterfaceParameters.MaxHelloInterval ? changed.Parameters.Hello : InterfaceParameters.MaxHelloInterval;
        if (hello != _helloInterval)
        {
            _helloInterval = hello;
            foreach (InterfaceId id in Interfaces())
                _speaker.SetIntervals(id, _helloInterval, Context.Now);
        }

        RttParameters? rtt = BabelDefaults.RttOf(changed.Parameters.BabelDefault, out string? problem);
        if (rtt != _rtt)
        {
            if (problem is not null)
                Log.Warning($"the network's parameter babel_default cannot be used as it is: {problem}");
            _rtt = rtt;
            foreach (InterfaceId id in Interfaces().Where(id => !IsLan(id)))
                _speaker.SetRtt(id, _rtt, Context.Now);
        }

        RoutingKeys given = _options.Mutation == NodeMutation.SignTooEarly && changed.Keys.Accept is not null ? changed.Keys with { Sign = changed.Keys.Accept, Accept = changed.Keys.Sign } : changed.Keys;
        MacKeys keys = ToMacKeys(given);
        if (keys.Equals(_keys))
            return;
        _keys = keys;
        Log.Info($"routing packets are authenticated with {changed.Keys}");
        foreach (InterfaceId id in Interfaces())
            _speaker.SetKeys(id, keys, Context.Now);
    }

    // Protocol reference 8: BLAKE2s-128.
    private static MacKeys ToMacKeys(RoutingKeys keys)
    {
        static MacKey Key(ReadOnlyMemory<byte> octets) => MacKey.Create(MacAlgorithm.Blake2s128, octets.Span);
        return keys.Sign is { } sign ? new MacKeys([Key(sign)], keys.Accept is { } accept ? [Key(accept)] : null, keys.AcceptsAny) : MacKeys.None;
    }

    private void RemoveLink(InterfaceId id)
    {
        if (!_links.Remove(id))
            return;
        _multipliers.Remove(id);
        _speaker.RemoveInterface(id, Context.Now);   // its farewell goes nowhere: the link is not in the table any more
    }

    private void ArmTimer()
    {
        TimeSpan next = _speaker.NextDeadline;
        if (next == _armedFor)
            return;
        _armedFor = next;
        if (next == TimeSpan.MaxValue)
            Context.Timers.Cancel(Due.Instance);
        else
            Context.Timers.StartSingle(Due.Instance, Due.Instance, next - Context.Now);
    }

    // While a network comes up there are changes with every packet, and to publish a table takes time with each of its routes. What is waited is less than it takes until others hear of the change: nobody sends us
    // packets because of it before the table is in force.
    private void PublishOrWait()
    {
        TimeSpan next = _publishedAt + (_options.Speaker.UrgentDelay / 2);
        if (_routes.Routes.Length > MaxAtOnce && Context.Now < next)
        {
            Context.Timers.StartSingle(PublishDue.Instance, PublishDue.Instance, next - Context.Now);
            return;
        }

        Publish();
    }

    private void Publish()
    {
        (_publishPending, _publishedAt) = (false, Context.Now);
        Context.Timers.Cancel(PublishDue.Instance);
        BabelPrefix[] changed = [.. _changed];
        _changed.Clear();   // looking at one may show that others have to be looked at again
        foreach (BabelPrefix prefix in changed)
            Look(prefix);
        bool isOther = LookForGateway();
        if (_routes.Apply() || isOther)
            PublishTable(isOther);
        foreach (int link in _identified)
            LookAgain(link);
        _identified.Clear();
    }

    private void Look(BabelPrefix prefix)
    {
        var destination = new Ipv6Prefix(prefix.Bits, prefix.Length);
        if (UseOf(prefix) != PrefixUse.Forwarded)
            return;
        _routes.Change(destination, _speaker.TryGetSelected(prefix, out RouteSnapshot selected) ? RouteTo(destination, selected) : null);
    }

    private NodeRoute? RouteTo(Ipv6Prefix destination, in RouteSnapshot selected) =>
        _links.TryGetValue(selected.Interface, out RoutingLinkUp? link) ? new NodeRoute(destination, link.Tunnel, link.Peer, selected.Metric) : RouteOverKernel(destination, selected);

    // What a route costs changes more often than which way it leads.
    private NodeRoute WithMetric(NodeRoute route) =>
        _speaker.TryGetSelected(new BabelPrefix(route.Destination.Bits, (byte)route.Destination.Length), out RouteSnapshot selected) ? route with { Metric = selected.Metric } : route;

    private sealed class Due
    {
        public static readonly Due Instance = new();
    }

    private sealed record LeaveDue(bool IsLast);

    private sealed class PublishDue
    {
        public static readonly PublishDue Instance = new();
    }
}
