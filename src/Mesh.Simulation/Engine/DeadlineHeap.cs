namespace Mesh.Simulation.Engine;

/// <summary>Which machine has the earliest timer: a binary heap whose entries can be moved. Ties go to the smaller id.</summary>
internal sealed class DeadlineHeap
{
    private readonly List<(TimeSpan Deadline, int Id)> _heap = [];
    private readonly Dictionary<int, int> _places = [];

    public bool TryPeek(out TimeSpan deadline, out int id)
    {
        (deadline, id) = _heap.Count > 0 ? _heap[0] : (TimeSpan.MaxValue, -1);
        return _heap.Count > 0;
    }

    /// <summary>Sets a machine's deadline; null removes it.</summary>
    public void Set(int id, TimeSpan? deadline)
    {
        bool isKnown = _places.TryGetValue(id, out int place);
        if (deadline is not { } time)
        {
            if (isKnown)
                Remove(place);
            return;
        }

        if (!isKnown)
        {
            place = _heap.Count;
            _heap.Add((time, id));
            _places[id] = place;
        }
        else if (_heap[place].Deadline == time)
        {
            return;
        }
        else
        {
            _heap[place] = (time, id);
        }

        SiftDown(SiftUp(place));
    }

    private void Remove(int place)
    {
        _places.Remove(_heap[place].Id);
        (TimeSpan, int Id) last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (place == _heap.Count)
            return;
        _heap[place] = last;
        _places[last.Id] = place;
        SiftDown(SiftUp(place));
    }

    private int SiftUp(int place)
    {
        while (place > 0 && _heap[place].CompareTo(_heap[(place - 1) / 2]) < 0)
        {
            Swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }

        return place;
    }

    private void SiftDown(int place)
    {
        while (true)
        {
            int child = (place * 2) + 1;
            if (child >= _heap.Count)
                return;
            if (child + 1 < _heap.Count && _heap[child + 1].CompareTo(_heap[child]) < 0)
                child++;
            if (_heap[place].CompareTo(_heap[child]) <= 0)
                return;
            Swap(place, child);
            place = child;
        }
    }

    private void Swap(int a, int b)
    {
        (_heap[a], _heap[b]) = (_heap[b], _heap[a]);
        _places[_heap[a].Id] = a;
        _places[_heap[b].Id] = b;
    }
}
