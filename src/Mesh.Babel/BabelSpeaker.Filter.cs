using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>What the owner's filter has to say.</content>
public sealed partial class BabelSpeaker
{
    private ushort PenaltyOf(Neighbour neighbour, in ReceivedUpdate update) =>
        _filter?.PenaltyOf(new OfferedRoute(neighbour.Link.Id, neighbour.Address, update.Key, update.RouterId, update.Metric)) ?? 0;

    private void Refuse(RouteId? known)
    {
        Count(BabelCounter.FilteredIn);
        if (known is { } route)
            Retract(route);
    }

    private bool MayTell(BabelInterface link, in OutgoingUpdate update) =>
        _filter is null || _filter.IsAnnounced(link.Id, new RouteKey(update.Prefix, update.Source), update.RouterId, update.Metric);
}
