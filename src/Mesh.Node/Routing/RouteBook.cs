using System.Buffers;
using System.Collections.Immutable;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>The routes in use, in the order of their destinations. What has changed is worked in piece by piece: a table of thousands is not sorted anew for one route.</summary>
internal sealed class RouteBook
{
    private readonly List<(Ipv6Prefix Destination, NodeRoute? Route)> _changes = [];
    private readonly List<(Ipv6Prefix Destination, NodeRoute? Route)> _others = [];

    /// <summary>The routes as of the last <see cref="Apply"/>.</summary>
    public ImmutableArray<NodeRoute> Routes { get; private set; } = [];

    /// <summary>To which destinations the last <see cref="Apply"/> that was a change has brought another way, or none, in their order.</summary>
    public IReadOnlyList<(Ipv6Prefix Destination, NodeRoute? Route)> Others => _others;

    /// <summary>Notes that the route to a destination is now another one, or none.</summary>
    public void Change(Ipv6Prefix destination, NodeRoute? route) => _changes.Add((destination, route));

    /// <summary>Works the noted changes in; of several for one destination the last one counts.</summary>
    /// <returns>False where everything is as it was, but for metrics perhaps.</returns>
    public bool Apply()
    {
        _others.Clear();
        ImmutableArray<NodeRoute> before = Routes;
        NodeRoute[] after = ArrayPool<NodeRoute>.Shared.Rent(before.Length + _changes.Count);
        int count = 0, taken = 0;
        foreach ((Ipv6Prefix destination, NodeRoute? route) in InOrder())
        {
            int place = NodeRoutes.PlaceOf(destination, before, taken);
            before.AsSpan(taken..place).CopyTo(after.AsSpan(count));
            count += place - taken;
            NodeRoute? old = place < before.Length && before[place].Destination == destination ? before[place] : null;
            if (route is not null)
                after[count++] = route;
            taken = old is null ? place : place + 1;
            if ((route?.Tunnel, route?.Via, route?.Hop) != (old?.Tunnel, old?.Via, old?.Hop))
                _others.Add((destination, route));
        }

        _changes.Clear();
        if (_others.Count > 0)
        {
            before.AsSpan(taken..).CopyTo(after.AsSpan(count));
            count += before.Length - taken;
            Routes = ImmutableArray.Create(after, 0, count);
        }

        ArrayPool<NodeRoute>.Shared.Return(after, clearArray: true);
        return _others.Count > 0;
    }

    private IEnumerable<(Ipv6Prefix Destination, NodeRoute? Route)> InOrder() => _changes.Count == 1
        ? _changes
        : _changes.Index().GroupBy(static change => change.Item.Destination).OrderBy(static group => group.Key).Select(static group => group.Last().Item);
}
