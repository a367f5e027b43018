using Mesh.Babel.Sources;

namespace Mesh.Babel.Routes;

/// <summary>Rows by destination and source, and a column of cells for each neighbour. Pure storage: it decides nothing.</summary>
/// <remarks>What only few rows or cells have, such as a source or an IPv4 next hop, stands beside them and only where there is one, so that ordinary routes pay nothing for it.</remarks>
internal sealed class RouteTable
{
    private readonly int _maxRoutes;
    private readonly PrefixIndex _rowOf;
    private readonly List<RouteColumn?> _columns = [];
    private readonly Dictionary<RouteKey, int> _rowOfSpecific = [];
    private readonly Dictionary<int, BabelPrefix> _sources = [];
    private readonly Dictionary<int, RouterId> _otherSentOrigins = [];
    private readonly Dictionary<RouteId, BabelAddress> _otherNextHops = [];
    private readonly Dictionary<RouteId, RouterId> _otherOrigins = [];
    private readonly Dictionary<RouteId, ushort> _penalties = [];

    /// <summary>Makes an empty table.</summary>
    /// <param name="maxPrefixes">Rows at a time.</param>
    /// <param name="maxRoutes">Cells at a time.</param>
    /// <param name="maxSources">Feasibility distances at a time.</param>
    public RouteTable(int maxPrefixes, int maxRoutes, int maxSources)
    {
        _maxRoutes = maxRoutes;
        Rows = new Pool<RouteRow>(maxPrefixes);
        Timers = new RowTimers(Rows);
        Sources = new SourceTable(Rows, maxSources);
        _rowOf = new PrefixIndex(Rows);
    }

    /// <summary>All rows; check <see cref="RowFlags.InUse"/>.</summary>
    public Pool<RouteRow> Rows { get; }

    /// <summary>When rows are to be served.</summary>
    public RowTimers Timers { get; }

    /// <summary>Feasibility distances.</summary>
    public SourceTable Sources { get; }

    /// <summary>Cells in use.</summary>
    public int Count { get; private set; }

    /// <summary>The cell of a route, which must be there.</summary>
    public ref RouteCell this[RouteId route] => ref Column(route.Neighbour)[route.Row];

    /// <summary>What a neighbour announced; it must have announced something at some time.</summary>
    public RouteColumn Column(int neighbour) => _columns[neighbour]!;

    /// <summary>The row of a key, or -1.</summary>
    public int Find(in RouteKey key)
    {
        if (key.IsSourceSpecific)
            return _rowOfSpecific.TryGetValue(key, out int row) ? row : -1;
        return _rowOf.Find(key.Prefix);
    }

    /// <summary>Whether a row, which may be any number, is that of a key.</summary>
    public bool IsRowOf(int row, in RouteKey key)
    {
        if ((uint)row >= (uint)Rows.Extent)
            return false;
        ref RouteRow entry = ref Rows[row];
        return entry.IsTo(key.Prefix) && entry.Is(RowFlags.InUse) && entry.Is(RowFlags.SourceSpecific) == key.IsSourceSpecific && (!key.IsSourceSpecific || _sources[row] == key.Source);
    }

    /// <summary>Whether a row, which has been one at some time, is that of a prefix from everywhere.</summary>
    public bool IsOrdinaryRowOf(int row, in BabelPrefix prefix)
    {
        ref RouteRow entry = ref Rows[row];
        return entry.IsTo(prefix) && (entry.Flags & (RowFlags.InUse | RowFlags.SourceSpecific)) == RowFlags.InUse;
    }

    /// <summary>What a row is for.</summary>
    public RouteKey KeyOf(int row) => new(Rows[row].Prefix, SourceOf(row));

    /// <summary>The source of a row; default for an ordinary one.</summary>
    public BabelPrefix SourceOf(int row) => Rows[row].Is(RowFlags.SourceSpecific) ? _sources[row] : default;

    /// <summary>The row of a key, made where there is none; false where the limit is reached.</summary>
    public bool TryFindOrAdd(RouteKey key, out int row)
    {
        row = Find(key);
        if (row >= 0)
            return true;
        var empty = new RouteRow
        {
            Prefix = key.Prefix,
            Follower = -1,
            SentMetric = Metric.Infinity,
            Flags = key.IsSourceSpecific ? RowFlags.InUse | RowFlags.SourceSpecific : RowFlags.InUse,
        };
        if (!Rows.TryAdd(empty, out row))
            return false;
        if (key.IsSourceSpecific)
        {
            _rowOfSpecific.Add(key, row);
            _sources.Add(row, key.Source);
        }
        else
        {
            _rowOf.Add(row);
        }

        return true;
    }

    /// <summary>Frees a row that has no cells, distances or requests any more.</summary>
    public void Remove(int row)
    {
        Timers.Disarm(row);
        _ = _otherSentOrigins.Remove(row);
        if (Rows[row].Is(RowFlags.SourceSpecific))
        {
            _ = _rowOfSpecific.Remove(KeyOf(row));
            _ = _sources.Remove(row);
        }
        else
        {
            _rowOf.Remove(row);
        }

        Rows.Remove(row);
    }

    /// <summary>Whether there is such a route.</summary>
    public bool Contains(RouteId route) => route.Neighbour < _columns.Count && _columns[route.Neighbour] is { } column && column.Contains(route.Row);

    /// <summary>The first neighbour after this one that has announced something for a row, or -1. Begin with -1.</summary>
    public int NextNeighbour(int row, int after)
    {
        for (int neighbour = after + 1; neighbour < _columns.Count; neighbour++)
        {
            if (_columns[neighbour] is { } column && column.Contains(row))
                return neighbour;
        }

        return -1;
    }

    /// <summary>The first row after this one for which a neighbour has announced something, or -1. Begin with -1. Rows may come and go meanwhile.</summary>
    public int NextRow(int neighbour, int after) => neighbour < _columns.Count && _columns[neighbour] is { } column ? column.NextRow(after) : -1;

    /// <summary>Adds the cell of a route that is not there; false where the limit is reached.</summary>
    public bool TryAdd(RouteId route)
    {
        if (Count >= _maxRoutes)
            return false;
        while (_columns.Count <= route.Neighbour)
            _columns.Add(null);
        (_columns[route.Neighbour] ??= new RouteColumn()).Add(route.Row, new RouteCell { RefMetric = Metric.Infinity, Flags = CellFlags.InUse });
        Count++;
        return true;
    }

    /// <summary>Removes a route, which must be there and not be selected.</summary>
    public void Remove(RouteId route)
    {
        ref RouteCell cell = ref this[route];
        if (cell.Is(CellFlags.OtherNextHop))
            _ = _otherNextHops.Remove(route);
        if (cell.Is(CellFlags.OtherOrigin))
            _ = _otherOrigins.Remove(route);
        if (cell.Is(CellFlags.Penalised))
            _ = _penalties.Remove(route);
        RouteColumn column = Column(route.Neighbour);
        column.Remove(route.Row);
        if (column.Count == 0)
            _columns[route.Neighbour] = null;
        Count--;
    }

    /// <summary>The origin of a route: that of its row, but where several announce the prefix, or one did under another name.</summary>
    public RouterId OriginOf(RouteId route) => this[route].Is(CellFlags.OtherOrigin) ? _otherOrigins[route] : Rows[route.Row].Origin;

    /// <summary>Sets the origin of a route. The row's becomes the same where no other route needs it.</summary>
    public void SetOrigin(RouteId route, RouterId origin)
    {
        ref RouteCell cell = ref this[route];
        ref RouteRow row = ref Rows[route.Row];
        if (row.Origin != origin && !IsOriginNeeded(route))
        {
            RouterId sent = SentOriginOf(route.Row);
            Sources.ChangeOrigin(route.Row, origin);
            SetSentOrigin(route.Row, sent);
        }

        if (row.Origin != origin)
        {
            cell.Flags |= CellFlags.OtherOrigin;
            _otherOrigins[route] = origin;
        }
        else if (cell.Is(CellFlags.OtherOrigin))
        {
            cell.Flags &= ~CellFlags.OtherOrigin;
            _ = _otherOrigins.Remove(route);
        }
    }

    /// <summary>The origin that the last update named that we sent about a row; not valid where we sent none.</summary>
    public RouterId SentOriginOf(int row)
    {
        ref RouteRow entry = ref Rows[row];
        if (entry.Is(RowFlags.SentOrigin))
            return entry.Origin;
        return entry.Is(RowFlags.SentOther) ? _otherSentOrigins[row] : default;
    }

    /// <summary>Takes down what <see cref="SentOriginOf"/> says.</summary>
    public void SetSentOrigin(int row, RouterId origin)
    {
        ref RouteRow entry = ref Rows[row];
        RowFlags former = entry.Flags & (RowFlags.SentOrigin | RowFlags.SentOther);
        RowFlags flag = !origin.IsValid ? RowFlags.None : origin == entry.Origin ? RowFlags.SentOrigin : RowFlags.SentOther;
        entry.Flags = (entry.Flags & ~former) | flag;
        if (flag == RowFlags.SentOther)
            _otherSentOrigins[row] = origin;
        else if (former == RowFlags.SentOther)
            _ = _otherSentOrigins.Remove(row);
    }

    /// <summary>What a filter adds to the metric of a route.</summary>
    public ushort PenaltyOf(RouteId route) => this[route].Is(CellFlags.Penalised) ? _penalties[route] : (ushort)0;

    /// <summary>Sets what a filter adds.</summary>
    public void SetPenalty(RouteId route, ushort penalty)
    {
        ref RouteCell cell = ref this[route];
        if (penalty != 0)
        {
            cell.Flags |= CellFlags.Penalised;
            _penalties[route] = penalty;
        }
        else if (cell.Is(CellFlags.Penalised))
        {
            cell.Flags &= ~CellFlags.Penalised;
            _ = _penalties.Remove(route);
        }
    }

    /// <summary>The next hop of a route, given its neighbour's address.</summary>
    public BabelAddress NextHopOf(RouteId route, BabelAddress neighbour) => this[route].Is(CellFlags.OtherNextHop) ? _otherNextHops[route] : neighbour;

    /// <summary>Sets the next hop of a route; false where it was the same before.</summary>
    public bool SetNextHop(RouteId route, BabelAddress neighbour, BabelAddress nextHop)
    {
        if (NextHopOf(route, neighbour) == nextHop)
            return false;
        ref RouteCell cell = ref this[route];
        if (nextHop == neighbour)
        {
            cell.Flags &= ~CellFlags.OtherNextHop;
            _ = _otherNextHops.Remove(route);
        }
        else
        {
            cell.Flags |= CellFlags.OtherNextHop;
            _otherNextHops[route] = nextHop;
        }

        return true;
    }

    private bool IsOriginNeeded(RouteId except)
    {
        int neighbour = NextNeighbour(except.Row, -1);
        while (neighbour >= 0 && (neighbour == except.Neighbour || this[new RouteId(except.Row, neighbour)].Is(CellFlags.OtherOrigin)))
            neighbour = NextNeighbour(except.Row, neighbour);
        return neighbour >= 0;
    }
}
