using System.Runtime.InteropServices;

namespace Mesh.Babel.Neighbours;

/// <summary>The interfaces in use, in the order of their adding. Their ids and deadlines stand side by side, because they are looked through with each input.</summary>
internal sealed class InterfaceList
{
    private readonly List<BabelInterface> _links = [];
    private readonly List<TimeSpan> _deadlines = [];
    private readonly List<InterfaceId> _ids = [];

    /// <summary>The earliest deadline of all; <see cref="TimeSpan.MaxValue"/> where there is none.</summary>
    public TimeSpan NextDeadline
    {
        get
        {
            TimeSpan next = TimeSpan.MaxValue;
            foreach (TimeSpan deadline in CollectionsMarshal.AsSpan(_deadlines))
                next = deadline < next ? deadline : next;
            return next;
        }
    }

    public List<BabelInterface>.Enumerator GetEnumerator() => _links.GetEnumerator();

    public IEnumerable<InterfaceId> Ids() => _ids;

    public BabelInterface? Find(InterfaceId id)
    {
        int place = _ids.IndexOf(id);
        return place < 0 ? null : _links[place];
    }

    public void Add(BabelInterface link)
    {
        _links.Add(link);
        _deadlines.Add(TimeSpan.MaxValue);
        _ids.Add(link.Id);
    }

    public void Remove(BabelInterface link)
    {
        int place = _links.IndexOf(link);
        _links.RemoveAt(place);
        _deadlines.RemoveAt(place);
        _ids.RemoveAt(place);
    }

    public void Clear()
    {
        _links.Clear();
        _deadlines.Clear();
        _ids.Clear();
    }

    /// <summary>Looks at an interface's deadline again. Does nothing where it is not in the list any more.</summary>
    public void Refresh(BabelInterface link)
    {
        int place = _links.IndexOf(link);
        if (place >= 0)
            _deadlines[place] = link.NextDeadline;
    }

    /// <summary>The next interface, from a place on, for which something is due.</summary>
    /// <param name="place">Where to begin; afterwards the place behind the one found.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>Null where there is none.</returns>
    public BabelInterface? TakeDue(ref int place, TimeSpan now)
    {
        while (place < _links.Count)
        {
            if (_deadlines[place++] <= now)
                return _links[place - 1];
        }

        return null;
    }
}
