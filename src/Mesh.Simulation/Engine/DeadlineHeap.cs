using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <summary>Which machine has the earliest timer: a binary heap whose entries can be moved, since each machine knows its place in it. Ties go to the smaller id.</summary>
internal sealed class DeadlineHeap
{
    /// <summary>The place of a machine that is not in the heap.</summary>
    public const int Nowhere = -1;

    private readonly List<(TimeSpan Deadline, Machine Machine)> _heap = [];

    /// <summary>The machine with the earliest deadline, or null.</summary>
    public Machine? First => _heap.Count > 0 ? _heap[0].Machine : null;

    /// <summary>The earliest deadline; <see cref="TimeSpan.MaxValue"/> where there is none.</summary>
    public TimeSpan Deadline => _heap.Count > 0 ? _heap[0].Deadline : TimeSpan.MaxValue;

    /// <summary>Sets a machine's deadline; null removes it.</summary>
    public void Set(Machine machine, TimeSpan? deadline)
    {
        int place = machine.DeadlinePlace;
        if (deadline is not { } time)
        {
            if (place != Nowhere)
                Remove(place);
            return;
        }

        if (place == Nowhere)
        {
            place = _heap.Count;
            _heap.Add((time, machine));
        }
        else if (_heap[place].Deadline == time)
        {
            return;
        }

        Sift(place, (time, machine));
    }

    private static bool IsBefore((TimeSpan Deadline, Machine Machine) left, (TimeSpan Deadline, Machine Machine) right) =>
        left.Deadline < right.Deadline || (left.Deadline == right.Deadline && left.Machine.Id < right.Machine.Id);

    private void Remove(int place)
    {
        _heap[place].Machine.DeadlinePlace = Nowhere;
        (TimeSpan, Machine) last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (place < _heap.Count)
            Sift(place, last);
    }

    // Moves the hole at a place up or down to where the entry belongs.
    private void Sift(int place, (TimeSpan Deadline, Machine Machine) entry)
    {
        while (place > 0 && IsBefore(entry, _heap[(place - 1) / 2]))
        {
            Put(place, _heap[(place - 1) / 2]);
            place = (place - 1) / 2;
        }

        while ((place * 2) + 1 < _heap.Count)
        {
            int child = (place * 2) + 1;
            if (child + 1 < _heap.Count && IsBefore(_heap[child + 1], _heap[child]))
                child++;
            if (!IsBefore(_heap[child], entry))
                break;
            Put(place, _heap[child]);
            place = child;
        }

        Put(place, entry);
    }

    private void Put(int place, (TimeSpan Deadline, Machine Machine) entry)
    {
        _heap[place] = entry;
        entry.Machine.DeadlinePlace = place;
    }
}
