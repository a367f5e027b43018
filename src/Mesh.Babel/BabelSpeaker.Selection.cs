using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Selecting routes and what follows from it (RFC 8966 sections 3.6, 3.7.2, A.3).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>How long a better route is awaited that was asked for: as long as the request is repeated, and as its last answer may take. 15 s.</summary>
    private const int AwaitedTicks = 1500;

    /// <summary>A path that becomes worse by this much is told at once (babeld).</summary>
    private const int UrgentGrowth = 512;

    /// <summary>Unless it was this bad before.</summary>
    private const int UrgentGrowthLimit = 1536;

    /// <summary>A path that becomes better by less than this waits for the next full update (babeld).</summary>
    private const int SmallDecrease = 1024;

    /// <summary>A path that becomes worse by less than this waits for the next full update (babeld).</summary>
    private const int SmallGrowth = 384;

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

    /// <summary>Selects the route of a row again and does what follows from the outcome.</summary>
    private void Reselect(int row, SelectionRule rule)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        int before = entry.Selected;
        RouterId lost = before >= 0 ? _routes.OriginOf(new RouteId(row, before)) : default;
        entry.Selected = entry.IsOwn ? -1 : Choose(row, before, rule);
        if (entry.Selected != before)
            MarkChanged(row);
        if (entry.Selected < 0 && !entry.IsOwn)
        {
            if (!entry.IsHeld && (entry.SentMetric != Metric.Infinity || _holds.ContainsKey(row)))
                BeginHold(row);
            if (before >= 0)
                RequestSeqno(row, lost, null);
        }
        else if (entry.IsHeld)
        {
            SuspendHold(row);
        }

        Follow(row, isSame: entry.Selected == before);
    }

    /// <summary>A route has changed: selects again where that can make a difference. In large networks nearly all that changes is how bad the routes are that are not used.</summary>
    /// <param name="route">Which.</param>
    /// <param name="rule">How it may be replaced, or replace the selected one.</param>
    /// <param name="isNoWorse">Whether it is as good as before or better.</param>
    private void Reconsider(RouteId route, SelectionRule rule, bool isNoWorse)
    {
        ref RouteRow entry = ref _routes.Rows[route.Row];
        if (entry.IsOwn)
            return;
        if (entry.Selected == route.Neighbour)
        {
            if (isNoWorse)
                Follow(route.Row, isSame: true);   // what was no better than it still is not
            else
                Reselect(route.Row, rule);
            return;
        }

        if (MetricOf(route) < SelectedMetricOf(route.Row) && IsFeasible(route))
            Reselect(route.Row, rule);
        else if (entry.Selected >= 0)
            RequestInPlaceOf(route.Row, entry.Selected);
    }

    private ushort SelectedMetricOf(int row) => _routes.Rows[row].Selected is var selected && selected >= 0 ? MetricOf(new RouteId(row, selected)) : Metric.Infinity;

    private void Follow(int row, bool isSame)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (entry.Selected >= 0 && isSame)
            RequestInPlaceOf(row, entry.Selected);
        QueueTriggered(row);
        if (entry.Is(RowFlags.Requests))
            AnswerRequests(row);
    }

    /// <summary>A route that has become much worse may have a better one beside it that lacks a newer number only (3.8.2.2). It is asked for at once: the next announcement of that one may be a minute away.</summary>
    private void RequestInPlaceOf(int row, int selected)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        if (!IsMuchWorse(entry, MetricOf(new RouteId(row, selected))))
            return;
        int best = -1;
        ushort bestMetric = Metric.Infinity;
        for (int slot = _routes.NextNeighbour(row, -1); slot >= 0; slot = _routes.NextNeighbour(row, slot))
        {
            var candidate = new RouteId(row, slot);
            if (slot != selected && !IsFeasible(candidate) && MetricOf(candidate) is var metric && (best < 0 || metric < bestMetric))
                (best, bestMetric) = (slot, metric);
        }

        if (best < 0)
            return;
        _awaited[row] = _tick + AwaitedTicks;
        RequestIfBetter(NeighbourOf(best), row);
    }

    private static bool IsMuchWorse(in RouteRow entry, ushort metric) => entry.SentMetric != Metric.Infinity && metric - entry.SentMetric >= UrgentGrowth;

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
        ushort currentMetric = current < 0 || rule == SelectionRule.Unselect ? Metric.Infinity : MetricOf(new RouteId(row, current));
        ushort currentSmoothed = Metric.Infinity;
        if (currentMetric == Metric.Infinity)
            current = -1;
        else
            currentSmoothed = SmoothedOf(new RouteId(row, current));

        int best = -1;
        ushort bestMetric = Metric.Infinity;
        ushort bestSmoothed = Metric.Infinity;
        for (int slot = _routes.NextNeighbour(row, -1); slot >= 0; slot = _routes.NextNeighbour(row, slot))
        {
            var candidate = new RouteId(row, slot);
            ushort metric = MetricOf(candidate);
            if (slot == current || metric == Metric.Infinity || (current >= 0 && metric >= currentMetric) || !IsFeasible(candidate))
                continue;
            ushort smoothed = SmoothedOf(candidate);
            if (current >= 0 && rule == SelectionRule.Hysteresis && smoothed >= currentSmoothed)
            {
                // It is better and will have earned its place in a while: look again then.
                Arm(row, _tick + Math.Max(_smoothingHalfLife * TicksPerDecisecond / 2, 50));
                continue;
            }

            int order = current >= 0 || rule == SelectionRule.Immediate ? metric.CompareTo(bestMetric) : smoothed.CompareTo(bestSmoothed);
            if (order == 0)
                order = metric.CompareTo(bestMetric);
            if (best < 0 || order < 0)
                (best, bestMetric, bestSmoothed) = (slot, metric, smoothed);
        }

        return best >= 0 ? best : current;
    }

    /// <summary>Compares what others last heard with what is true now, and queues an update where that is worth it (3.7.2).</summary>
    private void QueueTriggered(int row)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        OutgoingUpdate update = Announcement(row);
        int before = entry.SentMetric;
        int after = update.Metric;
        if ((before == Metric.Infinity || _options.Mutation == BabelMutation.ForgetRetraction) && after == Metric.Infinity)
            return;
        if (before == Metric.Infinity && _routes.SentOriginOf(row) == default)
            QueueNews(row);
        else if (before == Metric.Infinity || after == Metric.Infinity || _routes.SentOriginOf(row) != update.RouterId || (after - before >= UrgentGrowth && before < UrgentGrowthLimit))
            QueueEverywhere(row, _now + Roughly(_options.UrgentDelay));
        else if (after - before >= SmallGrowth || before - after >= SmallDecrease)
            QueueEverywhere(row, _now + Roughly(_options.NormalDelay));
    }
}
