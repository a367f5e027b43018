using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>
/// Tables that are told again. Nearly all that a router of a large network hears and says is what it heard and said before, and only makes the entries live longer.
/// For what is such a repetition both ways are short; all else takes the general one, which would do the same with repetitions.
/// </content>
public sealed partial class BabelSpeaker
{
    /// <summary>Takes an update that says what the neighbour said before, and of which nothing follows but that the route lives longer.</summary>
    /// <returns>False where something else may follow of it: nothing is done then.</returns>
    private bool TryRepeat(Neighbour neighbour, in PlainUpdate update)
    {
        int row = GuessRow(neighbour, update.Prefix);
        if (row < 0 || !_routes.Contains(new RouteId(row, neighbour.Slot)))
            return false;
        ref RouteRow entry = ref _routes.Rows[row];
        ref RouteCell cell = ref _routes[new RouteId(row, neighbour.Slot)];
        if ((cell.Flags & ~(CellFlags.Requested | CellFlags.Settling)) != CellFlags.InUse || cell.RefMetric != update.Metric || cell.Seqno != update.Seqno || cell.Hold != neighbour.Hold
            || entry.Origin != update.RouterId || update.RouterId == _routerId || update.IntervalCentiseconds != neighbour.UpdateInterval
            || !IsOfNoConsequence(neighbour, row, cell, out bool isFeasible)
            || _filter?.PenaltyOf(new OfferedRoute(neighbour.Link.Id, neighbour.Address, new RouteKey(update.Prefix, default), update.RouterId, update.Metric)) is not (null or 0))
            return false;
        if (!isFeasible)
            Count(BabelCounter.UnfeasibleUpdate);
        neighbour.LastRow = row;
        cell.ExpiresAt = DecisecondsAt(_tick + HoldTime.Ticks(update.IntervalCentiseconds));
        if (cell.Is(CellFlags.Settling))
            Settle(new RouteId(row, neighbour.Slot), update.Metric);
        cell.Flags &= ~CellFlags.Requested;
        Arm(row, _tick + HoldTime.WarnTicks(update.IntervalCentiseconds));
        return true;
    }

    private int GuessRow(Neighbour neighbour, in BabelPrefix prefix)
    {
        int row = neighbour.LastRow;
        for (int i = 0; i < 2 && row >= 0; i++)
        {
            row = _routes.Rows[row].Follower;
            if (row >= 0 && _routes.IsOrdinaryRowOf(row, prefix))
                return row;
        }

        return -1;
    }

    /// <summary>Whether selecting again, and asking for a newer number, would change nothing: see <see cref="Reconsider"/> and <see cref="RequestIfBetter"/>.</summary>
    private bool IsOfNoConsequence(Neighbour neighbour, int row, in RouteCell cell, out bool isFeasible)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        isFeasible = _options.Mutation == BabelMutation.SkipFeasibility || _routes.Sources.IsFeasible(row, entry.Origin, cell.Seqno, cell.RefMetric);
        int selected = entry.Selected;
        if (selected == neighbour.Slot)
            return isFeasible;
        if (selected < 0)
            return false;
        ushort selectedMetric = MetricOf(new RouteId(row, selected));
        if (IsMuchWorse(entry, selectedMetric))
            return false;
        ushort metric = Metric.Add(cell.RefMetric, neighbour.Cost);
        return isFeasible ? metric >= selectedMetric : metric == Metric.Infinity || selectedMetric < metric + UrgentGrowth;
    }

    /// <summary>Writes what all have heard before of a row, and of which nothing follows but that the feasibility distance lives longer.</summary>
    private Retold TryTellAgain(int row, BabelInterface link, long lifetime)
    {
        ref RouteRow entry = ref _routes.Rows[row];
        const RowFlags Needed = RowFlags.InUse | RowFlags.Distance | RowFlags.SentOrigin;
        if ((entry.Flags & (Needed | RowFlags.Own | RowFlags.SourceSpecific)) != Needed || entry.Selected < 0)
            return Retold.Otherwise;
        ref RouteCell cell = ref _routes[new RouteId(row, entry.Selected)];
        Neighbour neighbour = NeighbourOf(entry.Selected);
        ushort metric = Metric.Add(cell.RefMetric, neighbour.Cost);
        BabelPrefix prefix = entry.Prefix;
        if ((cell.Flags & (CellFlags.OtherOrigin | CellFlags.Penalised)) != CellFlags.None || metric == Metric.Infinity || prefix.IsIpv4)
            return Retold.Otherwise;
        if (neighbour.Link == link && link.Parameters.EffectiveSplitHorizon)
            return Retold.Nothing;
        if (_routes.Sources.IsFeasible(row, entry.Origin, cell.Seqno, metric) || _filter?.IsAnnounced(link.Id, new RouteKey(prefix, default), entry.Origin, metric) == false)
            return Retold.Otherwise;
        if (!_writer.TryAppend(prefix, entry.Origin, link.UpdateCentiseconds, cell.Seqno, metric))
            return Retold.NoRoom;
        (entry.SentSeqno, entry.SentMetric) = (cell.Seqno, metric);
        entry.DistanceExpiresAt = (uint)(_tick + lifetime);
        return Retold.Written;
    }

    private enum Retold
    {
        /// <summary>It is not like that.</summary>
        Otherwise,

        /// <summary>There is nothing to say about it on this interface.</summary>
        Nothing,

        /// <summary>It does not fit into the packet.</summary>
        NoRoom,

        /// <summary>It stands in the packet.</summary>
        Written,
    }
}
