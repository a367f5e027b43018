namespace Mesh.Babel.Tests.Speaker;

/// <summary>What a speaker says of its state.</summary>
public sealed class QueryTests
{
    private static readonly BabelPrefix Source = BabelPrefix.Parse("2001:db8:5::/48");

    [Fact]
    public void The_distance_is_the_best_that_was_announced_with_the_newest_number()
    {
        var bench = new Bench();
        bench.Meet();
        Assert.Null(bench.Speaker.DistanceOf(Bench.Far, Bench.Origin));
        bench.Announce(100);
        bench.Advance(1);
        Assert.Equal(new FeasibilityDistance(new Seqno(10), 196), bench.Speaker.DistanceOf(Bench.Far, Bench.Origin));
        bench.Announce(5000, seqno: 11);
        bench.Advance(1);
        Assert.Equal(new FeasibilityDistance(new Seqno(11), 5096), bench.Speaker.DistanceOf(Bench.Far, Bench.Origin));
        Assert.Null(bench.Speaker.DistanceOf(Bench.Far, Bench.OwnId));
        Assert.Null(bench.Speaker.DistanceOf(new RouteKey(Bench.Far, Source), Bench.Origin));
    }

    [Fact]
    public void The_routes_of_one_prefix_are_those_of_all_in_the_same_order()
    {
        var bench = new Bench(twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(300);
        bench.Announce(100, link: Bench.OtherLink, peer: Bench.OtherPeer);
        bench.Announce(7, source: Source);
        // The selected one first: the other has still to earn it.
        Assert.Equal([(ushort)396, 196], bench.Speaker.Routes(Bench.Far).Select(static route => route.Metric));
        Assert.Equal(bench.Speaker.Routes().Where(static route => route.Key == Bench.Far), bench.Speaker.Routes(Bench.Far));
        Assert.Equal((ushort)103, Assert.Single(bench.Speaker.Routes(new RouteKey(Bench.Far, Source))).Metric);
        Assert.Empty(bench.Speaker.Routes(BabelPrefix.Parse("2001:db8::/32")));
    }

    [Fact]
    public void Prefixes_are_our_own_those_with_routes_and_those_just_lost_in_order()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(100);
        bench.Announce(100, source: Source);
        bench.Advance(1);
        Assert.Equal([Bench.Own, Bench.Far, new RouteKey(Bench.Far, Source)], bench.Speaker.Prefixes());
        bench.Speaker.RemoveInterface(Bench.Link, bench.Now);
        Assert.Empty(bench.Speaker.Routes());
        Assert.Contains(Bench.Far, bench.Speaker.Prefixes());
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
    }
}
