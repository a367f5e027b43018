using Mesh.Actors;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>What the router knows of a link of the kernel: which nodes are on it, which neighbour is which, and what multiplies their costs.</summary>
/// <param name="id">The speaker's number of it.</param>
/// <param name="isShared">Several nodes may be on it; otherwise whoever is heard there is the one peer.</param>
/// <param name="lan">What it is where it is an interface of the LAN, or null.</param>
/// <param name="owner">Who is told where it fails.</param>
internal sealed class KernelLink(InterfaceId id, bool isShared, LanLink? lan, ActorRef owner)
{
    private const int MaxForgotten = 256;   // each time that a node of re6st connects it has another address

    private readonly SortedDictionary<NodePrefix, TunnelIndex> _tunnels = [];   // set by KernelPeerUp

    // Which node a neighbour is, set by the first route to its own subnet; kept while its tunnel is down, since it may come back.
    private readonly Dictionary<BabelAddress, NodePrefix> _neighbours = [];

    private readonly Dictionary<NodePrefix, ushort> _multipliers = [];   // of tunnels whose cost is not as it should be

    /// <summary>The speaker's number of it.</summary>
    public InterfaceId Id => id;

    /// <summary>What it is where it is an interface of the LAN, where there are no tunnels; or null.</summary>
    public LanLink? Lan => lan;

    /// <summary>Who is told where it fails.</summary>
    public ActorRef Owner => owner;

    /// <summary>What multiplies the cost of all neighbours on the LAN, in 1/256.</summary>
    public ushort LanMultiplier { get; set; } = Killer.FreeMultiplier;

    /// <summary>Nodes on it, and their tunnels.</summary>
    public IReadOnlyDictionary<NodePrefix, TunnelIndex> Tunnels => _tunnels;

    /// <summary>A node is there, behind a tunnel that costs what it should.</summary>
    public void Join(NodePrefix peer, TunnelIndex tunnel)
    {
        if (!_tunnels.TryGetValue(peer, out TunnelIndex before) || before != tunnel)
            _multipliers.Remove(peer);
        _tunnels[peer] = tunnel;
    }

    /// <summary>A tunnel is gone.</summary>
    /// <returns>False where its node has another one meanwhile.</returns>
    public bool TryLeave(NodePrefix peer, TunnelIndex tunnel)
    {
        if (!_tunnels.TryGetValue(peer, out TunnelIndex present) || present != tunnel)
            return false;
        _multipliers.Remove(peer);
        return _tunnels.Remove(peer);
    }

    /// <summary>A neighbour says that a node's subnet is its own. It is believed once, as long as that node's tunnel is up: who says so of two nodes in turn must not keep us busy.</summary>
    /// <returns>Whether that is news: the node has a tunnel here, and the neighbour was not known.</returns>
    public bool TryIdentify(BabelAddress neighbour, NodePrefix node)
    {
        if (!_tunnels.ContainsKey(node) || (_neighbours.TryGetValue(neighbour, out NodePrefix known) && _tunnels.ContainsKey(known)))
            return false;
        if (_neighbours.Count >= _tunnels.Count + MaxForgotten)
        {
            foreach (BabelAddress gone in _neighbours.Where(entry => !_tunnels.ContainsKey(entry.Value)).Select(static entry => entry.Key).ToArray())
                _neighbours.Remove(gone);
        }

        _neighbours[neighbour] = node;
        return true;
    }

    /// <summary>A neighbour on the LAN says that a node's subnet is its own. There is nothing to hold that against, so it is called by what it says.</summary>
    /// <param name="neighbour">Its address.</param>
    /// <param name="node">The node.</param>
    /// <param name="saysStill">Whether the neighbour still says so of the node that it was known as: who says so of two must not keep us busy.</param>
    /// <param name="isThere">Whether a neighbour is there at all; those that are not are forgotten when they are many.</param>
    /// <returns>Whether that is news.</returns>
    public bool TryNameOnLan(BabelAddress neighbour, NodePrefix node, Func<NodePrefix, bool> saysStill, Func<BabelAddress, bool> isThere)
    {
        if (_neighbours.TryGetValue(neighbour, out NodePrefix known) && (known == node || saysStill(known)))
            return false;
        if (_neighbours.Count >= MaxForgotten)
        {
            foreach (BabelAddress gone in _neighbours.Keys.Where(address => !isThere(address)).ToArray())
                _neighbours.Remove(gone);
        }

        _neighbours[neighbour] = node;
        return true;
    }

    /// <summary>Whether it is known which neighbour a node is.</summary>
    public bool IsIdentified(NodePrefix node) => !isShared || _neighbours.ContainsValue(node);

    /// <summary>The node that a neighbour is, its tunnel up or not; the empty prefix where that is not known.</summary>
    public NodePrefix NodeOf(BabelAddress neighbour) => !isShared && _tunnels.Count == 1 ? _tunnels.First().Key : _neighbours.GetValueOrDefault(neighbour);

    /// <summary>The node that a neighbour is, and its tunnel; the empty prefix and tunnel 0 where that is not known or the tunnel is not up. On the LAN, what it calls itself, and tunnel 0.</summary>
    public (NodePrefix Node, TunnelIndex Tunnel) Behind(BabelAddress neighbour) => lan is not null ? (NodeOf(neighbour), default) :
        NodeOf(neighbour) is { IsEmpty: false } node && _tunnels.TryGetValue(node, out TunnelIndex tunnel) ? (node, tunnel) : default;

    /// <summary>Multiplies what the tunnel of a node costs, in 1/256.</summary>
    public void SetMultiplier(NodePrefix peer, ushort multiplier)
    {
        if (multiplier == Killer.FreeMultiplier)
            _multipliers.Remove(peer);
        else
            _multipliers[peer] = multiplier;
    }

    /// <summary>The same, where nothing else multiplies it.</summary>
    public void TryMultiply(NodePrefix peer, ushort multiplier) => _multipliers.TryAdd(peer, multiplier);

    /// <summary>What multiplies the cost of a neighbour. A node without a tunnel is unusable: its packets are of the past.</summary>
    public ushort MultiplierOf(BabelAddress neighbour)
    {
        if (lan is not null)
            return LanMultiplier;
        NodePrefix node = NodeOf(neighbour);
        if (node.IsEmpty)
            return Killer.FreeMultiplier;
        return _tunnels.ContainsKey(node) ? _multipliers.GetValueOrDefault(node, Killer.FreeMultiplier) : Killer.HardMultiplier;
    }
}
