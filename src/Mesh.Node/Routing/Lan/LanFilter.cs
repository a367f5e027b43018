using Mesh.Babel;

namespace Mesh.Node.Routing.Lan;

/// <summary>Refuses what is not the network's on a LAN where anybody is heard, because routing packets are not authenticated: a router of somebody else may speak Babel there, and its prefixes
/// would go round in the network. It cannot refuse what claims to be the network's.</summary>
/// <param name="inner">Asked about the rest.</param>
/// <param name="network">The overlay network.</param>
/// <param name="gateway">What gateways of the network announce.</param>
/// <param name="isOpenLan">Whether an interface is such a LAN.</param>
internal sealed class LanFilter(IBabelFilter inner, BabelPrefix network, RouteKey gateway, Func<InterfaceId, bool> isOpenLan) : IBabelFilter
{
    /// <inheritdoc/>
    public ushort PenaltyOf(OfferedRoute offer) =>
        !network.Contains(offer.Key.Prefix) && offer.Key != gateway && isOpenLan(offer.Interface) ? Metric.Infinity : inner.PenaltyOf(offer);

    /// <inheritdoc/>
    public bool IsAnnounced(InterfaceId link, RouteKey key, RouterId routerId, ushort metric) => inner.IsAnnounced(link, key, routerId, metric);
}
