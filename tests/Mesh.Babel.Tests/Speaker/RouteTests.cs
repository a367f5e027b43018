using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

public sealed class RouteTests
{
    private static readonly RouterId OtherOrigin = new(0x0200_0000_0000_0077);

    /// <summary>Two peers on two links, both at cost 96, both alive.</summary>
    private static Bench Two(BabelOptions? options = null)
    {
        var bench = new Bench(options: options, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        return bench;
    }

    private static void AnnounceOther(Bench bench, ushort metric, ushort seqno = 10, RouterId? origin = null) =>
        bench.Announce(metric, seqno, origin: origin, link: Bench.OtherLink, peer: Bench.OtherPeer);

    private static InterfaceId? Via(Bench bench) => bench.Speaker.TryGetSelected(Bench.Far, out RouteSnapshot route) ? route.Interface : null;

    // 3.7.2: what is new is told soon, but while a network comes up not each piece of news in a packet of its own. What is lost does not wait.
    [Fact]
    public void Section_3_7_2_much_news_leaves_in_few_packets_and_a_retraction_at_once()
    {
        Bench bench = Two();
        (InterfaceId, BabelAddress)[] peers = [(Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer)];
        bench.AdvanceWithHellos(12, peers);
        bench.Log.Clear();
        TimeSpan begin = bench.Now;
        BabelPrefix[] prefixes = [.. Enumerable.Range(0, 100).Select(static i => BabelPrefix.Parse($"2001:db8:{i + 1:x}::/48"))];
        foreach (BabelPrefix prefix in prefixes)
        {
            bench.Announce(96, prefix: prefix);
            bench.Advance(0.03);
        }

        // 3 s: the first eight by themselves, and then one packet each 500 ms; Hellos and the like beside them.
        Assert.InRange(bench.Of(TlvKind.Update).Where(static sent => sent.Link == Bench.OtherLink).Select(static sent => sent.Packet).Distinct().Count(), 8, 16);
        Assert.True(bench.Updates(prefixes[0]).Any(), "the first is told at once");
        bench.Advance(1);
        Assert.All(prefixes, prefix => Assert.NotEmpty(bench.Updates(prefix)));
        Assert.All(prefixes, prefix => Assert.InRange(bench.Log.First(sent => sent.Kind == TlvKind.Update && sent.Update.Prefix == prefix).At - begin - TimeSpan.FromSeconds(0.03 * Array.IndexOf(prefixes, prefix)), TimeSpan.Zero, TimeSpan.FromSeconds(0.55)));

        TimeSpan lost = bench.Now;
        bench.Announce(Metric.Infinity, prefix: prefixes[5]);
        bench.Advance(0.03);
        Assert.Equal(Metric.Infinity, bench.Updates(prefixes[5]).Last().Metric);
        Assert.InRange(bench.Of(TlvKind.Update).Last().At - lost, TimeSpan.Zero, TimeSpan.FromSeconds(0.025));
    }

    [Fact]
    public void Section_3_5_2_the_metric_is_the_neighbours_plus_the_cost_and_saturates()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(100);
        Assert.Equal((ushort)196, bench.SelectedMetric());
        bench.Announce(65500, prefix: BabelPrefix.Parse("2001:db8:b::/64"));
        Assert.Null(bench.SelectedMetric(BabelPrefix.Parse("2001:db8:b::/64")));
    }

    [Fact]
    public void Section_3_5_3_a_retraction_of_an_unknown_route_makes_no_entry()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(Metric.Infinity);
        Assert.Empty(bench.Speaker.Routes());
        Assert.Equal(1, bench.Speaker[BabelCounter.UnknownRetraction]);
    }

    [Fact]
    public void Section_3_5_3_a_route_lapses_after_three_and_a_half_intervals_is_asked_for_before_and_removed_at_the_second_lapse()
    {
        Bench bench = Two();
        bench.Announce(0, interval: 400);
        bench.Log.Clear();
        (InterfaceId, BabelAddress)[] peers = [(Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer)];
        bench.AdvanceWithHellos(11, peers);
        Assert.DoesNotContain(bench.Of(TlvKind.RouteRequest), s => s.RouteRequest.Prefix is not null);
        bench.AdvanceWithHellos(1, peers);
        Bench.Sent request = Assert.Single(bench.Of(TlvKind.RouteRequest), s => s.RouteRequest.Prefix is not null);
        Assert.Equal((Bench.Far, Bench.Peer), (request.RouteRequest.Prefix, request.Destination));
        bench.Advance(1.99);
        Assert.NotNull(bench.SelectedMetric());
        bench.Advance(0.01);
        Assert.Null(bench.SelectedMetric());
        Assert.Single(bench.Speaker.Routes());
        bench.AdvanceWithHellos(15, peers);
        Assert.Empty(bench.Speaker.Routes());
    }

    [Fact]
    public void Section_3_5_1_a_neighbour_that_may_be_behind_us_is_not_selected()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);   // we announce 196: that is the feasibility distance
        Assert.Contains(bench.Updates(Bench.Far), u => u.Metric == 196);
        AnnounceOther(bench, 196);
        bench.Announce(Metric.Infinity);
        Assert.Null(bench.SelectedMetric());
        AnnounceOther(bench, 195);
        Assert.Equal((ushort)291, bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_5_1_a_newer_number_or_another_origin_makes_any_metric_feasible()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(Metric.Infinity);
        AnnounceOther(bench, 5000, seqno: 11);
        Assert.Equal((ushort)5096, bench.SelectedMetric());
        AnnounceOther(bench, Metric.Infinity);
        AnnounceOther(bench, 5000, seqno: 3, OtherOrigin);
        Assert.Equal((ushort)5096, bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_7_3_a_newer_number_that_was_sent_replaces_the_distance_even_by_a_larger_one()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(5000, seqno: 11);
        bench.Advance(1);
        AnnounceOther(bench, 3000, seqno: 11);
        bench.Announce(Metric.Infinity);
        Assert.Equal((ushort)3096, bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_7_3_a_feasibility_distance_is_forgotten_after_its_lifetime()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(Metric.Infinity);
        Assert.Equal(1, bench.Speaker.Sizes.Sources);
        bench.AdvanceWithHellos(190, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Equal(0, bench.Speaker.Sizes.Sources);
        AnnounceOther(bench, 5000);
        Assert.Equal((ushort)5096, bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_5_3_a_selected_route_that_becomes_unfeasible_stays_under_the_same_origin_only()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(400);
        Assert.Equal((ushort)496, bench.SelectedMetric());
        bench.Announce(0, origin: OtherOrigin);
        bench.Advance(1);
        bench.Announce(600);   // back to the first origin, whose distance was 196
        Assert.Null(bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_5_3_a_selected_route_with_an_older_number_is_dropped()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(100, seqno: 9);
        Assert.Null(bench.SelectedMetric());
    }

    [Fact]
    public void Section_4_6_9_a_wildcard_retraction_takes_all_routes_of_the_neighbour_and_of_nobody_else()
    {
        Bench bench = Two();
        bench.Announce(100);
        AnnounceOther(bench, 200);
        bench.Receive(w => w.TryAppendWildcardRetraction(default));
        Assert.Equal((ushort)296, bench.SelectedMetric());
        Assert.Equal(Bench.OtherLink, Via(bench));
    }

    [Fact]
    public void Section_A_3_a_better_route_is_taken_when_it_has_lasted()
    {
        Bench bench = Two();
        bench.Announce(504, interval: 6000);
        bench.AdvanceWithHellos(60, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        AnnounceOther(bench, 96);
        Assert.Equal(Bench.Link, Via(bench));
        double seconds = 0;
        while (Via(bench) == Bench.Link && seconds < 60)
        {
            bench.AdvanceWithHellos(4, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
            seconds += 4;
        }

        // babeld: 30.4 and 31.6 s.
        Assert.InRange(seconds, 24, 36);
    }

    [Fact]
    public void Section_A_3_an_equal_route_is_never_worth_a_switch()
    {
        Bench bench = Two();
        bench.Announce(100);
        AnnounceOther(bench, 100);
        bench.AdvanceWithHellos(40, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Equal(Bench.Link, Via(bench));
    }

    [Fact]
    public void Section_3_7_2_a_lost_route_is_retracted_urgently_and_three_times_more()
    {
        Bench bench = Two(new BabelOptions { SourceLifetime = TimeSpan.FromSeconds(30) });
        bench.Announce(100);
        bench.Advance(1);
        bench.Log.Clear();
        TimeSpan lost = bench.Now;
        bench.Announce(Metric.Infinity);
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
        bench.AdvanceWithHellos(15, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        double[] times = [.. bench.Log.Where(s => s.Link == Bench.OtherLink && s.Kind == TlvKind.Update && s.Update.Prefix == Bench.Far && s.Update.IsRetraction).Select(s => (s.At - lost).TotalSeconds)];
        Assert.All([0.02, 2.02, 6.02, 14.02], expected => Assert.Contains(times, t => Math.Abs(t - expected) < 0.03));
    }

    // Whoever has missed the retraction would believe the old announcement otherwise, until it lapses.
    [Fact]
    public void A_retraction_is_repeated_though_there_was_a_route_again_of_which_nobody_has_heard()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(Metric.Infinity);
        bench.Advance(1);
        bench.Announce(100);
        Assert.Equal(Reachability.Reachable, bench.Speaker.GetReachability(Bench.Far));
        bench.Announce(Metric.Infinity);
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
        bench.Log.Clear();
        TimeSpan lost = bench.Now;
        bench.AdvanceWithHellos(16, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        double[] times = [.. bench.Log.Where(static sent => sent.Link == Bench.OtherLink && sent.Kind == TlvKind.Update && sent.Update.Prefix == Bench.Far).Select(sent => (sent.At - lost).TotalSeconds)];
        Assert.All(bench.Updates(Bench.Far), static update => Assert.Equal(Metric.Infinity, update.Metric));
        Assert.All([2.02, 6.02, 14.02], expected => Assert.Contains(times, t => Math.Abs(t - expected) < 0.03));
    }

    [Fact]
    public void Section_2_8_a_retracted_prefix_stays_unreachable_until_neighbours_have_forgotten_it()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Announce(Metric.Infinity);
        bench.AdvanceWithHellos(55, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
        bench.Changes.Clear();
        bench.AdvanceWithHellos(2, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Equal(Reachability.Unknown, bench.Speaker.GetReachability(Bench.Far));
        Assert.Equal([Bench.Far], bench.Changes);
    }

    [Fact]
    public void Section_2_8_a_hold_ends_even_when_nobody_is_left_to_hear_the_retraction()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(100);
        bench.Advance(1);
        _ = bench.Speaker.LinkDown(Bench.Link, bench.Now);
        bench.Advance(50);
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
        bench.Advance(10);
        Assert.Equal(Reachability.Unknown, bench.Speaker.GetReachability(Bench.Far));
        bench.Advance(180);
        Assert.Equal((1, 0, 0, 0), bench.Speaker.Sizes);
    }

    [Fact]
    public void Section_3_7_1_a_full_update_leaves_every_interval_on_every_interface()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.AdvanceWithHellos(20, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        bench.Log.Clear();
        bench.Announce(100);
        bench.AdvanceWithHellos(33, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        foreach (InterfaceId link in new[] { Bench.Link, Bench.OtherLink })
        {
            IEnumerable<Bench.Sent> updates = bench.Log.Where(s => s.Link == link && s.Kind == TlvKind.Update);
            Assert.InRange(updates.Count(s => s.Update.Prefix == Bench.Own), 2, 3);
            Assert.InRange(updates.Count(s => s.Update.Prefix == Bench.Far), 2, 3);
            Assert.All(updates, s => Assert.Equal(1600, s.Update.IntervalCentiseconds));
        }
    }

    [Fact]
    public void Section_3_7_4_split_horizon_keeps_a_route_off_the_lan_it_came_from()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, Kind = LinkKind.Wired }, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(100);
        bench.AdvanceWithHellos(20, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.DoesNotContain(bench.Log, s => s.Link == Bench.Link && s.Kind == TlvKind.Update && s.Update.Prefix == Bench.Far);
        Assert.Contains(bench.Log, s => s.Link == Bench.OtherLink && s.Kind == TlvKind.Update && s.Update.Prefix == Bench.Far);
    }

    [Fact]
    public void A_withdrawn_prefix_is_retracted_and_can_return()
    {
        Bench bench = Two();
        bench.Request((BabelPrefix?)null);
        bench.Advance(1);
        bench.Log.Clear();
        Assert.True(bench.Speaker.Withdraw(Bench.Own, bench.Now));
        Assert.False(bench.Speaker.Withdraw(Bench.Own, bench.Now));
        bench.Advance(0.1);
        Assert.Equal(2, bench.Updates(Bench.Own).Count(u => u.IsRetraction));
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Own));
        Assert.True(bench.Speaker.Announce(Bench.Own, bench.Now));
        bench.Advance(0.1);
        Assert.Equal(2, bench.Updates(Bench.Own).Count(u => !u.IsRetraction));
        Assert.Equal(Reachability.Own, bench.Speaker.GetReachability(Bench.Own));
    }

    [Fact]
    public void Martians_and_our_own_router_id_are_refused_and_counted()
    {
        var bench = new Bench();
        bench.Meet();
        foreach (string martian in new[] { "ff05::/64", "fe80:1::/64", "::1/128", "::/128" })
            bench.Announce(0, prefix: BabelPrefix.Parse(martian));
        bench.Announce(0, origin: Bench.OwnId);
        Assert.Empty(bench.Speaker.Routes());
        Assert.Equal((4, 1), (bench.Speaker[BabelCounter.MartianPrefix], bench.Speaker[BabelCounter.OwnRouterId]));
        bench.Announce(0, prefix: BabelPrefix.Parse("::/0"));
        Assert.Single(bench.Speaker.Routes());
    }

    [Fact]
    public void A_route_that_turns_back_to_us_is_dropped()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(0);
        bench.Announce(0, origin: Bench.OwnId);
        Assert.Null(bench.SelectedMetric());
    }

    [Fact]
    public void Full_tables_refuse_and_count()
    {
        var bench = new Bench(options: new BabelOptions { MaxPrefixes = 3, MaxRoutes = 3, MaxSources = 1 });
        bench.Meet();
        for (int i = 0; i < 5; i++)
            bench.Announce(100, prefix: BabelPrefix.Parse($"2001:db8:f:{i}::/64"));
        Assert.Equal(2, bench.Speaker.Routes().Count);
        Assert.Equal(3, bench.Speaker[BabelCounter.PrefixLimit]);
        bench.Advance(1);
        Assert.True(bench.Speaker[BabelCounter.SourceLimit] > 0);
        Assert.Single(bench.Log.Where(s => s.Kind == TlvKind.Update && s.Update.RouterId == Bench.Origin).Select(s => s.Update.Prefix).Distinct());
    }

    [Fact]
    public void Section_4_a_large_table_is_packed_to_the_mtu_and_paced()
    {
        var bench = new Bench();
        bench.Meet();
        for (int i = 0; i < 3000; i++)
            bench.Announce(100, prefix: BabelPrefix.Parse($"2001:db8:{i:x}::/48"), origin: new RouterId((ulong)i + 1));
        bench.Advance(0.5);
        bench.Log.Clear();
        bench.Request((BabelPrefix?)null);
        bench.Advance(0.5);
        IEnumerable<Bench.Sent> dump = bench.Log.Where(s => s.Destination == Bench.Peer && s.Kind == TlvKind.Update);
        Assert.Equal(3001, dump.Select(s => s.Update.Prefix).Distinct().Count());
        Assert.All(dump, s => Assert.InRange(s.PacketLength, 20, 1452));
        Assert.True(dump.Select(s => s.At).Distinct().Count() > 2, "the dump was not paced");
    }
}
