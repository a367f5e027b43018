using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>What tunnels cost while they are destroyed, and how much they are used then: native ones, and nodes on links of the kernel.</content>
public sealed partial class BabelActor
{
    private void Lock(LockLink wanted)
    {
        (KernelLink Link, NodePrefix Peer)? kernel = FindKernelPeer(wanted.Tunnel);
        if (kernel is var (link, peer))
        {
            if (!link.IsIdentified(peer))
                Identify(link, peer);
            link.SetMultiplier(peer, wanted.Multiplier);
            Multiply(link, peer);
        }
        else if (!TryMultiply(new InterfaceId(wanted.Tunnel.Value), wanted.Multiplier))
        {
            Sender.Tell(new LinkLocked(wanted.Tunnel, wanted.Number, IsKnown: false, Killer.FreeMultiplier, 0, 0));
            return;
        }

        if (_publishPending)
            Publish();   // what we answer has to be so
        // On a link with several neighbours one that is not known may be this one.
        bool IsThrough(NodeRoute route) => route.Tunnel == wanted.Tunnel || (kernel is { } found && route.Via.IsEmpty && route.Hop?.Link == -found.Link.Id.Value);
        int stranded = wanted.SeeksOtherWays ? CountStranded(wanted.Tunnel) : 0;
        bool isKnown = kernel is not { } shared || shared.Link.IsIdentified(shared.Peer);
        Sender.Tell(new LinkLocked(wanted.Tunnel, wanted.Number, isKnown, wanted.Multiplier, _routes.Routes.Count(IsThrough), stranded));
    }

    // Of two tunnels with one node only one is used, and by that a neighbour usually becomes known; but it says over both who it is.
    private void Identify(KernelLink link, NodePrefix peer)
    {
        Ipv6Prefix own = peer.Subnet(_options.Network);
        foreach (RouteSnapshot route in _speaker.Routes())
        {
            if (route.Interface == link.Id && route.RefMetric == 0 && !route.Key.IsSourceSpecific && new Ipv6Prefix(route.Prefix.Bits, route.Prefix.Length) == own)
                link.TryIdentify(route.Neighbour, peer);
        }
    }

    private bool TryMultiply(InterfaceId id, ushort multiplier)
    {
        if (!_links.TryGetValue(id, out RoutingLinkUp? link))
            return false;
        if (multiplier == Killer.FreeMultiplier)
            _multipliers.Remove(id);
        else
            _multipliers[id] = multiplier;
        _speaker.SetCostMultiplier(id, LinkLocalOf(link.Peer), multiplier, Context.Now);
        return true;
    }

    // Over a link that is unusable no route leads, but there might be some.
    private int CountStranded(TunnelIndex tunnel) => _speaker.CountWithoutOtherWay((link, neighbour) => IsOver(tunnel, link, neighbour));

    private bool IsOver(TunnelIndex tunnel, InterfaceId link, BabelAddress neighbour) => link.Value > 0
        ? link.Value == tunnel.Value
        : _kernelLinks.TryGetValue(-link.Value, out KernelLink? shared) && shared.Behind(neighbour).Tunnel == tunnel;
}
