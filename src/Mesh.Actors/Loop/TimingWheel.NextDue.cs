namespace Mesh.Actors.Loop;

/// <content>When the earliest timer is due, without moving the cursor.</content>
internal sealed partial class TimingWheel
{
    // The entries of one slot by due time, for when its earliest one is cancelled over and over. What is not listed is due at _sortedBound or later.
    private int _scannedSlot = None;
    private int _sortedSlot = None;
    private long _sortedBound;
    private long[] _sortedDues = [];
    private int[] _sortedIndices = [];
    private int _sortedHead;
    private int _sortedEnd;

    // Looks without moving the cursor: moving it ahead of the clock would send later, shorter timers into the sorted list one by one.
    private long FindNextDue()
    {
        long due = long.MaxValue;
        if (SkipCancelled())
        {
            due = _entries[_ready[_readyHead]].Due;
        }
        else if (FindFirstSlot(out int levelNumber, out int slot))
        {
            due = EarliestOf(levelNumber, slot);
        }

        _nextDue = due;
        _nextDueKnown = true;
        return due;
    }

    // A high level's slot may hold very many entries, and time-outs that are put off in turn cancel the earliest one each time. So a slot that is looked at
    // for the second time is sorted, and then stepped through as its earliest entries go.
    private long EarliestOf(int levelNumber, int slot)
    {
        const int Few = 32;
        int place = (levelNumber << LevelBits) | slot;
        int first = _levels[levelNumber]!.Lists[slot].FirstPlusOne - 1;
        if (place == _sortedSlot)
        {
            for (; _sortedHead < _sortedEnd; _sortedHead++)
            {
                ref Entry entry = ref _entries[_sortedIndices[_sortedHead]];
                if (entry.Slot == place && entry.Due == _sortedDues[_sortedHead])
                    return entry.Due;
            }

            return SortSlot(place, first);
        }

        long due = long.MaxValue;
        int count = 0;
        for (int i = first; i != None; i = _entries[i].Next)
        {
            due = Math.Min(due, _entries[i].Due);
            count++;
        }

        if (place == _scannedSlot && count > Few)
            return SortSlot(place, first);
        _scannedSlot = place;
        return due;
    }

    private long SortSlot(int place, int first)
    {
        int count = 0;
        for (int i = first; i != None; i = _entries[i].Next)
        {
            if (count == _sortedDues.Length)
            {
                int length = Math.Max(64, count * 2);
                Array.Resize(ref _sortedDues, length);
                Array.Resize(ref _sortedIndices, length);
            }

            _sortedDues[count] = _entries[i].Due;
            _sortedIndices[count++] = i;
        }

        Array.Sort(_sortedDues, _sortedIndices, 0, count);
        _sortedSlot = place;
        _sortedHead = 0;
        _sortedEnd = count;
        _sortedBound = _sortedDues[count - 1];
        return _sortedDues[0];
    }

    // A new entry among the sorted ones: it ends the list, because to move the rest would cost more than to sort again one day.
    private void CutSorted(int index, long due)
    {
        if (_sortedHead == _sortedEnd)
            _sortedHead = _sortedEnd = 0;
        int at = Array.BinarySearch(_sortedDues, _sortedHead, _sortedEnd - _sortedHead, due);
        if (at < 0)
            at = ~at;
        _sortedDues[at] = due;
        _sortedIndices[at] = index;
        _sortedEnd = at + 1;
        _sortedBound = due;
    }
}
