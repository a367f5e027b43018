using System.Runtime.InteropServices;
using Mesh.Babel.Routes;

namespace Mesh.Babel.Sources;

/// <summary>Feasibility distances (RFC 8966 sections 3.2.5, 3.5.1, 3.7.3): per prefix and origin, the best that we ever announced.</summary>
/// <remarks>
/// A route is feasible where its neighbour is strictly closer to the origin than we ever said we were; a packet that follows feasible routes gets closer
/// with every hop and so cannot go in a circle. Own prefixes have no entry.
/// </remarks>
internal sealed class SourceTable(int limit)
{
    private readonly Pool<Source> _sources = new(limit);

    /// <summary>Entries in use.</summary>
    public int Count => _sources.Count;

    /// <summary>Whether an announcement is feasible. Retractions always are; callers do not ask about them.</summary>
    public bool IsFeasible(in RouteRow row, RouterId routerId, Seqno seqno, ushort metric)
    {
        int index = Find(row, routerId);
        if (index < 0)
            return true;
        ref Source source = ref _sources[index];
        return seqno.IsNewerThan(source.Seqno) || (seqno == source.Seqno && metric < source.Metric);
    }

    /// <summary>The feasibility distance; false where there is none.</summary>
    public bool TryGet(in RouteRow row, RouterId routerId, out FeasibilityDistance distance)
    {
        int index = Find(row, routerId);
        distance = index < 0 ? default : new FeasibilityDistance(_sources[index].Seqno, _sources[index].Metric);
        return index >= 0;
    }

    /// <summary>Takes down what is about to be sent.</summary>
    /// <returns>False where the table is full: the update must not be sent.</returns>
    public bool TryNoteSent(ref RouteRow row, RouterId routerId, Seqno seqno, ushort metric, uint expiresAt)
    {
        int index = Find(row, routerId);
        if (index < 0)
        {
            var added = new Source { RouterId = routerId, Next = row.FirstSource, ExpiresAt = expiresAt, Seqno = seqno, Metric = metric };
            if (!_sources.TryAdd(added, out index))
                return false;
            row.FirstSource = index;
            return true;
        }

        ref Source source = ref _sources[index];
        if (seqno.IsNewerThan(source.Seqno))
            (source.Seqno, source.Metric) = (seqno, metric);
        else if (seqno == source.Seqno && metric < source.Metric)
            source.Metric = metric;
        source.ExpiresAt = expiresAt;
        return true;
    }

    /// <summary>Drops the entries of a row that have lapsed.</summary>
    /// <returns>Centiseconds until the next one does, or <see cref="int.MaxValue"/>.</returns>
    public int Collect(ref RouteRow row, uint now)
    {
        int next = int.MaxValue;
        int before = -1;
        for (int index = row.FirstSource; index >= 0;)
        {
            int following = _sources[index].Next;
            int left = (int)(_sources[index].ExpiresAt - now);
            if (left > 0)
            {
                next = Math.Min(next, left);
                before = index;
            }
            else
            {
                if (before < 0)
                    row.FirstSource = following;
                else
                    _sources[before].Next = following;
                _sources.Remove(index);
            }

            index = following;
        }

        return next;
    }

    private int Find(in RouteRow row, RouterId routerId)
    {
        int index = row.FirstSource;
        while (index >= 0 && _sources[index].RouterId != routerId)
            index = _sources[index].Next;
        return index;
    }

    /// <summary>One feasibility distance; 24 octets.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Source
    {
        public RouterId RouterId;
        public int Next;
        public uint ExpiresAt;
        public Seqno Seqno;
        public ushort Metric;
    }
}
