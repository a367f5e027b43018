using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

public sealed class RequestTests
{
    private static readonly BabelPrefix Unknown = BabelPrefix.Parse("2001:db8:eeee::/64");

    private static Bench Two()
    {
        var bench = new Bench(twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        return bench;
    }

    private static SeqnoRequestTlv Ask(ushort seqno, byte hops = 64, BabelPrefix? prefix = null, RouterId? origin = null) =>
        new(prefix ?? Bench.Far, new Seqno(seqno), hops, origin ?? Bench.Origin);

    // What is announced through the other neighbour is not below what we announce ourselves: it needs a newer number to be of use.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Section_3_8_2_2_when_a_route_becomes_expensive_a_better_one_that_is_not_feasible_is_asked_for_at_once(bool byUpdate)
    {
        Bench bench = Two();
        bench.Announce(0);
        bench.Announce(200, link: Bench.OtherLink, peer: Bench.OtherPeer);
        bench.Advance(5);
        Assert.Equal((ushort)96, bench.SelectedMetric());
        bench.Log.Clear();
        if (byUpdate)
            bench.Announce(1500);
        else
            Assert.True(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.Peer, 4096, bench.Now));
        Bench.Sent request = Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal((Bench.OtherPeer, bench.Now), (request.Destination, request.At));
        bench.Announce(200, seqno: 11, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal((ushort)296, bench.SelectedMetric());
    }

    [Fact]
    public void A_route_that_becomes_a_little_more_expensive_causes_no_request()
    {
        Bench bench = Two();
        bench.Announce(0);
        bench.Announce(100, link: Bench.OtherLink, peer: Bench.OtherPeer);
        bench.Advance(5);
        bench.Log.Clear();
        Assert.True(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.Peer, 1024, bench.Now));
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
    }

    [Fact]
    public void Section_3_8_1_1_a_request_for_a_prefix_is_answered_by_unicast_and_an_unknown_one_with_a_retraction()
    {
        Bench bench = Two();
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request(Bench.Own);
        bench.Request(Unknown);
        bench.Advance(0.05);
        Assert.All(bench.Of(TlvKind.Update), s => Assert.Equal(Bench.Peer, s.Destination));
        Assert.Equal(0, Assert.Single(bench.Updates(Bench.Own)).Metric);
        Assert.True(Assert.Single(bench.Updates(Unknown)).IsRetraction);
    }

    [Fact]
    public void Section_3_8_1_1_a_request_for_everything_is_answered_by_unicast_but_not_too_often()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request((BabelPrefix?)null);
        bench.Request((BabelPrefix?)null);
        bench.Advance(0.05);
        Assert.Equal([Bench.Own, Bench.Far], bench.Log.Where(s => s.Destination == Bench.Peer && s.Kind == TlvKind.Update).Select(s => s.Update.Prefix).Order(Comparer<BabelPrefix>.Create(BabelPrefix.Compare)));
        Assert.Equal(1, bench.Speaker[BabelCounter.WildcardSuppressed]);
        bench.Advance(5);
        bench.Request((BabelPrefix?)null);
        Assert.Equal(1, bench.Speaker[BabelCounter.WildcardSuppressed]);
    }

    [Fact]
    public void Section_3_8_1_2_the_origin_goes_up_by_exactly_one()
    {
        Bench bench = Two();
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request(Ask(1050, prefix: Bench.Own, origin: Bench.OwnId));
        bench.Advance(0.05);
        Assert.Equal(1001, bench.Speaker.Seqno.Value);
        Assert.Equal(1001, Assert.Single(bench.Updates(Bench.Own)).Seqno.Value);
        bench.Request(Ask(1001, prefix: Bench.Own, origin: Bench.OwnId));
        bench.Request(Ask(5, prefix: Bench.Own, origin: Bench.Origin));
        Assert.Equal(1001, bench.Speaker.Seqno.Value);
        bench.Advance(0.05);
        Assert.Equal(2, bench.Updates(Bench.Own).Count());
    }

    [Fact]
    public void Section_3_8_1_2_a_request_that_we_can_satisfy_is_answered()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request(Ask(10), Bench.OtherLink, Bench.OtherPeer);
        bench.Advance(0.05);
        Assert.Equal(Bench.OtherLink, Assert.Single(bench.Of(TlvKind.Update)).Link);
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
    }

    [Fact]
    public void Section_3_8_1_2_another_one_is_forwarded_at_once_to_one_neighbour_and_its_answer_passed_on()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request(Ask(11, hops: 9), Bench.OtherLink, Bench.OtherPeer);
        Bench.Sent forwarded = Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal((Bench.Peer, Ask(11, hops: 8), bench.Now), (forwarded.Destination, forwarded.SeqnoRequest, forwarded.At));

        bench.Request(Ask(11, hops: 9), Bench.OtherLink, Bench.OtherPeer);
        Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal(1, bench.Speaker[BabelCounter.RequestSuppressed]);

        bench.Announce(100, seqno: 11);
        bench.Advance(0.05);
        Bench.Sent answer = Assert.Single(bench.Of(TlvKind.Update));
        Assert.Equal((Bench.OtherLink, (ushort)11), (answer.Link, answer.Update.Seqno.Value));
        Assert.Equal(0, bench.Speaker.Sizes.Requests);
    }

    [Fact]
    public void Section_3_8_1_2_a_suppressed_requester_hears_the_answer_too()
    {
        Bench bench = Two();
        var third = new InterfaceId(3);
        BabelAddress thirdPeer = BabelAddress.Parse("fe80::e");
        bench.Speaker.AddInterface(third, new InterfaceParameters { Address = BabelAddress.Parse("fe80::5") }, bench.Now);
        bench.Meet(third, thirdPeer);
        bench.Announce(100);
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request(Ask(11), Bench.OtherLink, Bench.OtherPeer);
        bench.Request(Ask(11), third, thirdPeer);
        Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        bench.Announce(100, seqno: 11);
        bench.Advance(0.05);
        Assert.All([Bench.OtherLink, third], link => Assert.Contains(bench.Of(TlvKind.Update), s => s.Link == link && s.Update.Seqno.Value == 11));
    }

    [Fact]
    public void Section_3_8_1_2_no_hops_left_or_only_the_way_back_ends_a_request()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.Advance(1);
        bench.Log.Clear();
        bench.Request(Ask(11, hops: 1), Bench.OtherLink, Bench.OtherPeer);
        bench.Request(Ask(11));
        bench.Request(Ask(11, prefix: Unknown));
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal(3, bench.Speaker[BabelCounter.RequestDropped]);
    }

    [Fact]
    public void Section_3_8_2_1_losing_all_feasible_routes_asks_the_one_that_is_left_and_the_answer_ends_it()
    {
        Bench bench = Two();
        bench.Announce(0);
        bench.Advance(1);
        bench.Announce(600, link: Bench.OtherLink, peer: Bench.OtherPeer);   // not feasible: we announced 96
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
        _ = bench.Speaker.LinkDown(Bench.Link, bench.Now);
        Bench.Sent request = Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal((Bench.OtherPeer, Ask(11), bench.Now), (request.Destination, request.SeqnoRequest, request.At));
        bench.Announce(600, seqno: 11, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal((ushort)696, bench.SelectedMetric());
        bench.Log.Clear();
        bench.AdvanceWithHellos(10, (Bench.OtherLink, Bench.OtherPeer));
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
    }

    // The one with the best of them may be gone already, and nobody has noticed yet.
    [Fact]
    public void Section_3_8_2_1_all_that_are_left_are_asked_at_once_and_again_and_nobody_else()
    {
        BabelAddress third = BabelAddress.Parse("fe80::e");
        BabelAddress fourth = BabelAddress.Parse("fe80::f");
        Bench bench = Two();
        bench.Meet(Bench.OtherLink, third);
        bench.Meet(Bench.OtherLink, fourth);
        bench.Announce(0);
        bench.Advance(1);
        bench.Announce(600, link: Bench.OtherLink, peer: Bench.OtherPeer);
        bench.Announce(900, link: Bench.OtherLink, peer: third);
        bench.Announce(Metric.Infinity, link: Bench.OtherLink, peer: fourth);
        TimeSpan lost = bench.Now;
        _ = bench.Speaker.LinkDown(Bench.Link, bench.Now);
        bench.AdvanceWithHellos(3, (Bench.OtherLink, Bench.OtherPeer), (Bench.OtherLink, third), (Bench.OtherLink, fourth));
        Assert.Equal([(0, Bench.OtherPeer), (0, third), (2, Bench.OtherPeer), (2, third)], bench.Of(TlvKind.SeqnoRequest).Select(s => ((int)(s.At - lost).TotalSeconds, s.Destination)));
        Assert.All(bench.Of(TlvKind.SeqnoRequest), s => Assert.Equal(Ask(11), s.SeqnoRequest));
        Assert.Equal(2, bench.Speaker[BabelCounter.SeqnoRequestsSent]);
        bench.Announce(900, seqno: 11, link: Bench.OtherLink, peer: third);
        Assert.Equal((ushort)996, bench.SelectedMetric());
    }

    [Fact]
    public void Section_3_8_2_1_an_unanswered_request_is_repeated_three_times_and_then_forgotten()
    {
        Bench bench = Two();
        bench.Announce(0);
        bench.Advance(1);
        TimeSpan lost = bench.Now;
        _ = bench.Speaker.LinkDown(Bench.Link, bench.Now);
        bench.AdvanceWithHellos(70, (Bench.OtherLink, Bench.OtherPeer));
        Assert.Equal([0, 2, 6, 14], bench.Of(TlvKind.SeqnoRequest).Select(s => (int)(s.At - lost).TotalSeconds));
        Assert.All(bench.Of(TlvKind.SeqnoRequest), s => Assert.Equal(BabelAddress.Multicast, s.Destination));
        Assert.Equal(0, bench.Speaker.Sizes.Requests);
    }

    [Fact]
    public void Section_3_8_2_2_a_much_better_unfeasible_route_is_worth_a_request()
    {
        Bench bench = Two();
        bench.Announce(0);
        bench.Advance(1);
        bench.Announce(5000);   // kept, though not feasible any more
        bench.Announce(4500, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
        bench.Announce(600, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal(Bench.OtherPeer, Assert.Single(bench.Of(TlvKind.SeqnoRequest)).Destination);
    }

    [Fact]
    public void Section_3_8_2_2_an_origin_that_lost_its_number_is_waited_for()
    {
        Bench bench = Two();
        bench.Announce(0, seqno: 500);
        bench.Advance(1);
        bench.Announce(Metric.Infinity);
        bench.Log.Clear();
        bench.Announce(0, seqno: 10, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Null(bench.SelectedMetric());
        Assert.Empty(bench.Of(TlvKind.SeqnoRequest));
    }

    [Fact]
    public void Section_3_3_an_acknowledgment_is_sent_at_once_by_unicast()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Receive([42, 2, 0, 8, 2, 6, 0, 0, 0x12, 0x34, 0, 50]);
        Bench.Sent ack = Assert.Single(bench.Of(TlvKind.Ack));
        Assert.Equal((0x1234, Bench.Peer, bench.Now), (ack.Ack.Opaque, ack.Destination, ack.At));
    }

    [Fact]
    public void Pending_requests_are_bounded()
    {
        var bench = new Bench(options: new BabelOptions { MaxPendingRequests = 5 }, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        for (int i = 0; i < 10; i++)
            bench.Announce(100, prefix: BabelPrefix.Parse($"2001:db8:f:{i}::/64"));
        bench.Advance(1);
        _ = bench.Speaker.LinkDown(Bench.Link, bench.Now);
        Assert.Equal((5, 5L), (bench.Speaker.Sizes.Requests, bench.Speaker[BabelCounter.RequestLimit]));
    }
}
