namespace Mesh.Babel;

/// <summary>Refuses what a neighbour announces as its own, metric 0, and is not: the prefix of a node is in its certificate, and a tunnel knows whose it has seen.</summary>
/// <remarks>
/// A member that lies about the distance, and says 1 for a prefix that is not its own, cannot be told from one that is next to the node: no neighbour can check that. What it can no longer
/// do is be the origin. Prefixes outside the network, such as the default route of a gateway, are nobody's by certificate and pass.
/// </remarks>
/// <param name="network">The prefix in which nodes have theirs.</param>
/// <param name="ownPrefixOf">The prefix of the neighbour at an address of an interface; null where it is not known who that is, and anything passes.</param>
public sealed class OriginFilter(BabelPrefix network, Func<InterfaceId, BabelAddress, BabelPrefix?> ownPrefixOf) : IBabelFilter
{
    /// <inheritdoc/>
    public ushort PenaltyOf(OfferedRoute offer)
    {
        if (offer.RefMetric != 0 || !network.Contains(offer.Key.Prefix))
            return 0;
        return ownPrefixOf(offer.Interface, offer.Neighbour) is { } own && !own.Contains(offer.Key.Prefix) ? Metric.Infinity : (ushort)0;
    }

    /// <inheritdoc/>
    public bool IsAnnounced(InterfaceId link, RouteKey key, RouterId routerId, ushort metric) => true;
}
