using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Acquiring, selecting and losing routes (RFC 8966 sections 3.5, 3.6, 3.7.2, A.3).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>A path that becomes worse by this much is told at once (babeld).</summary>
    private const int UrgentGrowth = 512;

    /// <summary>How long a better route is awaited that was asked for: as long as the request is repeated, and as its last answer may take. 15 s.</summary>
    private const int AwaitedTicks = 1500;

    /// <summary>Unless it was this bad before.</summary>
    private const int UrgentGrowthLimit = 1536;

    /// <summary>A path that becomes better by less than this waits for the next full update (babeld).</summary>
    private const int SmallDecrease = 1024;

    /// <summary>A path that becomes worse by less than this waits for the next full update (babeld).</summary>
    private const int SmallGrowth = 384;

    /// <summary>A number further ahead than this will not be reached by requests: the origin has lost its state (babeld).</summary>
    private const int HopelessDistance = 100;

    /// <summary>How the selected route may be replaced.</summary>
    private enum SelectionRule
    {
        /// <summary>By a better route whose smoothed metric is better too.</summary>
        Hysteresis,

        /// <summary>By a better route: something certain has changed.</summary>
        Immediate,

        /// <summary>By any route, or none: it must not be used any more.</summary>
        Unselect,
    }

    private void HandleUpdate(Neighbour neighbour, in ReceivedUpdate update)
    {
        if (update.IsWildcard)
        {
            for (int cell = 0; cell < _routes.Cells.Extent; cell++)
            {
                ref RouteCell candidate = ref _routes.Cells[cell];
                if (candidate.Neighbour == neighbour.Slot && (candidate.Flags & CellFlags.InUse) != CellFlags.None)
                    Retract(cell);
            }

            return;
        }

        RouteKey key = update.Key;
        int known = FindCell(neighbour, key);
        bool isOurs = !update.IsRetraction && update.RouterId == _routerId;
        if (isOurs)
            Count(BabelCounter.OwnRouterId);
        if (update.IsRetraction || isOurs)
        {
            // A route that leads back to us is as good as none.
            if (known >= 0)
                Retract(known);
            else if (update.IsRetraction)
                Count(BabelCounter.UnknownRetraction);
            return;
        }

        if (key.IsMartian)
            Count(BabelCounter.MartianPrefix);
        else if (update.IntervalCentiseconds == 0)
            Count(BabelCounter.MalformedTlv);
        else if (PenaltyOf(neighbour, update) is var penalty && penalty != Metric.Infinity)
            Acquire(neighbour, update, key, known, penalty);
        else
            Refuse(known);
    }

    private int FindCell(Neighbour neighbour, in RouteKey key)
    {
        int cell = neighbour.LastCell >= 0 ? _routes.Cells[neighbour.LastCell].Follower : -1;
        if (!_routes.IsCellOf(cell, neighbour.Slot, key))
        {
            int row = _routes.Find(key);
            cell = row < 0 ? -1 : _routes.FindCell(row, neighbour.Slot);
            if (cell < 0)
                return -1;
            if (neighbour.LastCell >= 0)
                _routes.Cells[neighbour.LastCell].Follower = cell;
        }

        neighbour.LastCell = cell;
        return cell;
    }

    private void Retract(int cell)
    {
        // The expiry timer goes on: the entry is removed when it runs out (3.5.3).
        _routes.Cells[cell].RefMetric = Metric.Infinity;
        _routes.Cells[cell].Smoothed = Metric.Infinity;
        Reselect(_routes.Cells[cell].Row, SelectionRule.Hysteresis);
    }

    /// <summary>A neighbour offers a route.</summary>
    /// <param name="neighbour">Who.</param>
    /// <param name="update">What.</param>
    /// <param name="key">What it is for.</param>
    /// <param name="cell">What it offered before, or -1.</param>
    /// <param name="penalty">What the filter adds to its metric.</param>
    private void Acquire(Neighbour neighbour, in ReceivedUpdate update, in RouteKey key, int cell, ushort penalty)
    {
        if (cell < 0 && !TryAddCell(neighbour, key, out cell))
            return;
        int row = _routes.Cells[cell].Row;
        bool isFeasible = _sources.IsFeasible(_routes.Rows[row], update.RouterId, update.Seqno, update.Metric);
        bool isSelected = _routes.Rows[row].Selected == cell;
        ref RouteCell entry = ref _routes.Cells[cell];
        bool originChanged = _routes.OriginOf(cell) != update.RouterId;
        bool isRepetition = !originChanged && entry.Seqno == update.Seqno && entry.RefMetric == update.Metric && _routes.PenaltyOf(cell) == penalty;
        if (!isRepetition)
            _ = Smooth(cell, MetricOf(cell));   // until now it was the old metric that counted
        if (originChanged || (entry.Flags & CellFlags.OtherOrigin) != CellFlags.None)
            _routes.SetOrigin(cell, update.RouterId);
        entry.Seqno = update.Seqno;
        entry.RefMetric = update.Metric;
        _ = _routes.SetPenalty(cell, penalty);
        entry.Interval = update.IntervalCentiseconds;
        entry.ExpiresAt = (uint)(_tick + HoldTicks(entry.Interval));
        entry.Flags &= ~CellFlags.Requested;
        if (_routes.SetNextHop(cell, neighbour.Address, update.NextHop) && isSelected)
            MarkChanged(row);
        Arm(row, _tick + WarnTicks(entry.Interval));

        var rule = SelectionRule.Hysteresis;
        if (!isFeasible)
        {
            Count(BabelCounter.UnfeasibleUpdate);
            // Under the same origin the old order of distances still holds, as long as the number is not older than what we announced.
            bool isOld = _sources.TryGet(_routes.Rows[row], update.RouterId, out FeasibilityDistance announced) && announced.Seqno.IsNewerThan(update.Seqno);
            if (isSelected && (originChanged || isOld))
                rule = SelectionRule.Unselect;
        }

        else if (!isRepetition && !isSelected && IsAwaited(row))
        {
            rule = SelectionRule.Immediate;
        }

        if (originChanged && isSelected)
            _isPacked = false;
        if (!isRepetition || rule != SelectionRule.Hysteresis || IsPreferable(row, cell))
            Reselect(row, rule);
        if (!isFeasible)
            RequestIfBetter(neighbour, row, cell);
    }

    private bool TryAddCell(Neighbour neighbour, RouteKey key, out int cell)
    {
        cell = -1;
        if (!_routes.TryFindOrAdd(key, out int row))
        {
            Count(BabelCounter.PrefixLimit);
            return false;
        }

        if (_routes.TryAddCell(row, neighbour.Slot, out cell))
            return true;
        Count(BabelCounter.RouteLimit);
        ReleaseIfUnused(row);
        return false;
    }

    /// <summary>Whether a route whose values have not changed may be selected, or another one in its place. Where better routes only wait for their smoothed metric, the row is armed already.</summary>
    private bool IsPreferable(int row, int cell)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.IsOwn || entry.Selected == cell)
            return false;
        return entry.Selected < 0 || MetricOf(cell) < MetricOf(entry.Selected);
    }

    /// <summary>An unfeasible route that would be much better, or the only one, is worth a request (3.8.2.2).</summary>
    private void RequestIfBetter(Neighbour neighbour, int row, int cell)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        ref RouteCell offered = ref _routes.Cells[cell];
        int metric = MetricOf(cell);
        if (entry.IsOwn || entry.Selected == cell || metric == Metric.Infinity)
            return;
        if (entry.Selected >= 0 && MetricOf(entry.Selected) < metric + UrgentGrowth)
            return;
        if (!_sources.TryGet(entry, _routes.OriginOf(cell), out FeasibilityDistance announced) || announced.Seqno.DistanceFrom(offered.Seqno) > HopelessDistance)
            return;
        RequestSeqno(row, _routes.OriginOf(cell), neighbour);
    }

    private ushort MetricOf(int cell)
    {
        ref RouteCell entry = ref _routes.Cells[cell];
        return Metric.Add(Metric.Add(entry.RefMetric, NeighbourOf(entry.Neighbour).Cost), _routes.PenaltyOf(cell));
    }

    private bool IsFeasible(in RouteRow row, int cell)
    {
        ref RouteCell entry = ref _routes.Cells[cell];
        return _sources.IsFeasible(row, _routes.OriginOf(cell), entry.Seqno, entry.RefMetric);
    }

    /// <summary>Selects the route of a row again and does what follows from the outcome.</summary>
    private void Reselect(int row, SelectionRule rule)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        int before = entry.Selected;
        RouterId lost = before >= 0 ? _routes.OriginOf(before) : default;
        entry.Selected = entry.IsOwn ? -1 : Choose(row, before, rule);
        if (entry.Selected != before)
            MarkChanged(row);
        if (entry.Selected < 0 && !entry.IsOwn)
        {
            if (entry.SentMetric != Metric.Infinity && !entry.IsHeld)
                BeginHold(row);
            if (before >= 0)
                RequestSeqno(row, lost, null);
        }
        else if (entry.IsHeld)
        {
            entry.Flags &= ~RowFlags.Held;
            entry.HoldUntil = long.MaxValue;
            entry.ResendsLeft = 0;
            entry.ResendAt = long.MaxValue;
            MarkChanged(row);
        }

        if (entry.Selected >= 0 && entry.Selected == before)
            RequestInPlaceOf(row, before);
        QueueTriggered(row);
        if (entry.FirstRequest >= 0)
            AnswerRequests(row);
    }

    /// <summary>A route that has become much worse may have a better one beside it that lacks a newer number only (3.8.2.2). It is asked for at once: the next announcement of that one may be a minute away.</summary>
    private void RequestInPlaceOf(int row, int selected)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.SentMetric == Metric.Infinity || MetricOf(selected) - entry.SentMetric < UrgentGrowth)
            return;
        int best = -1;
        for (int cell = entry.FirstCell; cell >= 0; cell = _routes.Cells[cell].Next)
        {
            if (cell != selected && !IsFeasible(entry, cell) && (best < 0 || MetricOf(cell) < MetricOf(best)))
                best = cell;
        }

        if (best < 0)
            return;
        _awaited[row] = _tick + AwaitedTicks;
        RequestIfBetter(NeighbourOf(_routes.Cells[best].Neighbour), row, best);
    }

    /// <summary>Whether a better route was asked for a short while ago: the one in use has become so much worse that the better one need not earn its place.</summary>
    private bool IsAwaited(int row)
    {
        if (!_awaited.TryGetValue(row, out long until))
            return false;
        if (_tick < until)
            return true;
        _awaited.Remove(row);
        return false;
    }

    private int Choose(int row, int current, SelectionRule rule)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        ushort currentMetric = current < 0 || rule == SelectionRule.Unselect ? Metric.Infinity : MetricOf(current);
        ushort currentSmoothed = Metric.Infinity;
        if (currentMetric == Metric.Infinity)
            current = -1;
        else
            currentSmoothed = Smooth(current, currentMetric);

        int best = -1;
        ushort bestMetric = Metric.Infinity;
        ushort bestSmoothed = Metric.Infinity;
        for (int cell = entry.FirstCell; cell >= 0; cell = _routes.Cells[cell].Next)
        {
            ref RouteCell candidate = ref _routes.Cells[cell];
            ushort metric = MetricOf(cell);
            ushort smoothed = Smooth(cell, metric);
            if (cell == current || metric == Metric.Infinity || !IsFeasible(entry, cell))
                continue;
            if (current >= 0)
            {
                if (metric >= currentMetric)
                    continue;
                if (rule == SelectionRule.Hysteresis && smoothed >= currentSmoothed)
                {
                    // It is better and will have earned its place in a while: look again then.
                    Arm(row, _tick + Math.Max(_smoothingHalfLife / 2, 50));
                    continue;
                }
            }

            int order = current >= 0 || rule == SelectionRule.Immediate ? metric.CompareTo(bestMetric) : smoothed.CompareTo(bestSmoothed);
            if (order == 0)
                order = metric.CompareTo(bestMetric);
            if (best < 0 || order < 0 || (order == 0 && candidate.Neighbour < _routes.Cells[best].Neighbour))
                (best, bestMetric, bestSmoothed) = (cell, metric, smoothed);
        }

        return best >= 0 ? best : current;
    }

    private ushort Smooth(int cell, ushort metric)
    {
        ref RouteCell entry = ref _routes.Cells[cell];
        SmoothedMetric.Advance(ref entry, metric, (uint)_tick, _smoothingHalfLife, _smoothingFraction);
        return entry.Smoothed;
    }

    /// <summary>Some neighbour may believe our last announcement until it lapses there; until then the prefix must not follow a shorter one (2.8, 3.5.4).</summary>
    private void BeginHold(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        entry.Flags |= RowFlags.Held;
        entry.HoldUntil = _tick + HoldTicks(LongestUpdateInterval());
        entry.ResendsLeft = (byte)_options.Resends;
        entry.ResendAt = entry.ResendsLeft > 0 ? _tick + CeilTicks(_options.ResendDelay) : long.MaxValue;
        MarkChanged(row);
        Arm(row, Math.Min(entry.HoldUntil, entry.ResendAt));
    }

    /// <summary>Compares what others last heard with what is true now, and queues an update where that is worth it (3.7.2).</summary>
    private void QueueTriggered(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        OutgoingUpdate update = Announcement(row);
        int before = entry.SentMetric;
        int after = update.Metric;
        if (before == Metric.Infinity && after == Metric.Infinity)
            return;
        bool crossed = (before == Metric.Infinity) != (after == Metric.Infinity);
        if (crossed || entry.SentRouterId != update.RouterId || (after - before >= UrgentGrowth && before < UrgentGrowthLimit))
            QueueEverywhere(row, _now + Roughly(_options.UrgentDelay));
        else if (after - before >= SmallGrowth || before - after >= SmallDecrease)
            QueueEverywhere(row, _now + Roughly(_options.NormalDelay));
    }

    /// <summary>Does what a row's timers ask for, and finds out when it is to be served next.</summary>
    private void Serve(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        entry.ArmedAt = long.MaxValue;
        long next = ServeCells(row);
        if (entry.HoldUntil <= _tick)
        {
            entry.Flags &= ~RowFlags.Held;
            entry.HoldUntil = long.MaxValue;
            entry.SentMetric = Metric.Infinity;
            MarkChanged(row);
        }

        if (entry.ResendAt <= _tick)
        {
            int done = _options.Resends - entry.ResendsLeft;
            entry.ResendsLeft--;
            entry.ResendAt = entry.ResendsLeft > 0 ? _tick + (CeilTicks(_options.ResendDelay) << (done + 1)) : long.MaxValue;
            if (entry.IsHeld)
                QueueEverywhere(row, _now + Roughly(_options.UrgentDelay));
        }

        Reselect(row, SelectionRule.Hysteresis);
        int sources = _sources.Collect(ref entry, (uint)_tick);
        if (sources != int.MaxValue)
            next = Math.Min(next, _tick + sources);
        next = Math.Min(next, ServeRequests(row));
        next = Math.Min(next, Math.Min(entry.HoldUntil, entry.ResendAt));
        if (!ReleaseIfUnused(row) && next != long.MaxValue)
            Arm(row, Math.Max(next, _tick + 1));
    }

    private long ServeCells(int row)
    {
        long next = long.MaxValue;
        for (int cell = _routes.Rows[row].FirstCell; cell >= 0;)
        {
            ref RouteCell entry = ref _routes.Cells[cell];
            int following = entry.Next;
            int left = (int)(entry.ExpiresAt - (uint)_tick);
            if (left <= 0 && entry.RefMetric == Metric.Infinity)
            {
                if (_routes.Rows[row].Selected == cell)
                    Reselect(row, SelectionRule.Unselect);
                _routes.RemoveCell(cell);
            }
            else
            {
                if (left <= 0)
                {
                    // First time: it becomes infinite and stays as long again (3.5.3).
                    entry.RefMetric = Metric.Infinity;
                    left = (int)HoldTicks(entry.Interval);
                    entry.ExpiresAt = (uint)(_tick + left);
                }

                int warning = left - (int)(HoldTicks(entry.Interval) - WarnTicks(entry.Interval));
                bool isSelected = _routes.Rows[row].Selected == cell;
                if (warning <= 0 && isSelected && (entry.Flags & CellFlags.Requested) == CellFlags.None)
                {
                    // About to lapse: ask for it (3.8.2.3).
                    entry.Flags |= CellFlags.Requested;
                    SendRouteRequest(NeighbourOf(entry.Neighbour), _routes.KeyOf(row));
                }

                next = Math.Min(next, _tick + (warning > 0 ? warning : left));
            }

            cell = following;
        }

        return next;
    }

    /// <summary>A route lives for 3.5 times the interval that its update announced (appendix B).</summary>
    internal static long HoldTicks(ushort interval) => ((interval * 7L) + 1) / 2;

    /// <summary>It is asked for after 5/6 of that.</summary>
    private static long WarnTicks(ushort interval) => Math.Max(1, HoldTicks(interval) * 5 / 6);

    private ushort LongestUpdateInterval()
    {
        ushort longest = 1;
        foreach (BabelInterface link in _interfaces)
            longest = Math.Max(longest, link.LongestUpdateCentiseconds(_now));
        return longest;
    }

    private void Arm(int row, long tick)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.ArmedAt <= tick)
            return;
        entry.ArmedAt = tick;
        _timers.Enqueue(row, tick);
    }

    private bool ReleaseIfUnused(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.IsOwn || entry.IsHeld || entry.FirstCell >= 0 || entry.FirstSource >= 0 || entry.FirstRequest >= 0)
            return false;
        _awaited.Remove(row);
        _routes.Remove(row);
        return true;
    }
}
