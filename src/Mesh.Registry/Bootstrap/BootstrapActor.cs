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

/// <summary>A living node and where it can be reached.</summary>
public sealed record PeerPicked(NodePrefix Node, AddressList Addresses);

/// <summary>Nobody else is known.</summary>
public sealed record NoPeer;

/// <summary>Nodes that advertise addresses.</summary>
public sealed record AdvertiserCount(int Count);

/// <summary>Knows for a while where nodes can be reached, so that a node without neighbours finds a first one.</summary>
/// <remarks>
/// In memory only: nodes advertise again every few minutes, so a restarted registry knows the living ones soon. Of the two answers that a node
/// gets one after the other the first is the registry's own node where it can be reached, for it is the best connected; later ones are random, so that
/// the network does not become a star.
/// </remarks>
/// <param name="lifetime">How long an advertisement is believed.</param>
public sealed class BootstrapActor(TimeSpan lifetime) : Actor
{
    private readonly Dictionary<NodePrefix, Advertisement> _advertisements = [];
    private readonly List<NodePrefix> _nodes = [];   // the keys of the former, for a random choice in constant time
    private readonly Dictionary<NodePrefix, TimeSpan> _askedAt = [];

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
                Sender.Tell(Pick(pick));
                break;
            case CountAdvertisers:
                Sender.Tell(new AdvertiserCount(_nodes.Count));
                break;
            case PrefixFreed freed:
                Forget(freed.Prefix);
                _ = _askedAt.Remove(freed.Prefix);
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
    }

    private object Pick(PickPeer pick)
    {
        bool isFirst = !_askedAt.TryGetValue(pick.Asker, out TimeSpan before) || before + lifetime <= Context.Now;
        _askedAt[pick.Asker] = Context.Now;
        if (isFirst && pick.RegistryNode != pick.Asker && IsAlive(pick.RegistryNode))
            return Picked(pick.RegistryNode);

        // Every turn either finds a node or makes the list shorter: expired ones go, and the asker is passed over by drawing among the others.
        while (_nodes.Count > 0)
        {
            int others = _nodes.Count - (_advertisements.ContainsKey(pick.Asker) ? 1 : 0);
            if (others == 0)
                break;
            int drawn = Context.Random.Next(others);
            if (_advertisements.TryGetValue(pick.Asker, out Advertisement? own) && drawn >= own.Index)
                drawn++;
            if (IsAlive(_nodes[drawn]))
                return Picked(_nodes[drawn]);
            Forget(_nodes[drawn]);
        }

        return new NoPeer();
    }

    private PeerPicked Picked(NodePrefix node) => new(node, _advertisements[node].Addresses);

    private bool IsAlive(NodePrefix node) => _advertisements.TryGetValue(node, out Advertisement? known) && known.Until > Context.Now;

    private void ForgetExpired()
    {
        for (int index = _nodes.Count - 1; index >= 0; index--)
        {
            if (!IsAlive(_nodes[index]))
                Forget(_nodes[index]);
        }

        foreach ((NodePrefix asker, TimeSpan at) in _askedAt)
        {
            if (at + lifetime <= Context.Now)
                _ = _askedAt.Remove(asker);
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

    private sealed record ForgettingDue
    {
        public static readonly ForgettingDue Instance = new();
    }
}
