using System.Runtime.InteropServices;
using Mesh.Babel.Neighbours;

namespace Mesh.Babel.Sending;

/// <summary>Rows of the route table that one destination should hear about, and when.</summary>
/// <remarks>What is sent is the row's state at the moment of sending. A row may stand here several times until the queue is ordered.</remarks>
/// <param name="link">The interface by which they leave.</param>
internal sealed class UpdateQueue(BabelInterface link)
{
    private readonly List<int> _rows = [];
    private int _position;
    private bool _isOrdered;

    /// <summary>Puts rows, each of which is there once, into the order in which they leave.</summary>
    public delegate void RowOrder(Span<int> rows);

    /// <summary>When the queue is to be sent; <see cref="TimeSpan.MaxValue"/> where it is empty.</summary>
    public TimeSpan FlushAt { get; private set; } = TimeSpan.MaxValue;

    /// <summary>Rows that wait.</summary>
    public int Count => _rows.Count - _position;

    /// <summary>Adds a row, to leave no later than <paramref name="flushAt"/>.</summary>
    public void Add(int row, TimeSpan flushAt)
    {
        _rows.Add(row);
        _isOrdered = false;
        Hasten(flushAt);
    }

    /// <summary>Adds rows that are in the order in which they are to leave.</summary>
    public void Add(ReadOnlySpan<int> rows, TimeSpan flushAt)
    {
        if (rows.IsEmpty)
            return;
        _isOrdered = Count == 0;
        _rows.AddRange(rows);
        Hasten(flushAt);
    }

    /// <summary>Orders what waits and drops repetitions. Costs nothing while nothing was added.</summary>
    public void Order(RowOrder order)
    {
        if (_isOrdered)
            return;
        _rows.RemoveRange(0, _position);
        _position = 0;
        _rows.Sort();
        int kept = 0;
        for (int i = 0; i < _rows.Count; i++)
        {
            if (i == 0 || _rows[i] != _rows[i - 1])
                _rows[kept++] = _rows[i];
        }

        _rows.RemoveRange(kept, _rows.Count - kept);
        order(CollectionsMarshal.AsSpan(_rows));
        _isOrdered = true;
    }

    /// <summary>The next row; <see cref="Take"/> removes it.</summary>
    public int Peek() => _rows[_position];

    /// <summary>Removes the row that <see cref="Peek"/> shows.</summary>
    public void Take()
    {
        _position++;
        if (_position == _rows.Count)
            Clear();
    }

    /// <summary>Sends the rest later.</summary>
    public void Postpone(TimeSpan flushAt) => FlushAt = flushAt;

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _rows.Clear();
        if (_rows.Capacity > 64)
            _rows.Capacity = 0;
        _position = 0;
        _isOrdered = false;
        FlushAt = TimeSpan.MaxValue;
    }

    private void Hasten(TimeSpan flushAt)
    {
        link.Touch();
        if (flushAt < FlushAt)
            FlushAt = flushAt;
    }
}
