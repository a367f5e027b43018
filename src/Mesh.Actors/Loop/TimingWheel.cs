using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mesh.Actors.Loop;

/// <summary>The timers of one loop: a hierarchical timing wheel (Varghese and Lauck, 1987) that fires in exact order.</summary>
/// <remarks>
/// <para>Time is in ticks of 100 ns. A level has 256 slots; a slot of level 0 is 128 ticks wide, of level n+1 256 times as wide as of level n. An entry lies at
/// the level of the highest digit in which its time differs from <c>_cursor</c>, so it moves down at most once per level.</para>
/// <para>Order: by due time, then by arming. Wheels alone do not give it, because a slot holds several times; so the slot at the cursor is
/// sorted into <c>_ready</c> before it is fired, and an entry armed for a time the cursor has reached is put into its place there.</para>
/// <para>Entries live in one array of structs linked by index. Arming, cancelling and firing allocate nothing once the array has grown.
/// Cancelling removes at once: timers that are re-armed over and over must not pile up.</para>
/// </remarks>
internal sealed partial class TimingWheel
{
    private const int SlotTicksLog2 = 7;
    private const int LevelBits = 8;
    private const int Slots = 1 << LevelBits;
    private const int Levels = (64 - SlotTicksLog2 + LevelBits - 1) / LevelBits;
    private const int None = -1;
    private const int ReadySlot = -2;   // the entry is in _ready
    private const int FreeSlot = -3;
    private const long LatestDue = long.MaxValue - 1;   // the maximum itself stands for "no timer"

    private readonly Level?[] _levels = new Level?[Levels];
    private Entry[] _entries = new Entry[8];
    private int _firstFree = None;
    private int _used;
    private int _count;
    private long _sequence;
    private long _cursor;               // in slots of level 0: everything in the wheel is later, everything at or before it is in _ready
    private int[] _ready = new int[8];  // indices sorted by (due, sequence), from _readyHead on; None where cancelled
    private int _readyHead;
    private int _readyEnd;
    private long _nextDue = long.MaxValue;
    private bool _nextDueKnown = true;

    /// <summary>How many timers are armed.</summary>
    public int Count => _count;

    /// <summary>How often timers were armed so far, periodic ones each time anew. The next one gets this number.</summary>
    public long Armings => _sequence;

    /// <summary>Due time of the earliest timer, or <see cref="long.MaxValue"/> where none is armed.</summary>
    public long NextDue
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _nextDueKnown ? _nextDue : FindNextDue();
    }

    /// <summary>The time so long after <paramref name="now"/>, at the latest the last one there is: <see cref="TimeSpan.MaxValue"/> means never, not long ago.</summary>
    public static long DueAfter(long now, long delay) => delay <= 0 ? now : delay < LatestDue - now ? now + delay : LatestDue;

    public TimerHandle Arm(long now, long due, ActorCell target, object message, ActorRef? sender, bool named)
    {
        int index = Allocate();
        ref Entry entry = ref _entries[index];
        entry.Target = target;
        entry.Message = message;
        entry.Sender = sender;
        entry.Named = named;
        Place(now, due, index);
        return new TimerHandle(index, entry.Generation);
    }

    /// <summary>Arms the entry that <see cref="TryTake"/> just returned once more, for a periodic timer, without giving it up in between.</summary>
    public void Rearm(long now, long due, int index) => Place(now, due, index);

    public bool IsArmed(TimerHandle handle) => Find(handle) != None;

    public bool Cancel(TimerHandle handle)
    {
        int index = Find(handle);
        if (index == None)
            return false;
        ref Entry entry = ref _entries[index];
        if (entry.Due <= _nextDue)
            _nextDueKnown = false;
        if (entry.Slot == ReadySlot)
            _ready[ReadyPosition(entry.Due, entry.Sequence)] = None;
        else
            Unlink(ref entry);
        _count--;
        Release(index);
        return true;
    }

    /// <summary>Takes the earliest timer if it is due by <paramref name="limit"/>.</summary>
    /// <param name="limit">Last due time that counts.</param>
    /// <param name="index">The entry: read it with <see cref="At"/>, then call <see cref="Release"/> or <see cref="Rearm"/>.</param>
    public bool TryTake(long limit, out int index)
    {
        if (NextDue > limit || _count == 0)
        {
            index = None;
            return false;
        }

        if (!SkipCancelled())
            LoadNextSlot();
        index = _ready[_readyHead++];
        _entries[index].Slot = FreeSlot;
        _count--;
        if (SkipCancelled())
        {
            _nextDue = _entries[_ready[_readyHead]].Due;
            _nextDueKnown = true;
        }
        else
        {
            _nextDueKnown = false;
        }

        return true;
    }

    public ref Entry At(int index) => ref _entries[index];

    public void Release(int index)
    {
        ref Entry entry = ref _entries[index];
        entry.Generation++;
        if (entry.Generation == 0)
            entry.Generation = 1;
        entry.Target = null!;
        entry.Message = null!;
        entry.Sender = null;
        entry.Slot = FreeSlot;
        entry.Next = _firstFree;
        _firstFree = index;
    }

    /// <summary>All armed timers, in firing order. Slow: for tests, diagnostics and error messages.</summary>
    public IReadOnlyList<(TimerHandle Handle, TimeSpan Due, long Sequence, ActorCell Target, object Message)> ToList()
    {
        var armed = new List<int>(_count);
        for (int i = 0; i < _used; i++)
        {
            if (_entries[i].Slot != FreeSlot)
                armed.Add(i);
        }

        armed.Sort((a, b) => (_entries[a].Due, _entries[a].Sequence).CompareTo((_entries[b].Due, _entries[b].Sequence)));
        return armed.ConvertAll(i => (new TimerHandle(i, _entries[i].Generation), new TimeSpan(_entries[i].Due), _entries[i].Sequence, _entries[i].Target, _entries[i].Message));
    }

    private int Find(TimerHandle handle) =>
        !handle.IsNone && handle.Index < _used && _entries[handle.Index].Generation == handle.Generation && _entries[handle.Index].Slot != FreeSlot
            ? handle.Index
            : None;

    private void Place(long now, long due, int index)
    {
        ref Entry entry = ref _entries[index];
        entry.Due = due;
        entry.Sequence = _sequence++;
        if (_count++ == 0)
        {
            _scannedSlot = _sortedSlot = None;

            // An empty wheel may jump to the present; otherwise a long idle time would lift every entry to a high level.
            _cursor = Math.Max(_cursor, now >> SlotTicksLog2);
            _nextDue = due;
            _nextDueKnown = true;
        }
        else if (_nextDueKnown && due < _nextDue)
        {
            _nextDue = due;
        }

        if (due >> SlotTicksLog2 <= _cursor)
            InsertReady(index, due, entry.Sequence);
        else
            LinkNew(index, ref entry);
    }

    private void LinkNew(int index, ref Entry entry)
    {
        Link(index, ref entry);
        if (entry.Slot == _sortedSlot && entry.Due < _sortedBound)
            CutSorted(index, entry.Due);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Link(int index, ref Entry entry)
    {
        long time = entry.Due >> SlotTicksLog2;
        int levelNumber = (63 - BitOperations.LeadingZeroCount((ulong)(time ^ _cursor))) / LevelBits;
        Level level = _levels[levelNumber] ??= new Level();
        int slot = (int)(time >> (levelNumber * LevelBits)) & (Slots - 1);
        ref SlotList list = ref level.Lists[slot];
        entry.Slot = (levelNumber << LevelBits) | slot;
        entry.Next = None;
        entry.Previous = list.LastPlusOne - 1;
        if (list.LastPlusOne == 0)
        {
            list.FirstPlusOne = index + 1;
            level.Occupied[slot >> 6] |= 1UL << (slot & 63);
        }
        else
        {
            _entries[list.LastPlusOne - 1].Next = index;
        }

        list.LastPlusOne = index + 1;
    }

    private void Unlink(ref Entry entry)
    {
        Level level = _levels[entry.Slot >> LevelBits]!;
        int slot = entry.Slot & (Slots - 1);
        ref SlotList list = ref level.Lists[slot];
        if (entry.Previous == None)
            list.FirstPlusOne = entry.Next + 1;
        else
            _entries[entry.Previous].Next = entry.Next;
        if (entry.Next == None)
            list.LastPlusOne = entry.Previous + 1;
        else
            _entries[entry.Next].Previous = entry.Previous;
        if (list.FirstPlusOne == 0)
            level.Occupied[slot >> 6] &= ~(1UL << (slot & 63));
    }

    // The first occupied slot of the lowest level that has one holds the earliest entry: lower levels share more digits with the cursor.
    private bool FindFirstSlot(out int levelNumber, out int slot)
    {
        for (levelNumber = 0; levelNumber < Levels; levelNumber++)
        {
            if (_levels[levelNumber] is not { } level)
                continue;
            for (int word = 0; word < Slots / 64; word++)
            {
                if (level.Occupied[word] == 0)
                    continue;
                slot = (word << 6) | BitOperations.TrailingZeroCount(level.Occupied[word]);
                return true;
            }
        }

        slot = 0;
        return false;
    }

    private void LoadNextSlot()
    {
        _readyHead = _readyEnd = 0;
        _scannedSlot = _sortedSlot = None;   // places get a new meaning when the cursor moves
        while (FindFirstSlot(out int levelNumber, out int slot))
        {
            Level level = _levels[levelNumber]!;
            ref SlotList list = ref level.Lists[slot];
            int first = list.FirstPlusOne - 1;
            list = default;
            level.Occupied[slot >> 6] &= ~(1UL << (slot & 63));
            long above = _cursor >> ((levelNumber + 1) * LevelBits) << ((levelNumber + 1) * LevelBits);
            if ((levelNumber + 1) * LevelBits >= 64)
                above = 0;
            _cursor = above | ((long)slot << (levelNumber * LevelBits));
            for (int i = first; i != None;)
            {
                ref Entry entry = ref _entries[i];
                int next = entry.Next;
                if (entry.Due >> SlotTicksLog2 == _cursor)
                    AppendReady(i, ref entry);
                else
                    Link(i, ref entry);
                i = next;
            }

            if (_readyEnd > 0)
            {
                SortReady();
                return;
            }
        }
    }

    private void AppendReady(int index, ref Entry entry)
    {
        if (_readyEnd == _ready.Length)
            Array.Resize(ref _ready, _ready.Length * 2);
        entry.Slot = ReadySlot;
        _ready[_readyEnd++] = index;
    }

    private void SortReady()
    {
        if (_readyEnd > 32)
        {
            _ready.AsSpan(0, _readyEnd).Sort(new ByDue(_entries));
            return;
        }

        for (int i = 1; i < _readyEnd; i++)
        {
            int index = _ready[i];
            int j = i;
            while (j > 0 && Before(ref _entries[index], ref _entries[_ready[j - 1]]))
            {
                _ready[j] = _ready[j - 1];
                j--;
            }

            _ready[j] = index;
        }
    }

    private void InsertReady(int index, long due, long sequence)
    {
        if (!SkipCancelled())
            _readyHead = _readyEnd = 0;
        if (_readyEnd == _ready.Length)
        {
            if (_readyHead > 0)
            {
                Array.Copy(_ready, _readyHead, _ready, 0, _readyEnd - _readyHead);
                _readyEnd -= _readyHead;
                _readyHead = 0;
            }
            else
            {
                Array.Resize(ref _ready, _ready.Length * 2);
            }
        }

        _entries[index].Slot = ReadySlot;
        int at = ReadyPosition(due, sequence);
        Array.Copy(_ready, at, _ready, at + 1, _readyEnd - at);
        _ready[at] = index;
        _readyEnd++;
    }

    // Binary search for where (due, sequence) is or belongs. Cancelled places have no key, so it steps over them.
    private int ReadyPosition(long due, long sequence)
    {
        int low = _readyHead;
        int high = _readyEnd;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            int probe = middle;
            while (probe < high && _ready[probe] == None)
                probe++;
            if (probe == high)
            {
                high = middle;
                continue;
            }

            ref Entry entry = ref _entries[_ready[probe]];
            if (entry.Due < due || (entry.Due == due && entry.Sequence < sequence))
                low = probe + 1;
            else if (entry.Due == due && entry.Sequence == sequence)
                return probe;
            else
                high = middle;
        }

        return low;
    }

    private bool SkipCancelled()
    {
        while (_readyHead < _readyEnd && _ready[_readyHead] == None)
            _readyHead++;
        return _readyHead < _readyEnd;
    }

    private int Allocate()
    {
        if (_firstFree != None)
        {
            int index = _firstFree;
            _firstFree = _entries[index].Next;
            return index;
        }

        if (_used == _entries.Length)
            Array.Resize(ref _entries, _entries.Length * 2);
        _entries[_used].Generation = 1;
        return _used++;
    }

    private static bool Before(ref Entry a, ref Entry b) => a.Due < b.Due || (a.Due == b.Due && a.Sequence < b.Sequence);

    /// <summary>One timer.</summary>
    internal struct Entry
    {
        public ActorCell Target;
        public object Message;
        public ActorRef? Sender;
        public long Due;
        public long Sequence;
        public int Next;
        public int Previous;
        public int Slot;          // level << 8 | slot, or ReadySlot, or FreeSlot
        public uint Generation;   // tells a handle of this life from one of an earlier life; never 0
        public bool Named;        // belongs to the actor's Timers
    }

    // Plus one, so that a zeroed array is a row of empty lists.
    private struct SlotList
    {
        public int FirstPlusOne;
        public int LastPlusOne;
    }

    private sealed class Level
    {
        public readonly SlotList[] Lists = new SlotList[Slots];
        public readonly ulong[] Occupied = new ulong[Slots / 64];
    }

    private readonly struct ByDue(Entry[] entries) : IComparer<int>
    {
        public int Compare(int x, int y)
        {
            int byDue = entries[x].Due.CompareTo(entries[y].Due);
            return byDue != 0 ? byDue : entries[x].Sequence.CompareTo(entries[y].Sequence);
        }
    }
}
