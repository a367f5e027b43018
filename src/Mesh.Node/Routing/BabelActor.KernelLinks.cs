using System.Collections.Immutable;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>
/// Links of the kernel, such as TAP devices. Packets to a node behind one are the kernel's to forward: to the data plane they are <see cref="Route.Local"/>, and the kernel has a route for
/// each. A link may be shared: which of the nodes on it a neighbour is shows when it announces its own subnet, metric 0 (protocol reference 7.1).
/// </content>
public sealed partial class BabelActor
{
    private readonly SortedDictionary<int, KernelLink> _kernelLinks = [];
    private readonly SortedSet<int> _identified = [];   // links on which a neighbour has become known

    // Links of the kernel are numbered downwards, tunnels upwards.
    private static InterfaceId IdOf(int kernelLink) => new(-kernelLink);

    private bool ReceiveKernelLink(object message)
    {
        switch (message)
        {
            case KernelLinkPacket packet when _kernelLinks.TryGetValue(packet.Link, out KernelLink? link):
                Receive(link, packet);
                return true;
            case KernelLinkPacket:
                return true;   // it was under way when the link went
            case KernelLinkUp up when _kernel is not null:
                RemoveKernelLink(up.Link);
                _kernelLinks.Add(up.Link, new KernelLink(IdOf(up.Link), up.IsShared, up.Lan, Sender));
                _kernel.Open(up.Link, up.Lan?.Address ?? LinkLocalAddress.Of(_options.Self), Self);
                StartSpeaking(up);
                return true;
            case KernelLinkDown down:
                if (_kernelLinks.TryGetValue(down.Link, out KernelLink? gone) && gone.Lan?.Name == down.Name)
                    RemoveKernelLink(down.Link);
                return true;
            case KernelLinkFailed failed:
                OnFailed(failed);
                return true;
            case KernelPeerUp up when _kernelLinks.TryGetValue(up.Link, out KernelLink? link):
                link.Join(up.Peer, up.Tunnel);
                Multiply(link, up.Peer);
                LookAgain(up.Link);
                return true;
            case KernelPeerDown down when _kernelLinks.TryGetValue(down.Link, out KernelLink? link):
                if (link.TryLeave(down.Peer, down.Tunnel))
                    Multiply(link, down.Peer);
                return true;
            case KernelPeerUp or KernelPeerDown:
                return true;   // of a link that is gone
            default:
                return false;
        }
    }

    private void Receive(KernelLink link, KernelLinkPacket packet)
    {
        var from = new BabelAddress(packet.From.Value);
        _speaker.Receive(link.Id, from, new BabelAddress(packet.To.Value), packet.Packet.Span, Context.Now);
        // The speaker forgets the multiplier with the neighbour, which may just have come back.
        if (link.MultiplierOf(from) is var multiplier and not Killer.FreeMultiplier)
            _speaker.SetCostMultiplier(link.Id, from, multiplier, Context.Now);
    }

    private (KernelLink Link, NodePrefix Peer)? FindKernelPeer(TunnelIndex tunnel)
    {
        foreach (KernelLink link in _kernelLinks.Values)
        {
            foreach ((NodePrefix peer, TunnelIndex index) in link.Tunnels)
            {
                if (index == tunnel)
                    return (link, peer);
            }
        }

        return null;
    }

    // A node may have several addresses on a link, of which the speaker knows those that are there.
    private void Multiply(KernelLink link, NodePrefix peer)
    {
        foreach (NeighbourSnapshot neighbour in _speaker.Neighbours())
        {
            if (neighbour.Interface == link.Id && link.NodeOf(neighbour.Address) == peer)
                _speaker.SetCostMultiplier(link.Id, neighbour.Address, link.MultiplierOf(neighbour.Address), Context.Now);
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

    private void OnFailed(KernelLinkFailed failed)
    {
        if (_kernelLinks.TryGetValue(failed.Link, out KernelLink? link) && link.Lan is not null)
            link.Owner.Tell(failed, Self);   // which says so, and tries again
        else
            Log.Warning(failed.Reason);
        RemoveKernelLink(failed.Link);
    }

    private NodeRoute? RouteOverKernel(Ipv6Prefix destination, in RouteSnapshot selected)
    {
        int index = -selected.Interface.Value;
        if (!_kernelLinks.TryGetValue(index, out KernelLink? link))
            return null;
        if (selected.RefMetric == 0 && NodePrefix.TryFromSubnet(_options.Network, destination, out NodePrefix node))
            Identify(index, link, selected.Neighbour, node);
        (NodePrefix via, TunnelIndex tunnel) = link.Behind(selected.Neighbour);
        return new NodeRoute(destination, tunnel, via, selected.Metric) { Hop = new KernelHop(index, new Ipv6Address(selected.NextHop.Bits)), Device = link.Lan?.Name };
    }

    private void Identify(int index, KernelLink link, BabelAddress neighbour, NodePrefix node)
    {
        if (link.Lan is not null)
        {
            if (TryNameOnLan(link, neighbour, node))
                _identified.Add(index);
        }
        else if (link.TryIdentify(neighbour, node))
        {
            _identified.Add(index);
            _speaker.SetCostMultiplier(link.Id, neighbour, link.MultiplierOf(neighbour), Context.Now);
        }
    }

    // Routes over the link that were found before it was known who is there, or when it was somebody else.
    private void LookAgain(int link)
    {
        bool IsOther(NodeRoute route) => route.Via.IsEmpty || (route.Device is not null && route.Via != Behind(IdOf(link), new BabelAddress(route.Hop!.Address.Value)).Node);
        RouteKey[] unknown = [.. _routes.Routes.Where(route => route.Hop?.Link == link && IsOther(route)).Select(static route => new RouteKey(new BabelPrefix(route.Destination.Bits, (byte)route.Destination.Length)))];
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
}
