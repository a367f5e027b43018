using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>What is taken from whom, at what price, and what is told where.</summary>
public sealed class FilterTests
{
    private static readonly BabelPrefix Network = BabelPrefix.Parse("2001:db8::/32");

    [Fact]
    public void A_refused_route_is_counted_and_as_good_as_taken_back()
    {
        var filter = new Policy();
        var bench = new Bench(filter: filter);
        bench.Meet();
        bench.Announce(10);
        Assert.Equal((ushort)106, bench.SelectedMetric());
        Assert.Equal(new OfferedRoute(Bench.Link, Bench.Peer, Bench.Far, Bench.Origin, 10), filter.Asked[^1]);
        filter.Penalty = _ => Metric.Infinity;
        bench.Announce(10);
        Assert.Null(bench.SelectedMetric());
        bench.Announce(10, prefix: BabelPrefix.Parse("2001:db8:e::/64"));
        Assert.Equal((2, 1), (bench.Speaker[BabelCounter.FilteredIn], bench.Speaker.Routes().Count));
        filter.Penalty = _ => 0;
        bench.Announce(10);
        Assert.Equal((ushort)106, bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_5_2_a_penalty_counts_for_the_choice_and_for_what_is_told_but_not_for_feasibility()
    {
        var filter = new Policy { Penalty = static offer => offer.Interface == Bench.Link ? (ushort)500 : (ushort)0 };
        var bench = new Bench(filter: filter, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(10);
        Assert.Equal((ushort)606, bench.SelectedMetric());
        bench.AdvanceWithHellos(5, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Contains(bench.Updates(Bench.Far), u => u.Metric == 606);
        bench.Announce(605, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal(0, bench.Speaker[BabelCounter.UnfeasibleUpdate]);
        filter.Penalty = static _ => 0;
        bench.Announce(10);
        Assert.Equal((ushort)106, bench.SelectedMetric());
    }

    [Fact]
    public void A_penalty_beyond_all_metrics_is_a_refusal()
    {
        var bench = new Bench(filter: new Policy { Penalty = static _ => Metric.Infinity - 1 });
        bench.Meet();
        bench.Announce(10);
        Assert.Null(bench.SelectedMetric());
    }

    [Fact]
    public void What_is_kept_back_on_an_interface_is_told_on_the_others_and_requests_get_a_retraction()
    {
        var bench = new Bench(filter: new Policy { Tells = static (link, key) => link != Bench.Link || key != Bench.Far }, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(10, link: Bench.OtherLink, peer: Bench.OtherPeer, interval: 60000);
        bench.AdvanceWithHellos(40, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        IEnumerable<Bench.Sent> far = bench.Of(TlvKind.Update).Where(s => s.Update.Prefix == Bench.Far && !s.Update.IsWildcard);
        Assert.Contains(far, s => s.Link == Bench.OtherLink);
        Assert.DoesNotContain(far, s => s.Link == Bench.Link);
        Assert.Contains(bench.Of(TlvKind.Update), s => s.Link == Bench.Link && s.Update.Prefix == Bench.Own);
        Assert.True(bench.Speaker[BabelCounter.FilteredOut] > 0);
        bench.Request(Bench.Far);
        Assert.True(Assert.Single(far, s => s.Link == Bench.Link).Update.IsRetraction);
    }

    [Theory]
    [InlineData("2001:db8:c::/48", 0, true, "its own prefix")]
    [InlineData("2001:db8:c:1::/64", 0, true, "a part of its own prefix")]
    [InlineData("2001:db8:d::/48", 0, false, "somebody else's prefix, as its own")]
    [InlineData("2001:db8:d::1/128", 0, false, "an address of somebody else, as its own")]
    [InlineData("2001:db8::/32", 0, false, "the whole network, as its own")]
    [InlineData("2001:db8:d::/48", 96, true, "somebody else's prefix, as that of a node behind it")]
    [InlineData("::/0", 0, true, "the default route of a gateway")]
    [InlineData("2001:db9::/32", 0, true, "a prefix outside the network")]
    public void An_origin_is_believed_for_its_own_prefix_only(string prefix, ushort metric, bool isTaken, string why)
    {
        var bench = new Bench(filter: new OriginFilter(Network, static (_, neighbour) => neighbour == Bench.Peer ? BabelPrefix.Parse("2001:db8:c::/48") : null), twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(metric, prefix: BabelPrefix.Parse(prefix));
        Assert.True(isTaken == bench.SelectedMetric(BabelPrefix.Parse(prefix)) is not null, why);
        Assert.Equal(isTaken ? 0 : 1, bench.Speaker[BabelCounter.FilteredIn]);
        // Who is on the other link is not known.
        bench.Announce(metric, prefix: BabelPrefix.Parse(prefix), link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.NotNull(bench.SelectedMetric(BabelPrefix.Parse(prefix)));
    }

    private sealed class Policy : IBabelFilter
    {
        public List<OfferedRoute> Asked { get; } = [];

        public Func<OfferedRoute, ushort> Penalty { get; set; } = static _ => 0;

        public Func<InterfaceId, RouteKey, bool> Tells { get; set; } = static (_, _) => true;

        public ushort PenaltyOf(OfferedRoute offer)
        {
            Asked.Add(offer);
            return Penalty(offer);
        }

        public bool IsAnnounced(InterfaceId link, RouteKey key, RouterId routerId, ushort metric) => Tells(link, key);
    }
}
