namespace Mesh.Babel.Routes;

/// <summary>Rows by destination and source, and the cells of each row, in two pools. Pure storage: it decides nothing.</summary>
/// <remarks>A source stands beside the rows and only where there is one, so that ordinary routes pay nothing for it.</remarks>
internal sealed class RouteTable
{
    private readonly PrefixIndex _rowOf;
    private readonly Dictionary<RouteKey, int> _rowOfSpecific = [];
    private readonly Dictionary<int, BabelPrefix> _sources = [];
    private readonly Dictionary<int, BabelAddress> _otherNextHops = [];
    private readonly Dictionary<int, RouterId> _otherOrigins = [];
    private readonly Dictionary<int, ushort> _penalties = [];

    /// <summary>Makes an empty table.</summary>
    /// <param name="maxPrefixes">Rows at a time.</param>
    /// <param name="maxRoutes">Cells at a time.</param>
    public RouteTable(int maxPrefixes, int maxRoutes)
    {
        (Rows, Cells) = (new(maxPrefixes), new(maxRoutes));
        _rowOf = new PrefixIndex(Rows);
    }

    /// <summary>All rows; check <see cref="RowFlags.InUse"/>.</summary>
    public Pool<RouteRow> Rows { get; }

    /// <summary>All cells; check <see cref="CellFlags.InUse"/>.</summary>
    public Pool<RouteCell> Cells { get; }

    /// <summary>The row of a key, or -1.</summary>
    public int Find(in RouteKey key) => TryFind(key, out int row) ? row : -1;

    /// <summary>What a row is for.</summary>
    public RouteKey KeyOf(int row) => new(Rows[row].Prefix, SourceOf(row));

    /// <summary>The source of a row; default for an ordinary one.</summary>
    public BabelPrefix SourceOf(int row) => (Rows[row].Flags & RowFlags.SourceSpecific) == RowFlags.None ? default : _sources[row];

    /// <summary>The row of a key, made where there is none; false where the limit is reached.</summary>
    public bool TryFindOrAdd(RouteKey key, out int row)
    {
        if (TryFind(key, out row))
            return true;
        var empty = new RouteRow
        {
            Prefix = key.Prefix,
            ArmedAt = long.MaxValue,
            HoldUntil = long.MaxValue,
            ResendAt = long.MaxValue,
            FirstCell = -1,
            Selected = -1,
            FirstSource = -1,
            FirstRequest = -1,
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

    /// <summary>Frees a row that nothing refers to any more.</summary>
    public void Remove(int row)
    {
        if ((Rows[row].Flags & RowFlags.SourceSpecific) == RowFlags.None)
        {
            _rowOf.Remove(row);
        }
        else
        {
            _ = _rowOfSpecific.Remove(KeyOf(row));
            _ = _sources.Remove(row);
        }

        Rows.Remove(row);
    }

    /// <summary>The cell of a neighbour in a row, or -1.</summary>
    public int FindCell(int row, int neighbour)
    {
        int cell = Rows[row].FirstCell;
        while (cell >= 0 && Cells[cell].Neighbour != neighbour)
            cell = Cells[cell].Next;
        return cell;
    }

    /// <summary>Whether a cell, which may be any number, is a neighbour's for a key.</summary>
    public bool IsCellOf(int cell, int neighbour, in RouteKey key)
    {
        if ((uint)cell >= (uint)Cells.Extent)
            return false;
        ref RouteCell candidate = ref Cells[cell];
        if ((candidate.Flags & CellFlags.InUse) == CellFlags.None || candidate.Neighbour != neighbour)
            return false;
        ref RouteRow row = ref Rows[candidate.Row];
        bool isOrdinary = (row.Flags & RowFlags.SourceSpecific) == RowFlags.None;
        return row.IsTo(key.Prefix) && (isOrdinary ? !key.IsSourceSpecific : _sources[candidate.Row] == key.Source);
    }

    /// <summary>Adds a cell in front; false where the limit is reached.</summary>
    public bool TryAddCell(int row, int neighbour, out int cell)
    {
        var empty = new RouteCell
        {
            Next = Rows[row].FirstCell,
            Row = row,
            Follower = -1,
            Neighbour = (ushort)neighbour,
            RefMetric = Metric.Infinity,
            Smoothed = Metric.Infinity,
            Flags = CellFlags.InUse,
        };
        if (!Cells.TryAdd(empty, out cell))
            return false;
        Rows[row].FirstCell = cell;
        return true;
    }

    /// <summary>Removes a cell, which must not be selected.</summary>
    public void RemoveCell(int cell)
    {
        ref RouteRow row = ref Rows[Cells[cell].Row];
        int next = Cells[cell].Next;
        if (row.FirstCell == cell)
        {
            row.FirstCell = next;
        }
        else
        {
            int before = row.FirstCell;
            while (Cells[before].Next != cell)
                before = Cells[before].Next;
            Cells[before].Next = next;
        }

        if ((Cells[cell].Flags & CellFlags.OtherNextHop) != CellFlags.None)
            _ = _otherNextHops.Remove(cell);
        if ((Cells[cell].Flags & CellFlags.OtherOrigin) != CellFlags.None)
            _ = _otherOrigins.Remove(cell);
        _ = SetPenalty(cell, 0);
        Cells.Remove(cell);
    }

    /// <summary>The origin of a cell: that of its row, but where several announce the prefix, or one did under another name.</summary>
    public RouterId OriginOf(int cell)
    {
        ref RouteCell entry = ref Cells[cell];
        return (entry.Flags & CellFlags.OtherOrigin) == CellFlags.None ? Rows[entry.Row].Origin : _otherOrigins[cell];
    }

    /// <summary>Sets the origin of a cell. The row's becomes the same where no other cell needs it.</summary>
    public void SetOrigin(int cell, RouterId origin)
    {
        ref RouteCell entry = ref Cells[cell];
        ref RouteRow row = ref Rows[entry.Row];
        bool isOther = (entry.Flags & CellFlags.OtherOrigin) != CellFlags.None;
        if (row.Origin != origin && !IsOriginNeeded(row, cell))
            row.Origin = origin;
        if (row.Origin != origin)
        {
            entry.Flags |= CellFlags.OtherOrigin;
            _otherOrigins[cell] = origin;
        }
        else if (isOther)
        {
            entry.Flags &= ~CellFlags.OtherOrigin;
            _ = _otherOrigins.Remove(cell);
        }
    }

    /// <summary>What a filter adds to the metric of a cell.</summary>
    public ushort PenaltyOf(int cell) => (Cells[cell].Flags & CellFlags.Penalised) == CellFlags.None ? (ushort)0 : _penalties[cell];

    /// <summary>Sets what a filter adds; false where it was the same before.</summary>
    public bool SetPenalty(int cell, ushort penalty)
    {
        if (PenaltyOf(cell) == penalty)
            return false;
        if (penalty == 0)
        {
            Cells[cell].Flags &= ~CellFlags.Penalised;
            _ = _penalties.Remove(cell);
        }
        else
        {
            Cells[cell].Flags |= CellFlags.Penalised;
            _penalties[cell] = penalty;
        }

        return true;
    }

    /// <summary>The next hop of a cell, given its neighbour's address.</summary>
    public BabelAddress NextHopOf(int cell, BabelAddress neighbour) =>
        (Cells[cell].Flags & CellFlags.OtherNextHop) != CellFlags.None ? _otherNextHops[cell] : neighbour;

    /// <summary>Sets the next hop of a cell; false where it was the same before.</summary>
    public bool SetNextHop(int cell, BabelAddress neighbour, BabelAddress nextHop)
    {
        if (NextHopOf(cell, neighbour) == nextHop)
            return false;
        if (nextHop == neighbour)
        {
            Cells[cell].Flags &= ~CellFlags.OtherNextHop;
            _ = _otherNextHops.Remove(cell);
        }
        else
        {
            Cells[cell].Flags |= CellFlags.OtherNextHop;
            _otherNextHops[cell] = nextHop;
        }

        return true;
    }

    private bool IsOriginNeeded(in RouteRow row, int except)
    {
        int cell = row.FirstCell;
        while (cell >= 0 && (cell == except || (Cells[cell].Flags & CellFlags.OtherOrigin) != CellFlags.None))
            cell = Cells[cell].Next;
        return cell >= 0;
    }

    private bool TryFind(in RouteKey key, out int row)
    {
        if (key.IsSourceSpecific)
            return _rowOfSpecific.TryGetValue(key, out row);
        row = _rowOf.Find(key.Prefix);
        return row >= 0;
    }
}
