using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

public sealed class NeighbourTests
{
    private static NeighbourSnapshot Only(Bench bench) => Assert.Single(bench.Speaker.Neighbours());

    [Fact]
    public void Section_3_4_1_the_interface_opens_with_three_hellos_a_wildcard_request_and_a_wildcard_retraction()
    {
        var bench = new Bench();
        bench.Advance(0.1);
        Assert.Equal(3, bench.Of(TlvKind.Hello).Count());
        Assert.Equal(2, bench.Of(TlvKind.RouteRequest).Count(s => s.RouteRequest.Prefix is null));
        Assert.Equal(2, bench.Of(TlvKind.Update).Count(s => s.Update.IsWildcard));
        Assert.All(bench.Log, s => Assert.Equal(BabelAddress.Multicast, s.Destination));
    }

    /// <summary>A peer that is there first asks for everything at once. What it is told must not be taken back by the rest of our opening, or it would wait for the
    /// next full update: a minute with Hellos every 15 s.</summary>
    [Fact]
    public void Section_3_8_2_the_opening_does_not_take_back_what_it_has_announced()
    {
        var bench = new Bench(options: new BabelOptions { UrgentDelay = TimeSpan.FromMilliseconds(1) });
        bench.Request(prefix: null);
        bench.Advance(0.1);
        List<ReceivedUpdate> updates = [.. bench.Of(TlvKind.Update).Select(s => s.Update)];
        Assert.Contains(updates, u => u.Prefix == Bench.Own && !u.IsRetraction);
        Assert.DoesNotContain(updates.SkipWhile(u => u.IsWildcard), u => u.IsWildcard);
    }

    [Fact]
    public void Section_3_4_1_hellos_keep_their_promise_and_count_up()
    {
        var bench = new Bench();
        bench.Advance(120);
        List<Bench.Sent> hellos = [.. bench.Of(TlvKind.Hello)];
        Assert.All(hellos.Zip(hellos.Skip(1)), pair =>
        {
            Assert.Equal(pair.First.Hello.Seqno.Next, pair.Second.Hello.Seqno);
            Assert.True(pair.Second.At - pair.First.At <= TimeSpan.FromSeconds(4));
        });
        Assert.InRange(hellos.Count, 30, 40);
    }

    [Fact]
    public void Section_A_2_1_one_hello_is_not_enough_and_the_second_brings_an_ihu_at_once()
    {
        var bench = new Bench();
        bench.Advance(1);
        bench.Log.Clear();
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 1, 1, 0x90]);
        Assert.Equal(Metric.Infinity, Only(bench).RxCost);
        Assert.Empty(bench.Of(TlvKind.Ihu));
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 2, 1, 0x90]);
        Assert.Equal(96, Only(bench).RxCost);
        Bench.Sent ihu = Assert.Single(bench.Of(TlvKind.Ihu));
        Assert.Equal((Bench.Peer, (ushort)96, (ushort)1200), (ihu.Ihu.Address, ihu.Ihu.RxCost, ihu.Ihu.IntervalCentiseconds));
        Assert.Equal(Metric.Infinity, Only(bench).Cost);
    }

    [Fact]
    public void Section_A_1_two_missing_hellos_end_the_link_exactly_two_and_a_half_intervals_after_the_last()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(0);
        Assert.Equal((ushort)96, bench.SelectedMetric());
        bench.Advance(9.999);
        Assert.Equal((ushort)96, bench.SelectedMetric());
        bench.Advance(0.001);
        Assert.Null(bench.SelectedMetric());
        Assert.Equal(Reachability.Unknown, bench.Speaker.GetReachability(BabelPrefix.Parse("2001:db8:1::/64")));
    }

    [Fact]
    public void Section_A_1_an_unscheduled_hello_does_not_move_the_timer()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(5);
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 3, 0, 0]);
        Assert.Equal(0xF000, Only(bench).Reach);
        bench.Advance(1);
        Assert.Equal(0x7800, Only(bench).Reach);
    }

    [Fact]
    public void Section_A_1_a_silent_neighbour_is_forgotten()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(6 + (16 * 4));
        Assert.Empty(bench.Speaker.Neighbours());
        Assert.Equal(1, bench.Speaker[BabelCounter.NeighboursLost]);
    }

    [Fact]
    public void Section_A_1_a_hello_far_off_replaces_the_neighbour()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(0);
        Assert.True(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.Peer, 512, bench.Now));
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0x30, 0, 1, 0x90]);
        Assert.Equal((0x8000, 256), (Only(bench).Reach, Only(bench).CostMultiplier));
        Assert.Null(bench.SelectedMetric());
        Assert.Empty(bench.Speaker.Routes());
    }

    [Fact]
    public void Section_A_1_a_peer_that_only_sends_unscheduled_hellos_does_not_stay_for_ever()
    {
        var bench = new Bench();
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 1, 0, 0]);
        bench.Advance(60);
        Assert.Equal(0x8000, Only(bench).Reach);
        bench.Advance(1200);
        Assert.Empty(bench.Speaker.Neighbours());
    }

    [Fact]
    public void Section_3_4_2_on_a_lan_every_neighbour_gets_its_own_ihu_and_ignores_the_others()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, Kind = LinkKind.Wired });
        bench.Meet();
        bench.Meet(peer: Bench.OtherPeer);
        bench.Log.Clear();
        bench.Advance(4);
        Assert.Equal(2, bench.Of(TlvKind.Ihu).Select(s => s.Ihu.Address).Distinct().Count());
        byte[] ihu = new byte[16];
        _ = new IhuTlv(AddressEncoding.LinkLocal, 5000, 1200, Bench.OtherPeer).Encode(ihu);
        bench.Receive([42, 2, 0, 16, .. ihu]);
        Assert.All(bench.Speaker.Neighbours(), n => Assert.Equal(96, n.Cost));
        Assert.Equal(1, bench.Speaker[BabelCounter.ForeignIhu]);
    }

    [Fact]
    public void Section_3_4_2_an_ihu_lapses_after_three_and_a_half_intervals()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Receive([42, 2, 0, 8, 5, 6, 0, 0, 0, 200, 0, 100]);   // AE 0, rxcost 200, 1 s
        Assert.Equal(200, Only(bench).Cost);
        bench.Advance(3.499);
        Assert.Equal(200, Only(bench).Cost);
        bench.Advance(0.001);
        Assert.Equal(Metric.Infinity, Only(bench).Cost);
    }

    [Fact]
    public void Section_3_4_3_an_ihu_of_infinity_makes_the_link_unusable()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(0);
        bench.Ihu(cost: Metric.Infinity);
        Assert.Null(bench.SelectedMetric());
        bench.Ihu(cost: 300);
        Assert.Equal((ushort)300, bench.SelectedMetric());
    }

    /// <summary>What else was sent when the Hello was may be lost, too: a retraction, and all its repetitions.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_missed_a_hello_asks_for_the_table(bool isNoticed)
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(isNoticed ? 6.5 : 5.5);   // it is missed after 6 s, or when the next one has another number than it should
        bench.Log.Clear();
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 4, 1, 0x90]);
        Bench.Sent request = Assert.Single(bench.Of(TlvKind.RouteRequest));
        Assert.Equal((Bench.Peer, null, bench.Now), (request.Destination, request.RouteRequest.Prefix, request.At));
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 5, 1, 0x90]);
        Assert.Single(bench.Of(TlvKind.RouteRequest));
    }

    [Fact]
    public void Who_missed_none_does_not()
    {
        var bench = new Bench();
        bench.Meet();
        bench.AdvanceWithHellos(1, (Bench.Link, Bench.Peer));
        bench.Log.Clear();
        bench.AdvanceWithHellos(40, (Bench.Link, Bench.Peer));
        Assert.Empty(bench.Of(TlvKind.RouteRequest));
    }

    /// <summary>Two Hellos that are lost by chance end a link. With Hellos every quarter of a minute it would stay down for as long.</summary>
    [Fact]
    public void Who_is_not_heard_any_more_says_hello_at_once()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(1);
        bench.Log.Clear();
        bench.Ihu(cost: Metric.Infinity);
        bench.Advance(0.1);
        Assert.Equal(3, bench.Of(TlvKind.Hello).Count());
    }

    [Fact]
    public void Who_is_still_not_heard_after_that_waits_for_its_turn()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(1);
        bench.Ihu(cost: Metric.Infinity);
        bench.Advance(0.1);
        bench.Log.Clear();
        for (int i = 0; i < 5; i++)
        {
            bench.Ihu(cost: Metric.Infinity);
            bench.Advance(0.1);
        }

        Assert.Empty(bench.Of(TlvKind.Hello));
    }

    [Fact]
    public void A_cost_multiplier_drains_cuts_and_restores()
    {
        var bench = new Bench(twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(0);
        bench.Announce(10, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal((ushort)96, bench.SelectedMetric());
        Assert.True(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.Peer, 4096, bench.Now));
        Assert.Equal((ushort)106, bench.SelectedMetric());
        Assert.True(bench.Speaker.SetCostMultiplier(Bench.OtherLink, Bench.OtherPeer, 0, bench.Now));
        Assert.Equal((ushort)1536, bench.SelectedMetric());
        Assert.True(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.Peer, 256, bench.Now));
        Assert.Equal((ushort)96, bench.SelectedMetric());
        Assert.False(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.OtherPeer, 256, bench.Now));
        Assert.Equal(Metric.Infinity - 1, Metric.Multiply(5096, 4096));
    }

    [Fact]
    public void Link_down_loses_the_neighbour_and_its_routes_at_once()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(0);
        bench.Changes.Clear();
        Assert.True(bench.Speaker.LinkDown(Bench.Link, bench.Now));
        Assert.Empty(bench.Speaker.Neighbours());
        Assert.Empty(bench.Speaker.Routes());
        Assert.Equal([Bench.Far], bench.Changes);
    }

    [Fact]
    public void Shutdown_retracts_everything_and_promises_no_hello()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(1);
        bench.Log.Clear();
        bench.Speaker.Shutdown(bench.Now);
        Assert.Equal(2, bench.Log.Count);
        Assert.Equal(1, bench.Log[0].Hello.IntervalCentiseconds);
        Assert.True(bench.Log[1].Update is { IsWildcard: true, IsRetraction: true });
        Assert.Equal(TimeSpan.MaxValue, bench.Speaker.NextDeadline);
        bench.Meet();
        Assert.Equal(2, bench.Log.Count);
    }

    [Fact]
    public void Bad_parameters_are_refused_with_every_problem_in_one_message()
    {
        var bench = new Bench();
        ArgumentException error = Assert.Throws<ArgumentException>(() => bench.Speaker.AddInterface(
            Bench.OtherLink, new InterfaceParameters { Address = BabelAddress.Parse("2001:db8::1"), Cost = 0, HelloInterval = TimeSpan.Zero, Mtu = 100 }, bench.Now));
        Assert.All(["Address", "Cost", "HelloInterval", "Mtu"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => new BabelSpeaker(default, new BabelOptions(), () => 0, bench));
        Assert.Throws<ArgumentException>(() => new BabelSpeaker(new RouterId(1), new BabelOptions { MaxRoutes = 0 }, () => 0, bench));
    }
}
