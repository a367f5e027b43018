namespace Mesh.DataPlane;

/// <summary>An immutable longest-prefix-match table over IPv6 destinations.</summary>
/// <remarks>
/// The prefixes are flattened into ranges that do not overlap, sorted by their first address: a lookup is one binary search and a build one sort
/// and one sweep, so a table of thousands of routes is simply built anew when one changes. Neighbouring ranges with the same route are one.
/// Where every boundary lies on a /64, as in most networks, only the upper halves of the addresses are kept.
/// </remarks>
public sealed class ForwardingTable
{
    private readonly ulong[]? _upperStarts;
    private readonly UInt128[]? _starts;
    private readonly Route[] _routes;

    private ForwardingTable(UInt128[] starts, Route[] routes, UInt128 icmpSource)
    {
        _routes = routes;
        IcmpSource = icmpSource;
        if (Array.TrueForAll(starts, static start => (ulong)start == 0))
            _upperStarts = Array.ConvertAll(starts, static start => (ulong)(start >> 64));
        else
            _starts = starts;
    }

    /// <summary>A table without routes: everything is unreachable.</summary>
    public static ForwardingTable Empty { get; } = Create([]);

    /// <summary>The source address of ICMPv6 errors that this machine sends, or zero: it sends none.</summary>
    public UInt128 IcmpSource { get; }

    /// <summary>How many ranges the table has come to.</summary>
    public int RangeCount => _routes.Length;

    /// <summary>Builds a table.</summary>
    /// <param name="entries">In any order; in that of their prefixes, the shorter ones first, it is done fastest.</param>
    /// <param name="icmpSource">One of this machine's overlay addresses, to send ICMPv6 errors from; zero sends none.</param>
    /// <exception cref="ArgumentException">A length is not in 0..128, a prefix has bits beyond its length, or two entries have the same
    /// prefix and length.</exception>
    public static ForwardingTable Create(ReadOnlySpan<ForwardingEntry> entries, UInt128 icmpSource = default)
    {
        ReadOnlySpan<ForwardingEntry> sorted = Sort(entries);
        var ranges = new Ranges(2 * sorted.Length + 1);
        var enclosing = new (UInt128 Last, Route Route)[130];   // what is open at this point, outermost first; prefixes nest at most 129 deep
        int depth = 0;
        enclosing[0] = (UInt128.MaxValue, Route.Unreachable);
        ranges.Begin(0, Route.Unreachable);
        for (int i = 0; i < sorted.Length; i++)
        {
            (UInt128 prefix, int length, Route route) = sorted[i];
            UInt128 last = LastAddress(prefix, length);
            if (i > 0 && sorted[i - 1].Prefix == prefix && sorted[i - 1].Length == length)
                throw new ArgumentException($"Two routes to the same prefix {prefix:x32}/{length}.", nameof(entries));
            while (enclosing[depth].Last < prefix)
            {
                UInt128 ended = enclosing[depth--].Last;
                ranges.Begin(ended + 1, enclosing[depth].Route);
            }
            ranges.Begin(prefix, route);
            enclosing[++depth] = (last, route);
        }
        for (; depth > 0; depth--)
        {
            if (enclosing[depth].Last != UInt128.MaxValue)
                ranges.Begin(enclosing[depth].Last + 1, enclosing[depth - 1].Route);
        }
        return new ForwardingTable(ranges.Starts(), ranges.Routes(), icmpSource);
    }

    /// <summary>The route of the longest prefix that <paramref name="destination"/> lies in; where it lies in none,
    /// <see cref="Route.Unreachable"/>.</summary>
    public Route Lookup(UInt128 destination) =>
        _upperStarts is not null
            ? _routes[LastNotAfter(_upperStarts, (ulong)(destination >> 64))]
            : _routes[LastNotAfter(_starts!, destination)];

    // The first start is always 0, so there is always an answer.
    private static int LastNotAfter(ulong[] starts, ulong key)
    {
        int low = 0, count = starts.Length;
        while (count > 1)
        {
            int half = count >> 1;
            low = starts[low + half] <= key ? low + half : low;
            count -= half;
        }
        return low;
    }

    private static int LastNotAfter(UInt128[] starts, UInt128 key)
    {
        int low = 0, count = starts.Length;
        while (count > 1)
        {
            int half = count >> 1;
            low = starts[low + half] <= key ? low + half : low;
            count -= half;
        }
        return low;
    }

    private static ReadOnlySpan<ForwardingEntry> Sort(ReadOnlySpan<ForwardingEntry> entries)
    {
        for (int i = 1; i < entries.Length; i++)
        {
            if (Order(entries[i - 1], entries[i]) <= 0)
                continue;
            ForwardingEntry[] sorted = entries.ToArray();
            Array.Sort(sorted, Order);
            return sorted;
        }

        return entries;
    }

    private static int Order(ForwardingEntry x, ForwardingEntry y) => x.Prefix != y.Prefix ? x.Prefix.CompareTo(y.Prefix) : x.Length.CompareTo(y.Length);

    private static UInt128 LastAddress(UInt128 prefix, int length)
    {
        if (length is < 0 or > 128)
            throw new ArgumentException($"A prefix length of {length} is not in 0..128.", nameof(length));
        UInt128 hostBits = length == 128 ? 0 : UInt128.MaxValue >> length;
        if ((prefix & hostBits) != 0)
            throw new ArgumentException($"The prefix {prefix:x32}/{length} has bits beyond its length.", nameof(prefix));
        return prefix | hostBits;
    }

    // Grows from low to high addresses; a range of no length is overwritten, one with its neighbour's route joins it.
    private struct Ranges(int capacity)
    {
        private readonly UInt128[] _starts = new UInt128[capacity];
        private readonly Route[] _routes = new Route[capacity];
        private int _count;

        public void Begin(UInt128 start, Route route)
        {
            if (_count > 0 && _starts[_count - 1] == start)
                _count--;
            if (_count > 0 && _routes[_count - 1] == route)
                return;
            _starts[_count] = start;
            _routes[_count++] = route;
        }

        public readonly UInt128[] Starts() => _starts.AsSpan(0, _count).ToArray();

        public readonly Route[] Routes() => _routes.AsSpan(0, _count).ToArray();
    }
}
