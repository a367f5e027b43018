namespace Mesh.DataPlane.Tests;

public sealed class ForwardingTableTests
{
    private static readonly Route A = Route.Through(new TunnelIndex(1));
    private static readonly Route B = Route.Through(new TunnelIndex(2));

    [Fact]
    public void An_empty_table_reaches_nothing()
    {
        Assert.Equal(Route.Unreachable, ForwardingTable.Empty.Lookup(0));
        Assert.Equal(Route.Unreachable, ForwardingTable.Empty.Lookup(UInt128.MaxValue));
    }

    [Fact]
    public void The_longest_prefix_wins_on_both_its_edges()
    {
        UInt128 outer = Ipv6.Address("2001:db8::"), inner = Ipv6.Address("2001:db8:42::");
        ForwardingTable table = ForwardingTable.Create([new(outer, 32, A), new(inner, 48, B)]);

        Assert.Equal(Route.Unreachable, table.Lookup(outer - 1));
        Assert.Equal(A, table.Lookup(outer));
        Assert.Equal(A, table.Lookup(inner - 1));
        Assert.Equal(B, table.Lookup(inner));
        Assert.Equal(B, table.Lookup(inner + (UInt128.MaxValue >> 48)));
        Assert.Equal(A, table.Lookup(inner + (UInt128.MaxValue >> 48) + 1));
        Assert.Equal(Route.Unreachable, table.Lookup(Ipv6.Address("2001:db9::")));
    }

    [Fact]
    public void A_default_route_covers_both_ends_of_the_address_space()
    {
        ForwardingTable table = ForwardingTable.Create([new(0, 0, A), new(UInt128.MaxValue, 128, B), new(0, 128, Route.Local)]);
        Assert.Equal(Route.Local, table.Lookup(0));
        Assert.Equal(A, table.Lookup(1));
        Assert.Equal(A, table.Lookup(UInt128.MaxValue - 1));
        Assert.Equal(B, table.Lookup(UInt128.MaxValue));
    }

    [Fact]
    public void Neighbouring_prefixes_with_one_route_become_one_range()
    {
        ForwardingTable table = ForwardingTable.Create([new(Ipv6.Address("2001:db8:0::"), 48, A), new(Ipv6.Address("2001:db8:1::"), 48, A)]);
        Assert.Equal(3, table.RangeCount);
    }

    [Fact]
    public void A_prefix_with_bits_beyond_its_length_is_refused() =>
        Assert.Throws<ArgumentException>(() => ForwardingTable.Create([new(1, 64, A)]));

    [Theory]
    [InlineData(-1)]
    [InlineData(129)]
    public void A_length_outside_of_0_to_128_is_refused(int length) =>
        Assert.Throws<ArgumentException>(() => ForwardingTable.Create([new(0, length, A)]));

    [Fact]
    public void Two_routes_to_one_prefix_are_refused() =>
        Assert.Throws<ArgumentException>(() => ForwardingTable.Create([new(0, 8, A), new(0, 8, B)]));

    [Fact]
    public void Two_routes_to_one_prefix_from_one_prefix_are_refused()
    {
        ForwardingEntry entry = new(0, 8, A) { Source = 1, SourceLength = 128 };
        ArgumentException refused = Assert.Throws<ArgumentException>(() => ForwardingTable.Create([entry, new(0, 8, A), entry with { Route = B }]));
        Assert.Contains("from 00000000000000000000000000000001/128", refused.Message, StringComparison.Ordinal);
    }

    // RFC 9079 section 4: the destination counts first.
    [Fact]
    public void The_source_decides_among_routes_to_one_prefix_only()
    {
        UInt128 net = Ipv6.Address("2001:db8::"), inner = Ipv6.Address("2001:db8:42::"), far = Ipv6.Address("2600::1"), stranger = Ipv6.Address("2a00::1");
        ForwardingTable table = ForwardingTable.Create([new(0, 0, A) { Source = net, SourceLength = 32 }, new(0, 0, B) { Source = inner, SourceLength = 48 }, new(net, 32, Route.Blackhole)]);

        Assert.Equal(A, table.Lookup(far, net + 1));
        Assert.Equal(B, table.Lookup(far, inner + 1));
        Assert.Equal(Route.Unreachable, table.Lookup(far, stranger));
        Assert.Equal(Route.Unreachable, table.Lookup(far));
        Assert.Equal(Route.Blackhole, table.Lookup(inner + 1, inner + 2));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Lookups_by_both_addresses_agree_with_a_walk_over_all_routes(int seed)
    {
        var random = new Random(seed);
        int bySource = 0;
        for (int round = 0; round < 200; round++)
        {
            int longest = random.Next(1, 12);
            ForwardingEntry[] sources = RandomEntries(random, 6, longest);
            ForwardingEntry[] entries =
            [
                .. RandomEntries(random, 25, longest)
                    .SelectMany(entry => sources.Where(_ => random.Next(4) == 0).Select(source => entry with { Route = source.Route, Source = source.Prefix, SourceLength = source.Length }).Append(entry))
                    .Where(_ => random.Next(4) > 0)
                    .DistinctBy(static entry => (entry.Prefix, entry.Length, entry.Source, entry.SourceLength)),
            ];
            bySource += entries.Count(static entry => entry.SourceLength > 0);
            ForwardingTable table = ForwardingTable.Create(entries);
            foreach (UInt128 destination in InterestingAddresses(random, entries))
            {
                foreach (UInt128 source in InterestingAddresses(random, sources))
                    Assert.Equal(SlowLookup(entries, destination, source), table.Lookup(destination, source));
            }
        }

        Assert.True(bySource > 1000);
    }

    [Theory]
    [InlineData(21, 64)]
    [InlineData(22, 128)]
    [InlineData(23, 10)]
    public void A_table_with_changes_is_what_a_new_one_would_be(int seed, int longest)
    {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++)
        {
            ForwardingEntry[] entries = RandomEntries(random, random.Next(40), longest);
            // Whatever is within a changed prefix is forgotten, and so is what is around it: only what is beside it stays.
            ForwardingEntry[] changes = Apart([.. RandomEntries(random, random.Next(8), random.Next(2) == 0 ? longest : 64)]);
            ForwardingTable table = ForwardingTable.Create(entries).With(changes);
            foreach (UInt128 address in InterestingAddresses(random, [.. entries, .. changes]))
                Assert.Equal(changes.Any(change => Covers(change.Prefix, change.Length, address)) ? SlowLookup(changes, address) : SlowLookup(entries, address), table.Lookup(address));
            ForwardingEntry[] flat = Apart(entries);
            Assert.Equal(ForwardingTable.Create(flat).RangeCount, flat.Aggregate(ForwardingTable.Empty, static (before, entry) => before.With([entry])).RangeCount);
        }
    }

    [Fact]
    public void Changes_that_are_not_in_order_or_overlap_are_refused()
    {
        ForwardingTable table = ForwardingTable.Create([new(0, 0, A)]);
        UInt128 one = UInt128.One << 64, two = UInt128.One << 65;
        Assert.Throws<ArgumentException>(() => table.With([new(two, 64, A), new(one, 64, B)]));
        Assert.Throws<ArgumentException>(() => table.With([new(0, 32, A), new(one, 64, B)]));
        Assert.Throws<ArgumentException>(() => table.With([new(one, 64, A), new(one, 64, B)]));
        Assert.Throws<ArgumentException>(() => table.With([new(one, 63, A)]));
        Assert.Throws<ArgumentException>(() => table.With([new(one, 64, A) { Source = two, SourceLength = 64 }]));
        Assert.Equal(B, table.With([new(one, 64, B)]).Lookup(one));
    }

    [Fact]
    public void What_depends_on_the_source_stays_so_when_something_else_changes()
    {
        UInt128 net = UInt128.One << 127;
        ForwardingTable table = ForwardingTable.Create([new(0, 0, A) { Source = net, SourceLength = 1 }, new(net, 1, Route.Unreachable)], icmpSource: net).With([new(net | 1, 128, B)]);
        Assert.Equal(A, table.Lookup(5, net));
        Assert.Equal(Route.Unreachable, table.Lookup(5, 5));
        Assert.Equal(B, table.Lookup(net | 1, 5));
        Assert.Equal(Route.Unreachable, table.Lookup(net | 2, 5));
        Assert.Equal(net, table.IcmpSource);
    }

    private static ForwardingEntry[] Apart(ForwardingEntry[] entries)
    {
        var apart = new List<ForwardingEntry>();
        foreach (ForwardingEntry entry in entries.OrderBy(static entry => entry.Prefix).ThenBy(static entry => entry.Length))
        {
            if (apart.Count == 0 || !Covers(apart[^1].Prefix, apart[^1].Length, entry.Prefix))
                apart.Add(entry);
        }

        return [.. apart];
    }

    [Fact]
    public void Routes_say_what_they_are()
    {
        Assert.Equal(RouteKind.Unreachable, default(Route).Kind);
        Assert.Equal(RouteKind.Blackhole, Route.Blackhole.Kind);
        Assert.Equal(RouteKind.Local, Route.Local.Kind);
        Assert.Equal((RouteKind.Tunnel, 1), (A.Kind, A.Tunnel.Value));
        Assert.Equal("tunnel-1", A.ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => Route.Through(new TunnelIndex(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Route.Through(new TunnelIndex(DataPlaneEngine.MaxTunnels + 1)));
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(2, 128)]
    [InlineData(3, 20)]
    public void Lookups_agree_with_a_walk_over_all_routes(int seed, int longest)
    {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++)
        {
            ForwardingEntry[] entries = RandomEntries(random, random.Next(40), longest);
            ForwardingTable table = ForwardingTable.Create(entries);
            foreach (UInt128 address in InterestingAddresses(random, entries))
                Assert.Equal(SlowLookup(entries, address), table.Lookup(address));
        }
    }

    [Fact]
    public void Ten_thousand_routes_agree_with_a_walk_over_all_routes()
    {
        var random = new Random(4);
        ForwardingEntry[] entries = RandomEntries(random, 10_000, 64);
        ForwardingTable table = ForwardingTable.Create(entries);
        for (int i = 0; i < 500; i++)
        {
            UInt128 address = entries[random.Next(entries.Length)].Prefix | RandomBits(random) >> random.Next(128);
            Assert.Equal(SlowLookup(entries, address), table.Lookup(address));
        }
    }

    private static Route SlowLookup(ForwardingEntry[] entries, UInt128 address, UInt128 source = default)
    {
        (Route Route, (int, int) Lengths) best = (Route.Unreachable, (-1, -1));
        foreach (ForwardingEntry entry in entries)
        {
            if ((entry.Length, entry.SourceLength).CompareTo(best.Lengths) > 0 && Covers(entry.Prefix, entry.Length, address) && Covers(entry.Source, entry.SourceLength, source))
                best = (entry.Route, (entry.Length, entry.SourceLength));
        }
        return best.Route;
    }

    private static bool Covers(UInt128 prefix, int length, UInt128 address) => length == 0 || address >> (128 - length) == prefix >> (128 - length);

    // Few distinct bits, so that prefixes nest and touch.
    private static ForwardingEntry[] RandomEntries(Random random, int count, int longest) =>
        [.. Enumerable.Range(0, count).Select(_ =>
        {
            int length = random.Next(longest + 1);
            UInt128 mask = length == 0 ? 0 : UInt128.MaxValue << (128 - length);
            UInt128 tail = random.Next(2) == 0 ? 0 : UInt128.MaxValue >> random.Next(4, 128);
            UInt128 bits = count > 100 ? RandomBits(random) : (UInt128)random.Next(16) << 124 | tail;
            Route route = random.Next(5) switch { 0 => Route.Blackhole, 1 => Route.Local, 2 => Route.Unreachable, int n => Route.Through(new TunnelIndex(n)) };
            return new ForwardingEntry(bits & mask, length, route);
        }).DistinctBy(entry => (entry.Prefix, entry.Length))];

    private static IEnumerable<UInt128> InterestingAddresses(Random random, ForwardingEntry[] entries)
    {
        foreach (ForwardingEntry entry in entries)
        {
            UInt128 last = entry.Prefix | (entry.Length == 128 ? 0 : UInt128.MaxValue >> entry.Length);
            yield return entry.Prefix;
            yield return entry.Prefix - 1;
            yield return last;
            yield return last + 1;
        }
        yield return RandomBits(random);
        yield return 0;
        yield return UInt128.MaxValue;
    }

    private static UInt128 RandomBits(Random random) =>
        new((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64(long.MinValue, long.MaxValue));
}
