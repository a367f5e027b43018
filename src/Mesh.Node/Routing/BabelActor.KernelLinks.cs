using System.Collections.Immutable;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>
/// Links of the kernel, such as TAP devices. Packets to a node behind one are the kernel's to forward: to the data plane they are <see cref="Route.Local"/>, and the kernel has a route for
/// each. A link may be shared: which of the nodes on it a neighbour is shows when it announces its own subnet, metric 0 (protocol reference 7.1).
/// </content>
public sealed partial class BabelActor
{
    private const ushort Unchanged = 256, Unusable = 0;   // multipliers of costs, in 1/256

    private readonly SortedDictionary<int, KernelLink> _kernelLinks = [];
    private readonly SortedSet<int> _identified = [];   // links on which a neighbour has become known

    // Links of the kernel are numbered downwards, tunnels upwards.
    private static InterfaceId IdOf(int kernelLink) => new(-kernelLink);

    private bool ReceiveKernelLink(object message)
    {
        switch (message)
        {
            case KernelLinkPacket packet when _kernelLinks.ContainsKey(packet.Link):
                _speaker.Receive(IdOf(packet.Link), new BabelAddress(packet.From.Value), new BabelAddress(packet.To.Value), packet.Packet.Span, Context.Now);
                return true;
            case KernelLinkPacket:
                return true;   // it was under way when the link went
            case KernelLinkUp up when _kernel is not null:
                RemoveKernelLink(up.Link);
                _kernelLinks.Add(up.Link, new KernelLink(up.IsShared));
                _kernel.Open(up.Link, Self);
                StartSpeaking(IdOf(up.Link));
                return true;
            case KernelLinkDown down:
                RemoveKernelLink(down.Link);
                return true;
            case KernelLinkFailed failed:
                Log.Warning(failed.Reason);
                RemoveKernelLink(failed.Link);
                return true;
            case KernelPeerUp up when _kernelLinks.TryGetValue(up.Link, out KernelLink? link):
                link.Tunnels[up.Peer] = up.Tunnel;
                SetMultiplier(up.Link, link, up.Peer, Unchanged);
                LookAgain(up.Link);
                return true;
            case KernelPeerDown down when _kernelLinks.TryGetValue(down.Link, out KernelLink? link):
                if (link.Tunnels.TryGetValue(down.Peer, out TunnelIndex tunnel) && tunnel == down.Tunnel)
                {
                    link.Tunnels.Remove(down.Peer);
                    SetMultiplier(down.Link, link, down.Peer, Unusable);
                }

                return true;
            case KernelPeerUp or KernelPeerDown:
                return true;   // of a link that is gone
            default:
                return false;
        }
    }

    private void SetMultiplier(int index, KernelLink link, NodePrefix peer, ushort multiplier)
    {
        foreach ((BabelAddress address, NodePrefix node) in link.Neighbours)
        {
            if (node == peer)
                _speaker.SetCostMultiplier(IdOf(index), address, multiplier, Context.Now);
        }
    }

    private void RemoveKernelLink(int link)
    {
        if (!_kernelLinks.ContainsKey(link))
            return;
        _speaker.RemoveInterface(IdOf(link), Context.Now);   // says farewell, where the link is still there
        _kernelLinks.Remove(link);
        _kernel!.Close(link);
    }

    private NodeRoute? RouteOverKernel(Ipv6Prefix destination, in RouteSnapshot selected)
    {
        int index = -selected.Interface.Value;
        if (!_kernelLinks.TryGetValue(index, out KernelLink? link))
            return null;
        if (selected.RefMetric == 0 && NodePrefix.TryFromSubnet(_options.Network, destination, out NodePrefix node) && link.TryIdentify(selected.Neighbour, node))
            _identified.Add(index);

        (NodePrefix via, TunnelIndex tunnel) = link.Behind(selected.Neighbour);
        return new NodeRoute(destination, tunnel, via, selected.Metric) { Hop = new KernelHop(index, new Ipv6Address(selected.NextHop.Bits)) };
    }

    // Routes over the link that were found before it was known who is there.
    private void LookAgain(int link)
    {
        RouteKey[] unknown = [.. _routes.Routes.Where(route => route.Via.IsEmpty && route.Hop?.Link == link).Select(static route => new RouteKey(new BabelPrefix(route.Destination.Bits, (byte)route.Destination.Length)))];
        if (unknown.Length > 0)
            ((IBabelOutput)this).RoutesChanged(unknown);
    }

    private void PublishToKernel()
    {
        if (_kernel is null)
            return;
        ImmutableArray<KernelHopRoute>.Builder routes = ImmutableArray.CreateBuilder<KernelHopRoute>();
        if (DefaultForKernel() is { } byDefault)
            routes.Add(byDefault);
        Ipv6Prefix? cover = null;
        foreach (NodeRoute route in _routes.Routes)
        {
            bool isCovered = cover is { } outer && outer.Contains(route.Destination);
            if (route.Hop is not null && !isCovered)
                cover = route.Destination;
            // The rest of the network is the data plane's anyhow.
            if (route.Hop is not null || isCovered)
                routes.Add(new KernelHopRoute(route.Destination, route.Hop));
        }

        _kernel.Publish(routes.DrainToImmutable());
    }

    /// <summary>What is known of a link.</summary>
    private sealed class KernelLink(bool isShared)
    {
        private const int MaxForgotten = 256;   // each time that a node of re6st connects it has another address

        /// <summary>Nodes on it, set by <see cref="KernelPeerUp"/>.</summary>
        public SortedDictionary<NodePrefix, TunnelIndex> Tunnels { get; } = [];

        /// <summary>Which node a neighbour is, set by the first route to its own subnet; kept while its tunnel is down, since it may come back.</summary>
        public Dictionary<BabelAddress, NodePrefix> Neighbours { get; } = [];

        /// <summary>A neighbour says that a node's subnet is its own.</summary>
        /// <returns>Whether that is news: the node has a tunnel here, and the neighbour was not known.</returns>
        public bool TryIdentify(BabelAddress neighbour, NodePrefix node)
        {
            if (!Tunnels.ContainsKey(node) || (Neighbours.TryGetValue(neighbour, out NodePrefix known) && known == node))
                return false;
            if (Neighbours.Count >= Tunnels.Count + MaxForgotten)
            {
                foreach (BabelAddress gone in Neighbours.Where(entry => !Tunnels.ContainsKey(entry.Value)).Select(static entry => entry.Key).ToArray())
                    Neighbours.Remove(gone);
            }

            Neighbours[neighbour] = node;
            return true;
        }

        /// <summary>The node that a neighbour is, and its tunnel; the empty prefix and tunnel 0 where that is not known.</summary>
        public (NodePrefix Node, TunnelIndex Tunnel) Behind(BabelAddress neighbour)
        {
            if (!isShared && Tunnels.Count == 1)
                return (Tunnels.First().Key, Tunnels.First().Value);
            return Neighbours.TryGetValue(neighbour, out NodePrefix node) && Tunnels.TryGetValue(node, out TunnelIndex tunnel) ? (node, tunnel) : default;
        }
    }
}
