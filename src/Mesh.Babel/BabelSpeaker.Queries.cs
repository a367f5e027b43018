using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;

namespace Mesh.Babel;

/// <content>Questions about the state. None of them changes anything.</content>
public sealed partial class BabelSpeaker
{
    /// <summary>Our router-id.</summary>
    public RouterId RouterId => _routerId;

    /// <summary>Our sequence number.</summary>
    public Seqno Seqno => _seqno;

    /// <summary>Interfaces in use.</summary>
    public IEnumerable<InterfaceId> Interfaces => _interfaces.Ids();

    /// <summary>Prefixes known, routes known, feasibility distances and pending requests held.</summary>
    public (int Prefixes, int Routes, int Sources, int Requests) Sizes => (_routes.Rows.Count, _routes.Count, _routes.Sources.Count, _requests.Count);

    /// <summary>The earliest deadline of all interfaces, looked for everywhere: what their list has to say.</summary>
    internal TimeSpan EarliestDeadline
    {
        get
        {
            TimeSpan next = TimeSpan.MaxValue;
            foreach (BabelInterface link in _interfaces)
                next = Min(next, link.NextDeadline);
            return next;
        }
    }

    internal TimeSpan ListedDeadline => _interfaces.NextDeadline;

    /// <summary>The value of a counter.</summary>
    public long this[BabelCounter counter] => _counters[(int)counter];

    /// <summary>All neighbours, by interface and in the order of their discovery.</summary>
    public IReadOnlyList<NeighbourSnapshot> Neighbours()
    {
        var list = new List<NeighbourSnapshot>();
        foreach (BabelInterface link in _interfaces)
        {
            foreach (Neighbour neighbour in link.Neighbours)
            {
                list.Add(new NeighbourSnapshot(
                    link.Id,
                    neighbour.Address,
                    neighbour.Hellos.Bits,
                    neighbour.UnicastHellos.Bits,
                    neighbour.RxCost,
                    neighbour.TxCost,
                    neighbour.Cost,
                    neighbour.CostMultiplier,
                    AuthenticationOf(link, neighbour),
                    neighbour.RoundTrip.Smoothed is { } rtt ? TimeSpan.FromMicroseconds(rtt) : null,
                    neighbour.RttCost));
            }
        }

        return list;
    }

    /// <summary>All routes, selected and alternatives, ordered by prefix and source, the selected one first, then by metric and neighbour.</summary>
    public IReadOnlyList<RouteSnapshot> Routes()
    {
        var list = new List<RouteSnapshot>(_routes.Count);
        for (int row = 0; row < _routes.Rows.Extent; row++)
            AddSnapshots(row, list);

        list.Sort(InOrder);
        return list;
    }

    /// <summary>The routes for exactly this prefix, and exactly this source if there is one, in the order of <see cref="Routes()"/>.</summary>
    public IReadOnlyList<RouteSnapshot> Routes(RouteKey key)
    {
        var list = new List<RouteSnapshot>();
        int row = _routes.Find(key);
        if (row >= 0)
            AddSnapshots(row, list);
        list.Sort(InOrder);
        return list;
    }

    /// <summary>How many prefixes have a way over some links, and no other that may be taken at once. Those with a source do not count.</summary>
    /// <param name="isOver">Whether routes from a neighbour lead over them.</param>
    /// <remarks>A way over them counts whether it is usable now or not, if it would be feasible or is selected; what neighbours announce back to us is not feasible, and no other way.</remarks>
    public int CountWithoutOtherWay(Func<InterfaceId, BabelAddress, bool> isOver)
    {
        bool[] over = [.. _neighbours.Select(neighbour => neighbour is not null && isOver(neighbour.Link.Id, neighbour.Address))];
        int count = 0;
        for (int row = 0; row < _routes.Rows.Extent; row++)
        {
            ref RouteRow entry = ref _routes.Rows[row];
            if (!entry.Is(RowFlags.InUse) || entry.Is(RowFlags.SourceSpecific))
                continue;
            bool isThere = entry.Selected >= 0 && over[entry.Selected];
            bool hasOther = false;
            for (int slot = _routes.NextNeighbour(row, -1); slot >= 0 && !hasOther; slot = _routes.NextNeighbour(row, slot))
            {
                var route = new RouteId(row, slot);
                if (over[slot])
                    isThere = isThere || (_routes[route].RefMetric != Metric.Infinity && IsFeasible(route));
                else
                    hasOther = MetricOf(route) != Metric.Infinity && IsFeasible(route);
            }

            count += isThere && !hasOther ? 1 : 0;
        }

        return count;
    }

    /// <summary>All prefixes of which anything is known, lost ones as long as they are unreachable, in order.</summary>
    public IReadOnlyList<RouteKey> Prefixes()
    {
        var list = new List<RouteKey>(_routes.Rows.Count);
        for (int row = 0; row < _routes.Rows.Extent; row++)
        {
            if (_routes.Rows[row].Is(RowFlags.InUse))
                list.Add(_routes.KeyOf(row));
        }

        list.Sort(RouteKey.Compare);
        return list;
    }

    /// <summary>The best that we have announced for a prefix of an origin, in the last minutes; null where that is nothing. What is not better is not feasible.</summary>
    public FeasibilityDistance? DistanceOf(RouteKey key, RouterId origin)
    {
        int row = _routes.Find(key);
        return row >= 0 && _routes.Sources.TryGet(row, origin, out FeasibilityDistance distance) ? distance : null;
    }

    /// <summary>The route in use for exactly this prefix, and exactly this source if there is one.</summary>
    public bool TryGetSelected(RouteKey key, out RouteSnapshot route)
    {
        route = default;
        int row = _routes.Find(key);
        if (row < 0 || _routes.Rows[row].Selected < 0)
            return false;
        route = Snapshot(new RouteId(row, _routes.Rows[row].Selected));
        return true;
    }

    /// <summary>What to do with packets for exactly this prefix, and from exactly this source if there is one.</summary>
    public Reachability GetReachability(RouteKey key)
    {
        int row = _routes.Find(key);
        if (row < 0)
            return Reachability.Unknown;
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.IsOwn)
            return Reachability.Own;
        if (entry.Selected >= 0)
            return Reachability.Reachable;
        return entry.IsHeld ? Reachability.Unreachable : Reachability.Unknown;
    }

    /// <summary>The prefixes that we announce ourselves, with their metrics, in order.</summary>
    public IReadOnlyList<(RouteKey Key, ushort Metric)> OwnPrefixes()
    {
        var list = new List<(RouteKey Key, ushort Metric)>();
        for (int row = 0; row < _routes.Rows.Extent; row++)
        {
            if (_routes.Rows[row].IsOwn)
                list.Add((_routes.KeyOf(row), _routes.Rows[row].OwnMetric));
        }

        list.Sort(static (left, right) => RouteKey.Compare(left.Key, right.Key));
        return list;
    }

    private static NeighbourAuthentication AuthenticationOf(BabelInterface link, Neighbour neighbour)
    {
        if (link.Authenticator is null)
            return NeighbourAuthentication.Off;
        return neighbour.IsVerified ? NeighbourAuthentication.Verified : NeighbourAuthentication.Unverified;
    }

    private static int InOrder(RouteSnapshot left, RouteSnapshot right)
    {
        int order = RouteKey.Compare(left.Key, right.Key);
        if (order == 0)
            order = right.IsSelected.CompareTo(left.IsSelected);
        if (order == 0)
            order = left.Metric.CompareTo(right.Metric);
        if (order == 0)
            order = left.Interface.Value.CompareTo(right.Interface.Value);
        return order != 0 ? order : left.Neighbour.Bits.CompareTo(right.Neighbour.Bits);
    }

    private void AddSnapshots(int row, List<RouteSnapshot> list)
    {
        for (int slot = _routes.NextNeighbour(row, -1); slot >= 0; slot = _routes.NextNeighbour(row, slot))
            list.Add(Snapshot(new RouteId(row, slot)));
    }

    private RouteSnapshot Snapshot(RouteId route)
    {
        ref RouteCell cell = ref _routes[route];
        ref RouteRow row = ref _routes.Rows[route.Row];
        Neighbour neighbour = NeighbourOf(route.Neighbour);
        return new RouteSnapshot(
            row.Prefix,
            _routes.OriginOf(route),
            cell.Seqno,
            cell.RefMetric,
            MetricOf(route),
            SmoothedOf(route),
            row.Selected == route.Neighbour,
            cell.RefMetric != Metric.Infinity && IsFeasible(route),
            neighbour.Link.Id,
            neighbour.Address,
            _routes.NextHopOf(route, neighbour.Address),
            new TimeSpan(Math.Max(0, LeftOf(cell)) * TicksPerCentisecond),
            _routes.SourceOf(route.Row));
    }
}
