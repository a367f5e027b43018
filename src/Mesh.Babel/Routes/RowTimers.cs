namespace Mesh.Babel.Routes;

/// <summary>Which row is to be served next: a binary heap of row numbers. When, and where in the heap, stands in the rows.</summary>
/// <remarks>Times are modulo 2^32 centiseconds; all that wait at a time must be within 248 days of each other.</remarks>
internal sealed class RowTimers(Pool<RouteRow> rows)
{
    private readonly List<int> _heap = [];

    /// <summary>When the next row is due, in centiseconds; false where none waits.</summary>
    /// <param name="now">The time, without modulo.</param>
    /// <param name="at">Without modulo.</param>
    public bool TryPeek(long now, out long at)
    {
        at = _heap.Count == 0 ? long.MaxValue : now + (int)(rows[_heap[0]].ArmedAt - (uint)now);
        return _heap.Count > 0;
    }

    /// <summary>Takes the next row if it is due.</summary>
    public bool TryTakeDue(long now, out int row)
    {
        row = _heap.Count == 0 ? -1 : _heap[0];
        if (row < 0 || (int)(rows[row].ArmedAt - (uint)now) > 0)
            return false;
        Disarm(row);
        return true;
    }

    /// <summary>A row is to be served then, if not before.</summary>
    public void Arm(int row, long tick)
    {
        ref RouteRow entry = ref rows[row];
        if (entry.Place > 0 && (int)(entry.ArmedAt - (uint)tick) <= 0)
            return;
        entry.ArmedAt = (uint)tick;
        if (entry.Place == 0)
        {
            _heap.Add(row);
            entry.Place = _heap.Count;
        }

        Rise(entry.Place - 1);
    }

    /// <summary>A row need not be served.</summary>
    public void Disarm(int row)
    {
        int place = rows[row].Place - 1;
        if (place < 0)
            return;
        rows[row].Place = 0;
        int last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (last == row)
            return;
        Put(place, last);
        Sink(place);
        Rise(place);
    }

    private void Rise(int place)
    {
        int row = _heap[place];
        while (place > 0 && IsBefore(row, _heap[(place - 1) / 2]))
        {
            Put(place, _heap[(place - 1) / 2]);
            place = (place - 1) / 2;
        }

        Put(place, row);
    }

    private void Sink(int place)
    {
        int row = _heap[place];
        while (true)
        {
            int child = (2 * place) + 1;
            if (child >= _heap.Count)
                break;
            if (child + 1 < _heap.Count && IsBefore(_heap[child + 1], _heap[child]))
                child++;
            if (!IsBefore(_heap[child], row))
                break;
            Put(place, _heap[child]);
            place = child;
        }

        Put(place, row);
    }

    private bool IsBefore(int left, int right) => (int)(rows[left].ArmedAt - rows[right].ArmedAt) < 0;

    private void Put(int place, int row)
    {
        _heap[place] = row;
        rows[row].Place = place + 1;
    }
}
