using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.Bootstrap;

/// <summary>What the <see cref="BootstrapActor"/> can be asked.</summary>
public abstract record BootstrapCommand
{
    private protected BootstrapCommand()
    {
    }
}

/// <summary>A node says where it can be reached; an empty list takes it back. Answer: <see cref="Done"/>.</summary>
public sealed record Advertise(NodePrefix Node, AddressList Addresses) : BootstrapCommand;

/// <summary>Whom should a node connect to? Answer: <see cref="PeerPicked"/> or <see cref="NoPeer"/>.</summary>
/// <param name="Asker">The node; it is never sent to itself.</param>
/// <param name="RegistryNode">The node next to the registry, which is the best first answer.</param>
public sealed record PickPeer(NodePrefix Asker, NodePrefix RegistryNode) : BootstrapCommand;

/// <summary>How many nodes advertise addresses? Answer: <see cref="AdvertiserCount"/>.</summary>
public sealed record CountAdvertisers : BootstrapCommand;

/// <summary>Where does a node say it can be reached? Answer: <see cref="AdvertisedFound"/>.</summary>
public sealed record FindAdvertised(NodePrefix Node) : BootstrapCommand;

/// <summary>What a node advertises; null where it does not.</summary>
public sealed record AdvertisedFound(NodePrefix Node, AddressList? Addresses);

/// <summary>A living node and where it can be reached.</summary>
public sealed record PeerPicked(NodePrefix Node, AddressList Addresses);

/// <summary>Nobody else is known.</summary>
public sealed record NoPeer;

/// <summary>Nodes that advertise addresses.</summary>
public sealed record AdvertiserCount(int Count);

/// <summary>Knows for a while where nodes can be reached, so that a node without neighbours finds a first one.</summary>
/// <remarks>
/// <code>
/// PickPeer --> asker advertises itself? --yes--> one that advertises --nobody--> one with a route --nobody--> NoPeer
///                                       \--no--> one with a route, then one that advertises; the next time the other way round
/// </code>
/// <para>In memory only: nodes advertise again every few minutes, so a restarted registry knows the living ones soon. Of the advertised nodes that a node
/// gets one after the other the first is the registry's own where it can be reached, for it is the best connected; later ones are random, so that
/// the network does not become a star.</para>
/// <para>A node that did not advertise when it was due is offered only while no other is found, and nobody is offered the same node twice in a row while there is
/// another: a node that died costs an asker one try, not the rest of its advertisement's life.</para>
/// <para>Nodes that advertise are ours; nodes of re6st do not, and are found through the node beside the registry. A node of ours that cannot be reached does not
/// advertise either and cannot use what a node of re6st says, hence the turns.</para>
/// </remarks>
/// <param name="lifetime">How long an advertisement is believed.</param>
/// <param name="routed">The <see cref="LocalNode.PeersActor"/>, which finds nodes with a route; null where there is no node beside the registry.</param>
public sealed class BootstrapActor(TimeSpan lifetime, ActorRef? routed = null) : Actor
{
    /// <summary>How many nodes are looked at for one that advertised when it was due.</summary>
    private const int MaxLooks = 16;

    private readonly Dictionary<NodePrefix, Advertisement> _advertisements = [];
    private readonly List<NodePrefix> _nodes = [];   // the keys of the former, for a random choice in constant time
    private readonly Dictionary<NodePrefix, Asking> _askings = [];
    private TimeSpan _nextExpiry = TimeSpan.MaxValue;   // or earlier than that, where a node has refreshed

    // Nodes refresh every 3 minutes where an advertisement is believed for 10.
    private readonly TimeSpan _freshness = lifetime * 0.4;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<PrefixFreed>(Self);
        Context.Timers.StartPeriodic(ForgettingDue.Instance, ForgettingDue.Instance, lifetime);
    }

    /// <inheritdoc/>
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case Advertise { Addresses.Count: 0 } advertise:
                Forget(advertise.Node);
                Sender.Tell(new Done());
                break;
            case Advertise advertise:
                Remember(advertise);
                Sender.Tell(new Done());
                break;
            case PickPeer pick:
                OnPick(pick);
                break;
            case LocalNode.RoutedPeerPicked { Peer: { } peer } found:
                found.Asked.Client.Tell(peer);
                break;
            case LocalNode.RoutedPeerPicked nobody when nobody.Asked.IsLast:
                nobody.Asked.Client.Tell(new NoPeer());
                break;
            case LocalNode.RoutedPeerPicked nobody:
                nobody.Asked.Client.Tell(Advertised(nobody.Asked.Pick) ?? (object)new NoPeer());
                break;
            case FindAdvertised find:
                Sender.Tell(new AdvertisedFound(find.Node, IsAlive(find.Node) ? _advertisements[find.Node].Addresses : null));
                break;
            case CountAdvertisers:
                Sender.Tell(new AdvertiserCount(_nodes.Count));
                break;
            case PrefixFreed freed:
                Forget(freed.Prefix);
                _ = _askings.Remove(freed.Prefix);
                break;
            case ForgettingDue:
                ForgetExpired();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Remember(Advertise advertise)
    {
        if (!_advertisements.TryGetValue(advertise.Node, out Advertisement? known))
        {
            _advertisements.Add(advertise.Node, known = new Advertisement { Index = _nodes.Count });
            _nodes.Add(advertise.Node);
        }

        known.Addresses = advertise.Addresses;
        known.Until = Context.Now + lifetime;
        _nextExpiry = known.Until < _nextExpiry ? known.Until : _nextExpiry;
    }

    private void OnPick(PickPeer pick)
    {
        if (!_askings.TryGetValue(pick.Asker, out Asking? asking) || asking.At + lifetime <= Context.Now)
            _askings[pick.Asker] = asking = new Asking();
        asking.At = Context.Now;
        asking.Count++;
        if (routed is null)
            Sender.Tell(Advertised(pick) ?? (object)new NoPeer());
        else if (!IsAlive(pick.Asker) && asking.Count % 2 != 0)
            routed.Tell(new LocalNode.PickRoutedPeer(pick, Sender));
        else if (Advertised(pick) is { } peer)
            Sender.Tell(peer);
        else
            routed.Tell(new LocalNode.PickRoutedPeer(pick, Sender) { IsLast = true });
    }

    private PeerPicked? Advertised(PickPeer pick)
    {
        Asking? asking = _askings.GetValueOrDefault(pick.Asker);   // gone where the prefix was freed meanwhile
        NodePrefix? node = asking?.Last is null && pick.RegistryNode != pick.Asker && IsAlive(pick.RegistryNode) ? pick.RegistryNode : Draw(pick.Asker, asking?.Last);
        if (asking is not null)
            asking.Last = node;
        return node is { } found ? Picked(found) : null;
    }

    // From a random place on: the first that is fresh and was not given last time, else the best of those that were looked at.
    private NodePrefix? Draw(NodePrefix asker, NodePrefix? last)
    {
        if (_nextExpiry <= Context.Now)
            ForgetExpired();
        if (_nodes.Count == 0)
            return null;
        NodePrefix? best = null;
        int start = Context.Random.Next(_nodes.Count);
        for (int look = 0; look < Math.Min(MaxLooks, _nodes.Count); look++)
        {
            NodePrefix node = _nodes[(start + look) % _nodes.Count];
            if (node == asker)
                continue;
            if (node != last && IsFresh(node))
                return node;
            if (best is not { } other || IsBetter(node, other, last))
                best = node;
        }

        return best;
    }

    private bool IsBetter(NodePrefix node, NodePrefix other, NodePrefix? last)
    {
        // What was given a moment ago did not help, or nobody would ask again.
        if (node == last || other == last)
            return other == last;
        return _advertisements[node].Until > _advertisements[other].Until;
    }

    private PeerPicked Picked(NodePrefix node) => new(node, _advertisements[node].Addresses);

    private bool IsAlive(NodePrefix node) => _advertisements.TryGetValue(node, out Advertisement? known) && known.Until > Context.Now;

    private bool IsFresh(NodePrefix node) => _advertisements[node].Until - lifetime + _freshness > Context.Now;

    private void ForgetExpired()
    {
        _nextExpiry = TimeSpan.MaxValue;
        for (int index = _nodes.Count - 1; index >= 0; index--)
        {
            TimeSpan until = _advertisements[_nodes[index]].Until;
            if (until <= Context.Now)
                Forget(_nodes[index]);
            else if (until < _nextExpiry)
                _nextExpiry = until;
        }

        foreach ((NodePrefix asker, Asking asking) in _askings)
        {
            if (asking.At + lifetime <= Context.Now)
                _ = _askings.Remove(asker);
        }
    }

    private void Forget(NodePrefix node)
    {
        if (!_advertisements.Remove(node, out Advertisement? known))
            return;
        // The last one fills the gap.
        _nodes[known.Index] = _nodes[^1];
        _nodes.RemoveAt(_nodes.Count - 1);
        if (known.Index < _nodes.Count)
            _advertisements[_nodes[known.Index]].Index = known.Index;
    }

    private sealed class Advertisement
    {
        /// <summary>What the node said last.</summary>
        public AddressList Addresses { get; set; } = AddressList.Empty;

        /// <summary>Loop time at which it is not believed any more.</summary>
        public TimeSpan Until { get; set; }

        /// <summary>Place in the list of nodes.</summary>
        public int Index { get; set; }
    }

    private sealed class Asking
    {
        /// <summary>Loop time at which the node asked last.</summary>
        public TimeSpan At { get; set; }

        /// <summary>How often it asked, this time included.</summary>
        public long Count { get; set; }

        /// <summary>Which advertised node it got last.</summary>
        public NodePrefix? Last { get; set; }
    }

    private sealed record ForgettingDue
    {
        public static readonly ForgettingDue Instance = new();
    }
}
