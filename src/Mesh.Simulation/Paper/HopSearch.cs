using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mesh.Simulation.Paper;

/// <summary>Distances in hops from 512 sources at a time: each node has one bit for each source, which is set once the source reaches it.</summary>
/// <remarks>
/// One step sets of each node's row the bits of all its neighbours' rows, so it extends all 512 searches by a hop for one cache line a tunnel. While few nodes have any bit, those hand theirs on
/// (push); later each node collects (pull), and stops as soon as its row is full. Full rows are left alone, which makes the last steps, in which hardly anybody is missing, nearly free.
/// One instance is the memory of one thread: two rows a node.
/// </remarks>
internal sealed class HopSearch
{
    /// <summary>Sources of one pass.</summary>
    public const int BlockSize = 512;

    private const int Words = BlockSize / 64;
    private const int LineWords = 8;   // a cache line of 64 octets

    // From this share of set bits on, looking for a full row at each neighbour saves more than it costs.
    private const double DenseShare = 0.3;

    private readonly TunnelGraph _graph;
    private readonly ulong[] _first;
    private readonly ulong[] _second;
    private readonly int _firstStart;    // so that no row lies in two cache lines
    private readonly int _secondStart;
    private readonly int[] _active;      // nodes whose row is not full, and those that are to hand theirs on
    private readonly int[] _touched;

    public HopSearch(TunnelGraph graph)
    {
        _graph = graph;
        (_first, _firstStart) = AllocateRows(graph.Nodes);
        (_second, _secondStart) = AllocateRows(graph.Nodes);
        _active = new int[graph.Nodes];
        _touched = new int[graph.Nodes];
    }

    /// <summary>How many blocks of sources a graph has.</summary>
    public static int Blocks(int nodes) => (nodes + BlockSize - 1) / BlockSize;

    /// <summary>Searches from the sources of one block.</summary>
    /// <param name="block">Which: its sources are from <c>block * 512</c> on.</param>
    /// <param name="pairs">To the entry of each distance the number of pairs at it is added.</param>
    public void Run(int block, List<long> pairs)
    {
        int nodes = _graph.Nodes, firstSource = block * BlockSize, sources = Math.Min(BlockSize, nodes - firstSource);
        Row full = Row.Full(sources);
        ref ulong current = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_first), _firstStart);
        ref ulong next = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_second), _secondStart);
        Array.Clear(_first);
        for (int i = 0; i < nodes; i++)
            _active[i] = i;
        for (int i = 0; i < sources; i++)
        {
            Unsafe.Add(ref current, ((firstSource + i) * Words) + (i / 64)) |= 1UL << (i % 64);
            _touched[i] = firstSource + i;
        }

        int touched = sources, active = nodes;
        long set = sources;
        AddAt(pairs, 0, set);
        for (int distance = 1; active > 0; distance++)
        {
            long now;
            if ((long)touched * 3 < nodes)
            {
                Push(ref current, ref next, touched);
                (now, touched) = CountTouched(ref next);
            }
            else
            {
                touched = nodes;
                long all = (long)nodes * sources;
                now = set > DenseShare * all ? PullDense(ref current, ref next, ref active, sources, full) : PullSparse(ref current, ref next, ref active, sources, full);
            }

            if (now == set)
                return;   // nobody new: the rest cannot be reached
            AddAt(pairs, distance, now - set);
            set = now;
            ref ulong swap = ref current;
            current = ref next;
            next = ref swap;
        }
    }

    private void Push(ref ulong current, ref ulong next, int touched)
    {
        MemoryMarshal.CreateReadOnlySpan(ref current, _graph.Nodes * Words).CopyTo(MemoryMarshal.CreateSpan(ref next, _graph.Nodes * Words));
        for (int i = 0; i < touched; i++)
        {
            int node = _touched[i];
            Row row = Row.Load(ref current, node);
            foreach (int neighbour in _graph.Neighbours(node))
                Row.Load(ref next, neighbour).Or(row).Store(ref next, neighbour);
        }
    }

    private (long Set, int Touched) CountTouched(ref ulong rows)
    {
        long set = 0;
        int touched = 0;
        for (int node = 0; node < _graph.Nodes; node++)
        {
            Row row = Row.Load(ref rows, node);
            if (row.IsEmpty)
                continue;
            _touched[touched++] = node;
            set += row.Count();
        }

        return (set, touched);
    }

    private long PullSparse(ref ulong current, ref ulong next, ref int active, int sources, Row full)
    {
        int left = 0;
        long set = (long)(_graph.Nodes - active) * sources;
        for (int i = 0; i < active; i++)
        {
            int node = _active[i];
            Row row = Row.Load(ref current, node);
            bool wasFull = row.IsSame(full);
            if (!wasFull)
            {
                _active[left++] = node;
                foreach (int neighbour in _graph.Neighbours(node))
                    row = row.Or(Row.Load(ref current, neighbour));
            }

            row.Store(ref next, node);   // a row that was full has now been written to both, and is not looked at any more
            set += row.Count();
        }

        active = left;
        return set;
    }

    private long PullDense(ref ulong current, ref ulong next, ref int active, int sources, Row full)
    {
        int left = 0;
        long set = (long)(_graph.Nodes - active) * sources;
        for (int i = 0; i < active; i++)
        {
            int node = _active[i];
            Row row = Row.Load(ref current, node);
            if (row.IsSame(full))
            {
                full.Store(ref next, node);
                set += sources;
                continue;
            }

            _active[left++] = node;
            foreach (int neighbour in _graph.Neighbours(node))
            {
                row = row.Or(Row.Load(ref current, neighbour));
                if (row.IsSame(full))
                    break;
            }

            row.Store(ref next, node);
            set += row.Count();
        }

        active = left;
        return set;
    }

    private static void AddAt(List<long> pairs, int distance, long count)
    {
        while (pairs.Count <= distance)
            pairs.Add(0);
        pairs[distance] += count;
    }

    private static (ulong[] Rows, int Start) AllocateRows(int nodes)
    {
        ulong[] rows = GC.AllocateArray<ulong>((nodes * Words) + LineWords, pinned: true);
        long address = Marshal.UnsafeAddrOfPinnedArrayElement(rows, 0);
        return (rows, (int)(-(address / sizeof(ulong)) & (LineWords - 1)));
    }

    // A row of 512 bits in two registers.
    private readonly struct Row(Vector256<ulong> low, Vector256<ulong> high)
    {
        private readonly Vector256<ulong> _low = low;
        private readonly Vector256<ulong> _high = high;

        public bool IsEmpty
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => (_low | _high) == Vector256<ulong>.Zero;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Row Load(ref ulong rows, int node)
        {
            ref ulong row = ref Unsafe.Add(ref rows, (nint)node * Words);
            return new Row(Vector256.LoadUnsafe(ref row), Vector256.LoadUnsafe(ref row, Words / 2));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(ref ulong rows, int node)
        {
            ref ulong row = ref Unsafe.Add(ref rows, (nint)node * Words);
            _low.StoreUnsafe(ref row);
            _high.StoreUnsafe(ref row, Words / 2);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Row Or(Row other) => new(_low | other._low, _high | other._high);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool IsSame(Row other) => ((_low ^ other._low) | (_high ^ other._high)) == Vector256<ulong>.Zero;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public int Count() => CountOf(_low) + CountOf(_high);

        public static Row Full(int sources)
        {
            Span<ulong> words = stackalloc ulong[Words];
            for (int i = 0; i < sources; i++)
                words[i / 64] |= 1UL << (i % 64);
            return new Row(Vector256.LoadUnsafe(ref words[0]), Vector256.LoadUnsafe(ref words[Words / 2]));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int CountOf(Vector256<ulong> half) =>
            BitOperations.PopCount(half.GetElement(0)) + BitOperations.PopCount(half.GetElement(1)) + BitOperations.PopCount(half.GetElement(2)) + BitOperations.PopCount(half.GetElement(3));
    }
}
