using System.Runtime.InteropServices;
using Mesh.Babel.Routes;

namespace Mesh.Babel.Sources;

/// <summary>Feasibility distances (RFC 8966 sections 3.2.5, 3.5.1, 3.7.3): per prefix and origin, the best that we ever announced.</summary>
/// <remarks>
/// <para>
/// A route is feasible where its neighbour is strictly closer to the origin than we ever said we were; a packet that follows feasible routes gets closer
/// with every hop and so cannot go in a circle. Own prefixes have no entry.
/// </para>
/// <para>The distance to a row's own origin stands in the row; those to other origins, which few rows have, stand here.</para>
/// </remarks>
internal sealed class SourceTable(Pool<RouteRow> rows, int limit)
{
    private readonly Dictionary<int, List<Source>> _others = [];
    private readonly List<Source> _none = [];

    /// <summary>Entries in use.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is any entry of a row.</summary>
    public bool HasAny(int row) => rows[row].Is(RowFlags.Distance | RowFlags.OtherDistances);

    /// <summary>Whether an announcement is feasible. Retractions always are; callers do not ask about them.</summary>
    public bool IsFeasible(int row, RouterId routerId, Seqno seqno, ushort metric) =>
        !TryGet(row, routerId, out FeasibilityDistance distance) || seqno.IsNewerThan(distance.Seqno) || (seqno == distance.Seqno && metric < distance.Metric);

    /// <summary>The feasibility distance; false where there is none.</summary>
    public bool TryGet(int row, RouterId routerId, out FeasibilityDistance distance)
    {
        ref RouteRow entry = ref rows[row];
        if (entry.Origin == routerId)
        {
            distance = new FeasibilityDistance(entry.DistanceSeqno, entry.DistanceMetric);
            return entry.Is(RowFlags.Distance);
        }

        if (FindOther(row, routerId, out List<Source> others) is var index && index >= 0)
        {
            distance = others[index].Distance;
            return true;
        }

        distance = default;
        return false;
    }

    /// <summary>Takes down what is about to be sent.</summary>
    /// <returns>False where the table is full: the update must not be sent.</returns>
    public bool TryNoteSent(int row, RouterId routerId, Seqno seqno, ushort metric, uint expiresAt)
    {
        bool isKnown = TryGet(row, routerId, out FeasibilityDistance distance);
        if (!isKnown && Count >= limit)
            return false;
        if (!isKnown || seqno.IsNewerThan(distance.Seqno) || (seqno == distance.Seqno && metric < distance.Metric))
            distance = new FeasibilityDistance(seqno, metric);
        Set(row, new Source(routerId, distance, expiresAt));
        return true;
    }

    /// <summary>Drops the entries of a row that have lapsed.</summary>
    /// <returns>Centiseconds until the next one does, or <see cref="int.MaxValue"/>.</returns>
    public int Collect(int row, uint now)
    {
        int next = int.MaxValue;
        ref RouteRow entry = ref rows[row];
        if (entry.Is(RowFlags.Distance))
        {
            int left = (int)(entry.DistanceExpiresAt - now);
            if (left > 0)
                next = left;
            else
                Forget(row, entry.Origin);
        }

        if (entry.Is(RowFlags.OtherDistances))
        {
            List<Source> others = _others[row];
            for (int i = others.Count - 1; i >= 0; i--)
            {
                int left = (int)(others[i].ExpiresAt - now);
                if (left > 0)
                    next = Math.Min(next, left);
                else
                    Forget(row, others[i].RouterId);
            }
        }

        return next;
    }

    /// <summary>A row gets another origin: the distance in the row changes places with that to the new origin, if there is one. </summary>
    public void ChangeOrigin(int row, RouterId origin)
    {
        ref RouteRow entry = ref rows[row];
        Source? former = entry.Is(RowFlags.Distance) ? new Source(entry.Origin, new FeasibilityDistance(entry.DistanceSeqno, entry.DistanceMetric), entry.DistanceExpiresAt) : null;
        Source? next = FindOther(row, origin, out List<Source> others) is var index && index >= 0 ? others[index] : null;
        if (former is { } leaves)
            Forget(row, leaves.RouterId);
        if (next is not null)
            Forget(row, origin);
        entry.Origin = origin;
        foreach (Source? source in (ReadOnlySpan<Source?>)[former, next])
        {
            if (source is { } kept)
                Set(row, kept);
        }
    }

    private void Set(int row, Source source)
    {
        ref RouteRow entry = ref rows[row];
        if (entry.Origin == source.RouterId)
        {
            if (!entry.Is(RowFlags.Distance))
                Count++;
            entry.Flags |= RowFlags.Distance;
            (entry.DistanceSeqno, entry.DistanceMetric, entry.DistanceExpiresAt) = (source.Distance.Seqno, source.Distance.Metric, source.ExpiresAt);
            return;
        }

        int index = FindOther(row, source.RouterId, out List<Source> others);
        if (index >= 0)
        {
            others[index] = source;
            return;
        }

        if (!entry.Is(RowFlags.OtherDistances))
            _others[row] = others = [];
        entry.Flags |= RowFlags.OtherDistances;
        others.Add(source);
        Count++;
    }

    private void Forget(int row, RouterId routerId)
    {
        ref RouteRow entry = ref rows[row];
        Count--;
        if (entry.Origin == routerId)
        {
            entry.Flags &= ~RowFlags.Distance;
            return;
        }

        int index = FindOther(row, routerId, out List<Source> others);
        others.RemoveAt(index);
        if (others.Count > 0)
            return;
        _ = _others.Remove(row);
        entry.Flags &= ~RowFlags.OtherDistances;
    }

    private int FindOther(int row, RouterId routerId, out List<Source> others)
    {
        others = rows[row].Is(RowFlags.OtherDistances) ? _others[row] : _none;
        int index = others.Count - 1;
        while (index >= 0 && others[index].RouterId != routerId)
            index--;
        return index;
    }

    /// <summary>One feasibility distance.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Source(RouterId RouterId, FeasibilityDistance Distance, uint ExpiresAt);
}
