using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;

namespace Mesh.Babel;

/// <content>Smoothed metrics (RFC 8966 appendix A.3), and times that are kept in two octets.</content>
public sealed partial class BabelSpeaker
{
    /// <summary>Without an input for longer than this, centiseconds: times in two octets would be taken for others. Ten minutes of the hour or so that is to spare.</summary>
    private const int LongestNap = 60_000;

    /// <summary>Times in two octets may be as far in the future as routes live, with room to spare; what looks farther away is past. Deciseconds.</summary>
    private const int Farthest = 40_000;

    private ushort Deciseconds => (ushort)(_tick / TicksPerDecisecond);

    /// <summary>Rounded up: a route lives a tenth of a second too long rather than too short.</summary>
    private static ushort DecisecondsAt(long tick) => (ushort)((tick + TicksPerDecisecond - 1) / TicksPerDecisecond);

    /// <summary>Centiseconds until a route lapses; not positive where it has.</summary>
    private int LeftOf(in RouteCell cell)
    {
        int left = (ushort)(cell.ExpiresAt - Deciseconds);
        if (left > Farthest)
            left -= ushort.MaxValue + 1;
        return (left * TicksPerDecisecond) - (int)(_tick % TicksPerDecisecond);
    }

    /// <summary>The metric of a route as the hysteresis sees it. Changes nothing.</summary>
    private ushort SmoothedOf(RouteId route)
    {
        if (MetricOf(route) == Metric.Infinity)
            return Metric.Infinity;
        ref RouteCell cell = ref _routes[route];
        Neighbour neighbour = NeighbourOf(route.Neighbour);
        int announced = cell.RefMetric;
        if (cell.Is(CellFlags.Settling))
        {
            SmoothedMetric smoothed = _routes.Column(route.Neighbour).Smoothed(route.Row);
            Advance(ref smoothed, cell.RefMetric, Deciseconds);
            announced = smoothed.Value;
        }

        SmoothedMetric cost = neighbour.SmoothedCost;
        Advance(ref cost, neighbour.Cost, Deciseconds);
        return (ushort)Math.Min(announced + cost.Value + _routes.PenaltyOf(route), Metric.Infinity - 1);
    }

    /// <summary>A route is about to have this announced metric: until now it was the old one that counted, and none at all for a new route.</summary>
    private void Settle(RouteId route, ushort refMetric)
    {
        RouteColumn column = _routes.Column(route.Neighbour);
        ref RouteCell cell = ref column[route.Row];
        SmoothedMetric smoothed;
        if (cell.RefMetric == Metric.Infinity)
        {
            smoothed = new SmoothedMetric(Math.Max(refMetric, SmoothedMetric.Start), Deciseconds);
        }
        else if (cell.Is(CellFlags.Settling))
        {
            smoothed = column.Smoothed(route.Row);
            Advance(ref smoothed, cell.RefMetric, Deciseconds);
        }
        else
        {
            smoothed = new SmoothedMetric(cell.RefMetric, Deciseconds);
        }

        if (_smoothingHalfLife == 0 || smoothed.Value == refMetric)
            column.Settled(route.Row);
        else
            column.Settle(route.Row, smoothed);
    }

    /// <summary>Brings the smoothed cost of a link up to date: with each Hello, so that its time does not come round, and before the cost changes. Until then it was the old one that counted: without that, a new one
    /// would count for the past, too, and hysteresis would be none.</summary>
    private void SettleCost(Neighbour neighbour)
    {
        if (neighbour.Cost != Metric.Infinity)
            Advance(ref neighbour.SmoothedCost, neighbour.Cost, Deciseconds);
    }

    /// <summary>The cost of a link changes.</summary>
    private void ChangeCost(Neighbour neighbour, ushort cost)
    {
        if (neighbour.Cost == Metric.Infinity)
        {
            // All its routes are new again, and begin where new ones do.
            neighbour.SmoothedCost = new SmoothedMetric(cost, Deciseconds);
            for (int row = _routes.NextRow(neighbour.Slot, -1); _smoothingHalfLife > 0 && row >= 0; row = _routes.NextRow(neighbour.Slot, row))
            {
                ushort announced = _routes[new RouteId(row, neighbour.Slot)].RefMetric;
                if (announced < SmoothedMetric.Start)
                    _routes.Column(neighbour.Slot).Settle(row, new SmoothedMetric(SmoothedMetric.Start, Deciseconds));
            }
        }

        neighbour.Cost = cost;
    }

    private void Advance(ref SmoothedMetric smoothed, ushort metric, ushort now) => smoothed.Advance(metric, now, _smoothingHalfLife, _smoothingFraction);

    /// <summary>There was no input for a long time, as when the process was stopped: what is kept in two octets is brought up to date, so that it does not come round again.</summary>
    private void Oversleep(long tick)
    {
        int nap = (int)Math.Min((tick - _tick) / TicksPerDecisecond, Farthest);
        ushort now = (ushort)(tick / TicksPerDecisecond);
        foreach (Neighbour? neighbour in _neighbours)
        {
            if (neighbour is null)
                continue;
            if (neighbour.Cost != Metric.Infinity)
                BringUp(ref neighbour.SmoothedCost, neighbour.Cost);
            for (int row = _routes.NextRow(neighbour.Slot, -1); row >= 0; row = _routes.NextRow(neighbour.Slot, row))
            {
                ref RouteCell cell = ref _routes[new RouteId(row, neighbour.Slot)];
                if (LeftOf(cell) <= tick - _tick)
                    cell.ExpiresAt = now;
                if (cell.Is(CellFlags.Settling))
                    BringUp(ref _routes.Column(neighbour.Slot).Smoothed(row), cell.RefMetric);
            }
        }

        void BringUp(ref SmoothedMetric smoothed, ushort metric)
        {
            Advance(ref smoothed, metric, (ushort)(Deciseconds + nap));
            smoothed.At = now;
        }
    }
}
