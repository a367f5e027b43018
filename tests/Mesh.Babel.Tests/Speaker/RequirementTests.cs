using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>Requirements of RFC 8966 that no other test would miss. Which test shows which is in <c>docs/protocols/babel.md</c>.</summary>
public sealed class RequirementTests
{
    private static Bench Two(BabelOptions? options = null)
    {
        var bench = new Bench(options: options, twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        return bench;
    }

    private static InterfaceId? Via(Bench bench) => bench.Speaker.TryGetSelected(Bench.Far, out RouteSnapshot route) ? route.Interface : null;

    [Fact]
    public void Section_3_2_2_our_number_does_not_grow_by_itself()
    {
        Bench bench = Two();
        Seqno before = bench.Speaker.Seqno;
        bench.Announce(10);
        bench.AdvanceWithHellos(600, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        bench.Speaker.Withdraw(Bench.Own, bench.Now);
        bench.Speaker.Announce(Bench.Own, bench.Now);
        bench.Speaker.LinkDown(Bench.Link, bench.Now);
        Assert.Equal(before, bench.Speaker.Seqno);
    }

    [Fact]
    public void Section_3_4_2_every_neighbour_hears_an_ihu_within_the_interval_that_the_last_one_promised()
    {
        var bench = new Bench();
        bench.Meet();
        bench.AdvanceWithHellos(300, (Bench.Link, Bench.Peer));
        List<Bench.Sent> ihus = [.. bench.Of(TlvKind.Ihu)];
        Assert.True(ihus.Count > 20);
        Assert.All(ihus, ihu => Assert.Equal(1200, ihu.Ihu.IntervalCentiseconds));
        Assert.All(ihus.Zip(ihus.Skip(1)), pair => Assert.True(pair.Second.At - pair.First.At <= TimeSpan.FromSeconds(12), $"nothing from {pair.First.At} to {pair.Second.At}"));
    }

    [Fact]
    public void Section_3_4_3_a_cost_is_never_0_and_infinite_without_hellos_or_without_ihu()
    {
        var bench = new Bench();
        bench.Meet(cost: 1);
        Assert.True(bench.Speaker.SetCostMultiplier(Bench.Link, Bench.Peer, 1, bench.Now));
        Assert.Equal(1, Assert.Single(bench.Speaker.Neighbours()).Cost);
        var unheard = new Bench();
        unheard.Ihu();
        Assert.Equal(Metric.Infinity, Assert.Single(unheard.Speaker.Neighbours()).Cost);
        Assert.Throws<ArgumentException>(() => bench.Speaker.AddInterface(Bench.OtherLink, new InterfaceParameters { Address = Bench.Self, Cost = 0 }, bench.Now));
    }

    [Fact]
    public void Section_3_6_a_newer_number_alone_moves_no_route()
    {
        Bench bench = Two();
        bench.Announce(100, seqno: 10);
        bench.Announce(100, seqno: 11, link: Bench.OtherLink, peer: Bench.OtherPeer);
        bench.Announce(150, seqno: 12, link: Bench.OtherLink, peer: Bench.OtherPeer);
        bench.AdvanceWithHellos(50, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        Assert.Equal(Bench.Link, Via(bench));
    }

    [Fact]
    public void Section_3_6_a_route_of_infinite_metric_is_never_selected()
    {
        Bench bench = Two();
        bench.Announce(Metric.Infinity - 1);
        Assert.Null(Via(bench));
        bench.Ihu(cost: Metric.Infinity);
        bench.Announce(1);
        Assert.Null(Via(bench));
    }

    [Fact]
    public void Section_3_7_2_another_origin_is_told_urgently()
    {
        Bench bench = Two();
        bench.Announce(100);
        bench.AdvanceWithHellos(8, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        bench.Log.Clear();
        bench.Announce(90, origin: new RouterId(0x77));
        bench.Advance(0.2);
        Assert.Contains(bench.Updates(Bench.Far), u => u.RouterId == new RouterId(0x77));
    }

    [Fact]
    public void Section_3_8_1_2_a_request_that_was_just_forwarded_is_not_forwarded_again()
    {
        Bench bench = Two();
        bench.Announce(100, seqno: 10);
        bench.Log.Clear();
        var request = new SeqnoRequestTlv(Bench.Far, new Seqno(11), 20, Bench.Origin);
        for (int i = 0; i < 5; i++)
            bench.Request(request, Bench.OtherLink, Bench.OtherPeer);
        Bench.Sent forwarded = Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal((Bench.Peer, 19), (forwarded.Destination, forwarded.SeqnoRequest.HopCount));
        Assert.Equal(4, bench.Speaker[BabelCounter.RequestSuppressed]);
    }

    /// <summary>A Hello with unknown flags, an IHU, an Acknowledgment Request, a Router-Id and a Seqno Request with reserved octets that are not 0.</summary>
    [Fact]
    public void Section_4_reserved_octets_and_unknown_flags_are_ignored()
    {
        byte[] body =
        [
            4, 6, 0x7F, 0xFF, 0, 1, 1, 0x90,
            5, 6, 0, 0xFF, 0, 96, 1, 0x90,
            2, 6, 0xFF, 0xFF, 0, 7, 0, 100,
            6, 10, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 9,
            8, 10, 2, 0x3F, 0, 0, 0x10, 0, 0, 1, 0, 5,
            10, 14, 2, 0, 0, 1, 5, 0xFF, 0, 0, 0, 0, 0, 0, 0, 9,
        ];
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen([42, 2, 0, (byte)body.Length, .. body], Bench.Peer, out PacketReader reader));
        Assert.Equal(TlvKind.Hello, reader.Read());
        Assert.Equal(new HelloTlv(new Seqno(1), 400), reader.Hello);
        Assert.Equal(TlvKind.Ihu, reader.Read());
        Assert.Equal(96, reader.Ihu.RxCost);
        Assert.Equal(TlvKind.AckRequest, reader.Read());
        Assert.Equal(new AckRequestTlv(7, 100), reader.AckRequest);
        Assert.Equal(TlvKind.RouterId, reader.Read());
        Assert.Equal(TlvKind.Update, reader.Read());
        Assert.Equal((new RouterId(9), BabelPrefix.Parse("::/0")), (reader.Update.RouterId, reader.Update.Prefix));
        Assert.Equal(TlvKind.SeqnoRequest, reader.Read());
        Assert.Equal(5, reader.SeqnoRequest.HopCount);
        Assert.Equal(TlvKind.End, reader.Read());
    }

    [Theory]
    [InlineData("an IHU that promises nothing", "0506000000600000")]
    [InlineData("an Acknowledgment Request without a deadline", "0206000000070000")]
    [InlineData("a Next Hop that is nobody", "07020000")]
    [InlineData("a Seqno Request for everything", "0A0E000000010A000000000000000009")]
    [InlineData("a Seqno Request that may not be sent", "0A0E0200000100000000000000000009")]
    [InlineData("a Seqno Request to nobody", "0A0E020000010A000000000000000000")]
    public void Section_4_6_values_that_must_not_be_void_the_tlv(string what, string tlv)
    {
        byte[] body = Convert.FromHexString(tlv);
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen([42, 2, 0, (byte)body.Length, .. body], Bench.Peer, out PacketReader reader));
        Assert.Equal((what, TlvKind.Ignored, IgnoreReason.Malformed), (what, reader.Read(), reader.Reason));
    }

    [Fact]
    public void Section_4_packets_from_elsewhere_are_ignored_and_counted()
    {
        var bench = new Bench();
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 1, 1, 0x90], peer: BabelAddress.Parse("2001:db8::1"));
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 1, 1, 0x90], peer: Bench.Self);
        Assert.Equal((2, 0), (bench.Speaker[BabelCounter.BadSource], bench.Speaker.Neighbours().Count));
    }

    [Fact]
    public void Section_4_payloads_of_the_whole_mtu_are_read()
    {
        var bench = new Bench();
        byte[] packet = new byte[65_487];
        (packet[0], packet[1], packet[2], packet[3]) = (42, 2, (65_483 >> 8) & 0xFF, 65_483 & 0xFF);
        _ = new HelloTlv(new Seqno(1), 400).Encode(packet.AsSpan(packet.Length - 8));
        bench.Receive(packet);
        Assert.Equal(0x8000, Assert.Single(bench.Speaker.Neighbours()).Reach);
    }
}
