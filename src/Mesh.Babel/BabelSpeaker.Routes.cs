using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Acquiring and losing routes (RFC 8966 sections 3.5, 3.8.2).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>A number further ahead than this will not be reached by requests: the origin has lost its state (babeld).</summary>
    private const int HopelessDistance = 100;

    private void HandleUpdate(Neighbour neighbour, in ReceivedUpdate update)
    {
        if (update.IsWildcard)
        {
            for (int each = _routes.NextRow(neighbour.Slot, -1); each >= 0; each = _routes.NextRow(neighbour.Slot, each))
                Retract(new RouteId(each, neighbour.Slot));
            return;
        }

        RouteKey key = update.Key;
        int row = FindRow(neighbour, key);
        var route = new RouteId(row, neighbour.Slot);
        bool isKnown = row >= 0 && _routes.Contains(route);
        bool isOurs = !update.IsRetraction && update.RouterId == _routerId;
        if (isOurs)
            Count(BabelCounter.OwnRouterId);
        if (update.IsRetraction || isOurs)
        {
            // A route that leads back to us is as good as none.
            if (isKnown)
                Retract(route);
            else if (update.IsRetraction)
                Count(BabelCounter.UnknownRetraction);
            return;
        }

        if (!isKnown && key.IsMartian)
            Count(BabelCounter.MartianPrefix);
        else if (update.IntervalCentiseconds == 0)
            Count(BabelCounter.MalformedTlv);
        else if (PenaltyOf(neighbour, update) is var penalty && penalty != Metric.Infinity)
            Acquire(neighbour, update, key, isKnown ? route : null, penalty);
        else
            Refuse(isKnown ? route : null);
    }

    /// <summary>The row of a key, or -1. It is probably the one that follows what the neighbour mentioned before, or the one after that: it does not tell us of what it gets from us.</summary>
    private int FindRow(Neighbour neighbour, in RouteKey key)
    {
        int last = neighbour.LastRow;
        int row = last < 0 ? -1 : _routes.Rows[last].Follower;
        if (!_routes.IsRowOf(row, key))
        {
            row = row < 0 ? -1 : _routes.Rows[row].Follower;
            if (!_routes.IsRowOf(row, key))
            {
                row = _routes.Find(key);
                if (row < 0)
                    return -1;
                if (last >= 0 && _isSequel)   // what begins a packet may be news, and no part of the table
                    _routes.Rows[last].Follower = row;
            }
        }

        neighbour.LastRow = row;
        return row;
    }

    private void Retract(RouteId route)
    {
        // The expiry timer goes on: the entry is removed when it runs out (3.5.3).
        _routes[route].RefMetric = Metric.Infinity;
        _routes.Column(route.Neighbour).Settled(route.Row);
        Reconsider(route, SelectionRule.Hysteresis, isNoWorse: false);
    }

    /// <summary>A neighbour offers a route.</summary>
    /// <param name="neighbour">Who.</param>
    /// <param name="update">What.</param>
    /// <param name="key">What it is for.</param>
    /// <param name="known">What it offered before, or null.</param>
    /// <param name="penalty">What the filter adds to its metric.</param>
    private void Acquire(Neighbour neighbour, in ReceivedUpdate update, in RouteKey key, RouteId? known, ushort penalty)
    {
        RouteId route = known ?? default;
        if (known is null && !TryAdd(neighbour, key, out route))
            return;
        int row = route.Row;
        ref RouteCell cell = ref _routes[route];
        bool isFeasible = _options.Mutation == BabelMutation.SkipFeasibility || _routes.Sources.IsFeasible(row, update.RouterId, update.Seqno, update.Metric);
        bool isSelected = _routes.Rows[row].Selected == neighbour.Slot;
        bool originChanged = _routes.OriginOf(route) != update.RouterId;
        bool isNoWorse = !originChanged && Metric.Add(update.Metric, penalty) <= Metric.Add(cell.RefMetric, _routes.PenaltyOf(route));
        bool isRepetition = !originChanged && cell.Seqno == update.Seqno && cell.RefMetric == update.Metric && _routes.PenaltyOf(route) == penalty;
        if (cell.RefMetric != update.Metric || cell.Is(CellFlags.Settling))
            Settle(route, update.Metric);
        if (originChanged || cell.Is(CellFlags.OtherOrigin))
            _routes.SetOrigin(route, update.RouterId);
        neighbour.NoteInterval(update.IntervalCentiseconds);
        cell.Seqno = update.Seqno;
        cell.RefMetric = update.Metric;
        cell.Hold = neighbour.Hold;
        cell.ExpiresAt = DecisecondsAt(_tick + HoldTime.Ticks(update.IntervalCentiseconds));
        cell.Flags &= ~CellFlags.Requested;
        _routes.SetPenalty(route, penalty);
        if (_routes.SetNextHop(route, neighbour.Address, update.NextHop) && isSelected)
            MarkChanged(row);
        Arm(row, _tick + HoldTime.WarnTicks(update.IntervalCentiseconds));

        var rule = SelectionRule.Hysteresis;
        if (!isFeasible)
        {
            Count(BabelCounter.UnfeasibleUpdate);
            // Under the same origin the old order of distances still holds, as long as the number is not older than what we announced.
            bool isOld = _routes.Sources.TryGet(row, update.RouterId, out FeasibilityDistance announced) && announced.Seqno.IsNewerThan(update.Seqno);
            if (isSelected && (originChanged || isOld))
                rule = SelectionRule.Unselect;
        }
        else if (!isRepetition && !isSelected && IsAwaited(row))
        {
            rule = SelectionRule.Immediate;
        }

        if (originChanged && isSelected)
            _isPacked = false;
        if (!isRepetition || rule != SelectionRule.Hysteresis || !isSelected)
            Reconsider(route, rule, isNoWorse && rule == SelectionRule.Hysteresis);
        if (!isFeasible)
            RequestIfBetter(neighbour, row);
    }

    private bool TryAdd(Neighbour neighbour, RouteKey key, out RouteId route)
    {
        route = default;
        if (!_routes.TryFindOrAdd(key, out int row))
        {
            Count(BabelCounter.PrefixLimit);
            return false;
        }

        route = new RouteId(row, neighbour.Slot);
        if (_routes.TryAdd(route))
        {
            if (neighbour.LastRow >= 0 && neighbour.LastRow != row && _routes.Rows[neighbour.LastRow].Follower < 0)
                _routes.Rows[neighbour.LastRow].Follower = row;
            neighbour.LastRow = row;
            return true;
        }

        Count(BabelCounter.RouteLimit);
        ReleaseIfUnused(row);
        return false;
    }

    /// <summary>An unfeasible route that would be much better, or the only one, is worth a request (3.8.2.2).</summary>
    private void RequestIfBetter(Neighbour neighbour, int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        var route = new RouteId(row, neighbour.Slot);
        int metric = MetricOf(route);
        if (entry.IsOwn || entry.Selected == neighbour.Slot || metric == Metric.Infinity)
            return;
        if (entry.Selected >= 0 && MetricOf(new RouteId(row, entry.Selected)) < metric + UrgentGrowth)
            return;
        RouterId origin = _routes.OriginOf(route);
        if (!_routes.Sources.TryGet(row, origin, out FeasibilityDistance announced) || announced.Seqno.DistanceFrom(_routes[route].Seqno) > HopelessDistance)
            return;
        RequestSeqno(row, origin, neighbour);
    }

    private ushort MetricOf(RouteId route) =>
        Metric.Add(Metric.Add(_routes[route].RefMetric, NeighbourOf(route.Neighbour).Cost), _routes.PenaltyOf(route));

    private bool IsFeasible(RouteId route)
    {
        ref RouteCell cell = ref _routes[route];
        return _options.Mutation == BabelMutation.SkipFeasibility || _routes.Sources.IsFeasible(route.Row, _routes.OriginOf(route), cell.Seqno, cell.RefMetric);
    }

    /// <summary>Some neighbour may believe our last announcement until it lapses there; until then the prefix must not follow a shorter one (2.8, 3.5.4).</summary>
    private void BeginHold(int row)
    {
        _routes.Rows[row].Flags |= RowFlags.Held;
        var hold = new Hold(_tick + HoldTime.Ticks(LongestUpdateInterval()), _options.Resends > 0 ? _tick + CeilTicks(_options.ResendDelay) : long.MaxValue, _options.Resends);
        _holds[row] = hold;
        MarkChanged(row);
        Arm(row, Math.Min(hold.Until, hold.ResendAt));
    }

    private void EndHold(int row)
    {
        _ = _holds.Remove(row);
        SuspendHold(row);
    }

    /// <summary>There is a route again. It may be gone before anybody has heard of it, and then the retraction still has to be repeated: who has missed it would believe the old announcement.</summary>
    private void SuspendHold(int row)
    {
        _routes.Rows[row].Flags &= ~RowFlags.Held;
        MarkChanged(row);
    }

    /// <summary>Repeats the retraction of a held row and ends the hold when it is time.</summary>
    private void ServeHold(int row)
    {
        if (!_holds.TryGetValue(row, out Hold hold))
            return;
        if (!_routes.Rows[row].IsHeld)
        {
            if (hold.Until <= _tick)
                _ = _holds.Remove(row);
        }
        else if (hold.Until <= _tick)
        {
            EndHold(row);
            _routes.Rows[row].SentMetric = Metric.Infinity;
        }
        else if (hold.ResendAt <= _tick && _options.Mutation != BabelMutation.ForgetRetraction)
        {
            int left = hold.ResendsLeft - 1;
            _holds[row] = hold with { ResendsLeft = left, ResendAt = left > 0 ? _tick + (CeilTicks(_options.ResendDelay) << (_options.Resends - left)) : long.MaxValue };
            QueueEverywhere(row, _now + Roughly(_options.UrgentDelay));
        }
    }

    /// <summary>Does what a row's timers ask for, and finds out when it is to be served next.</summary>
    private void Serve(int row)
    {
        long next = ServeRoutes(row);
        ServeHold(row);
        Reselect(row, SelectionRule.Hysteresis);
        int sources = _routes.Sources.Collect(row, (uint)_tick);
        if (sources != int.MaxValue)
            next = Math.Min(next, _tick + sources);
        next = Math.Min(next, ServeRequests(row));
        if (_holds.TryGetValue(row, out Hold hold))
            next = Math.Min(next, _routes.Rows[row].IsHeld ? Math.Min(hold.Until, hold.ResendAt) : hold.Until);
        if (!ReleaseIfUnused(row) && next != long.MaxValue)
            Arm(row, Math.Max(next, _tick + 1));
    }

    private long ServeRoutes(int row)
    {
        long next = long.MaxValue;
        for (int slot = _routes.NextNeighbour(row, -1); slot >= 0; slot = _routes.NextNeighbour(row, slot))
        {
            var route = new RouteId(row, slot);
            ref RouteCell cell = ref _routes[route];
            int left = LeftOf(cell);
            bool isSelected = _routes.Rows[row].Selected == slot;
            if (left <= 0 && cell.RefMetric == Metric.Infinity)
            {
                if (isSelected)
                    Reselect(row, SelectionRule.Unselect);
                _routes.Remove(route);
                continue;
            }

            int life = HoldTime.Decode(cell.Hold);
            if (left <= 0)
            {
                // First time: it becomes infinite and stays as long again (3.5.3).
                cell.RefMetric = Metric.Infinity;
                _routes.Column(slot).Settled(row);
                left = life;
                cell.ExpiresAt = DecisecondsAt(_tick + left);
            }

            int warning = left - (life / 6);
            if (warning <= 0 && isSelected && !cell.Is(CellFlags.Requested))
            {
                // About to lapse: ask for it (3.8.2.3).
                cell.Flags |= CellFlags.Requested;
                SendRouteRequest(NeighbourOf(slot), _routes.KeyOf(row));
            }

            next = Math.Min(next, _tick + (warning > 0 ? warning : left));
        }

        return next;
    }

    private ushort LongestUpdateInterval()
    {
        ushort longest = 1;
        foreach (BabelInterface link in _interfaces)
            longest = Math.Max(longest, link.LongestUpdateCentiseconds(_now));
        return longest;
    }

    private void Arm(int row, long tick) => _routes.Timers.Arm(row, tick);

    private bool ReleaseIfUnused(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.Is(RowFlags.Own | RowFlags.Held | RowFlags.Requests) || _routes.Sources.HasAny(row) || _routes.NextNeighbour(row, -1) >= 0)
            return false;
        _ = _awaited.Remove(row);
        _ = _holds.Remove(row);
        _routes.Remove(row);
        return true;
    }
}
