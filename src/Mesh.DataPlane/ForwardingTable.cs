using System.Buffers;
using System.Numerics;

namespace Mesh.DataPlane;

/// <summary>An immutable longest-prefix-match table over IPv6 destinations and, where routes ask for it, sources.</summary>
/// <remarks>
/// <para>
/// Of the routes that match both addresses of a packet, those of the longest destination prefix count, and of these the one of the longest source prefix (RFC 9079 section 4).
/// </para>
/// <para>
/// The prefixes are flattened into ranges that do not overlap, sorted by their first address: a lookup is one binary search and a build one sort
/// and one sweep. Neighbouring ranges with the same route are one. Where a few routes change, the rest is copied (<see cref="With"/>).
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

    private ForwardingTable(ulong[] upperStarts, Route[] routes, ForwardingTable[] bySource, UInt128 icmpSource) =>
        (_upperStarts, _routes, _bySource, IcmpSource) = (upperStarts, routes, bySource, icmpSource);

    private ForwardingTable(UInt128[] starts, Route[] routes, ForwardingTable[] bySource, UInt128 icmpSource)
    {
        (_routes, _bySource, IcmpSource) = (routes, bySource, icmpSource);
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

    /// <summary>The same table, but for some prefixes. What does not change is copied as it is, so this is much faster than to <see cref="Create(ReadOnlySpan{ForwardingEntry}, UInt128)"/> a long table.</summary>
    /// <param name="changes">
    /// Where packets to these prefixes go from now on, whatever their source: to all of the prefix, longer ones within it are forgotten. In ascending order, none within another. For a
    /// prefix that is no longer announced this is the route of the shorter one around it.
    /// </param>
    /// <exception cref="ArgumentException">They are not in order, overlap, depend on the source, or a length is not in 0..128 or a prefix has bits beyond its length.</exception>
    public ForwardingTable With(ReadOnlySpan<ForwardingEntry> changes)
    {
        bool isUpper = _upperStarts is not null;
        for (int i = 0; i < changes.Length; i++)
        {
            _ = LastAddress(changes[i].Prefix, changes[i].Length);
            if (i > 0 && changes[i].Prefix <= LastAddress(changes[i - 1].Prefix, changes[i - 1].Length))
                throw new ArgumentException($"The prefix {changes[i].Prefix:x32}/{changes[i].Length} has to follow {changes[i - 1].Prefix:x32}/{changes[i - 1].Length}, and not to overlap it.", nameof(changes));
            if (changes[i].SourceLength > 0)
                throw new ArgumentException($"The route to {changes[i].Prefix:x32}/{changes[i].Length} depends on the source: such a table has to be created anew.", nameof(changes));
            isUpper &= changes[i].Length <= 64;
        }

        if (isUpper)
        {
            (ulong[] upper, Route[] routes) = Splice(_upperStarts!, changes, shift: 64);
            return new ForwardingTable(upper, routes, _bySource, IcmpSource);
        }

        UInt128[] before = _starts ?? Array.ConvertAll(_upperStarts!, static upper => (UInt128)upper << 64);
        (UInt128[] starts, Route[] spliced) = Splice(before, changes, shift: 0);
        return new ForwardingTable(starts, spliced, _bySource, IcmpSource);
    }

    private (T[] Starts, Route[] Routes) Splice<T>(T[] before, ReadOnlySpan<ForwardingEntry> changes, int shift)
        where T : unmanaged, IBinaryInteger<T>
    {
        using var ranges = new Ranges<T>(before.Length + (2 * changes.Length));
        int taken = 0;
        foreach (ForwardingEntry change in changes)
        {
            T first = T.CreateTruncating(change.Prefix >> shift);
            T last = T.CreateTruncating(LastAddress(change.Prefix, change.Length) >> shift);
            int begin = CountBelow(before, first, taken);
            ranges.Append(before.AsSpan(taken..begin), _routes.AsSpan(taken..begin));
            ranges.Begin(first, change.Route);
            for (taken = begin; taken < before.Length && before[taken] <= last; taken++)
            {
            }

            T after = last + T.One;
            if (after != T.Zero && (taken == before.Length || before[taken] != after))
                ranges.Begin(after, _routes[taken - 1]);
        }

        ranges.Append(before.AsSpan(taken..), _routes.AsSpan(taken..));
        return (ranges.Starts(), ranges.Routes());
    }

    // How many starts are below a key, which none before the given place is not.
    private static int CountBelow<T>(T[] starts, T key, int low)
        where T : unmanaged, IBinaryInteger<T>
    {
        int high = starts.Length;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (starts[middle] < key)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private static ForwardingTable Create(ReadOnlySpan<ForwardingEntry> sorted, Route byDefault, UInt128 icmpSource)
    {
        using var ranges = new Ranges<UInt128>(2 * sorted.Length + 1);
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
    private sealed class Ranges<T>(int capacity) : IDisposable
        where T : unmanaged, IEquatable<T>
    {
        private readonly T[] _starts = ArrayPool<T>.Shared.Rent(capacity);
        private readonly Route[] _routes = ArrayPool<Route>.Shared.Rent(capacity);
        private int _count;

        public void Begin(T start, Route route)
        {
            if (_count > 0 && _starts[_count - 1].Equals(start))
                _count--;
            if (_count > 0 && _routes[_count - 1] == route)
                return;
            _starts[_count] = start;
            _routes[_count++] = route;
        }

        // Ranges of another table, which are as they have to be.
        public void Append(ReadOnlySpan<T> starts, ReadOnlySpan<Route> routes)
        {
            if (starts.IsEmpty)
                return;
            Begin(starts[0], routes[0]);
            starts[1..].CopyTo(_starts.AsSpan(_count));
            routes[1..].CopyTo(_routes.AsSpan(_count));
            _count += starts.Length - 1;
        }

        public T[] Starts() => _starts.AsSpan(0, _count).ToArray();

        public Route[] Routes() => _routes.AsSpan(0, _count).ToArray();

        public void Dispose()
        {
            ArrayPool<T>.Shared.Return(_starts);
            ArrayPool<Route>.Shared.Return(_routes);
        }
    }
}
