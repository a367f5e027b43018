namespace Mesh.DataPlane;

/// <summary>An immutable longest-prefix-match table over IPv6 destinations and, where routes ask for it, sources.</summary>
/// <remarks>
/// <para>
/// Of the routes that match both addresses of a packet, those of the longest destination prefix count, and of these the one of the longest source prefix (RFC 9079 section 4).
/// </para>
/// <para>
/// The prefixes are flattened into ranges that do not overlap, sorted by their first address: a lookup is one binary search and a build one sort
/// and one sweep, so a table of thousands of routes is simply built anew when one changes. Neighbouring ranges with the same route are one.
/// Where every boundary lies on a /64, as in most networks, only the upper halves of the addresses are kept.
/// A destination whose route depends on the source leads to a table of sources, whose default is what is right for the shorter destinations around it.
/// </para>
/// </remarks>
public sealed class ForwardingTable
{
    private readonly ulong[]? _upperStarts;
    private readonly UInt128[]? _starts;
    private readonly Route[] _routes;
    private readonly ForwardingTable[] _bySource;

    private ForwardingTable(UInt128[] starts, Route[] routes, ForwardingTable[] bySource, UInt128 icmpSource)
    {
        _routes = routes;
        _bySource = bySource;
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
    /// prefixes and lengths.</exception>
    public static ForwardingTable Create(ReadOnlySpan<ForwardingEntry> entries, UInt128 icmpSource = default) => Create(Sort(entries), Route.Unreachable, icmpSource);

    private static ForwardingTable Create(ReadOnlySpan<ForwardingEntry> sorted, Route byDefault, UInt128 icmpSource)
    {
        var ranges = new Ranges(2 * sorted.Length + 1);
        var bySource = new List<ForwardingTable>();
        var enclosing = new (UInt128 Last, Route Route)[130];   // what is open at this point, outermost first; prefixes nest at most 129 deep
        int depth = 0;
        enclosing[0] = (UInt128.MaxValue, byDefault);
        ranges.Begin(0, byDefault);
        for (int i = 0, next; i < sorted.Length; i = next)
        {
            (UInt128 prefix, int length, Route route) = sorted[i];
            UInt128 last = LastAddress(prefix, length);
            for (next = i + 1; next < sorted.Length && sorted[next].Prefix == prefix && sorted[next].Length == length; next++)
            {
                if (sorted[next].Source == sorted[next - 1].Source && sorted[next].SourceLength == sorted[next - 1].SourceLength)
                    throw new ArgumentException($"Two routes to the same prefix {prefix:x32}/{length}{From(sorted[next])}.", nameof(sorted));
            }
            while (enclosing[depth].Last < prefix)
            {
                UInt128 ended = enclosing[depth--].Last;
                ranges.Begin(ended + 1, enclosing[depth].Route);
            }
            if (sorted[next - 1].SourceLength > 0)
            {
                bySource.Add(OfSources(sorted[i..next], enclosing[depth].Route));
                route = Route.BySource(bySource.Count - 1);
            }
            ranges.Begin(prefix, route);
            enclosing[++depth] = (last, route);
        }
        for (; depth > 0; depth--)
        {
            if (enclosing[depth].Last != UInt128.MaxValue)
                ranges.Begin(enclosing[depth].Last + 1, enclosing[depth - 1].Route);
        }
        return new ForwardingTable(ranges.Starts(), ranges.Routes(), [.. bySource], icmpSource);
    }

    /// <summary>The route of a packet; where none matches, <see cref="Route.Unreachable"/>.</summary>
    /// <param name="destination">Its destination.</param>
    /// <param name="source">Its source; the unspecified address where only routes for all sources count.</param>
    public Route Lookup(UInt128 destination, UInt128 source = default)
    {
        Route route = Find(destination);
        while (route.SourceIndex >= 0)
            route = _bySource[route.SourceIndex].Find(source);
        return route;
    }

    private Route Find(UInt128 address) =>
        _upperStarts is not null
            ? _routes[LastNotAfter(_upperStarts, (ulong)(address >> 64))]
            : _routes[LastNotAfter(_starts!, address)];

    // Of one destination. What it says may depend on the source again: then it is a matter of the table around it.
    private static ForwardingTable OfSources(ReadOnlySpan<ForwardingEntry> sorted, Route byDefault)
    {
        var sources = new ForwardingEntry[sorted.Length];
        for (int i = 0; i < sources.Length; i++)
            sources[i] = new ForwardingEntry(sorted[i].Source, sorted[i].SourceLength, sorted[i].Route);
        return Create(sources, byDefault, icmpSource: 0);
    }

    private static string From(in ForwardingEntry entry) => entry.SourceLength > 0 ? $" from {entry.Source:x32}/{entry.SourceLength}" : "";

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

    private static int Order(ForwardingEntry x, ForwardingEntry y)
    {
        int order = x.Prefix.CompareTo(y.Prefix);
        if (order == 0)
            order = x.Length.CompareTo(y.Length);
        if (order == 0)
            order = x.Source.CompareTo(y.Source);
        return order != 0 ? order : x.SourceLength.CompareTo(y.SourceLength);
    }

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
