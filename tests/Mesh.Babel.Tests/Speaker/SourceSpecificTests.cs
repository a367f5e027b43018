using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>RFC 9079: routes for packets from one source prefix only.</summary>
public sealed class SourceSpecificTests
{
    private static readonly BabelPrefix Default = BabelPrefix.Parse("::/0");
    private static readonly BabelPrefix Source = BabelPrefix.Parse("2001:db8:42::/48");
    private static readonly BabelPrefix OtherSource = BabelPrefix.Parse("2001:db8:43::/48");
    private static readonly RouteKey Key = new(Default, Source);

    private static IEnumerable<ReceivedUpdate> Said(Bench bench, RouteKey key) => bench.Of(TlvKind.Update).Select(s => s.Update).Where(u => !u.IsWildcard && u.Key == key);

    /// <summary>Of the default route for everybody, for one source and for the other.</summary>
    private static int?[] Metrics(Bench bench) => [bench.SelectedMetric(Default), bench.SelectedMetric(Key), bench.SelectedMetric(new RouteKey(Default, OtherSource))];

    [Fact]
    public void Section_5_a_source_that_is_everybody_makes_an_ordinary_route()
    {
        Assert.Equal(new RouteKey(Default), new RouteKey(Default, BabelPrefix.Parse("::/0")));
        Assert.Equal(new RouteKey(BabelPrefix.Parse("10.0.0.0/8")), new RouteKey(BabelPrefix.Parse("10.0.0.0/8"), BabelPrefix.Parse("0.0.0.0/0")));
        Assert.False(new RouteKey(Default, BabelPrefix.Parse("::/0")).IsSourceSpecific);
        Assert.Equal(("::/0", "::/0 from 2001:db8:42::/48"), (new RouteKey(Default).ToString(), Key.ToString()));
    }

    [Fact]
    public void Section_3_each_pair_of_prefix_and_source_has_routes_of_its_own()
    {
        var bench = new Bench(twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Changes.Clear();
        bench.Announce(10, prefix: Default);
        bench.Announce(20, prefix: Default, source: Source);
        bench.Announce(30, prefix: Default, source: OtherSource, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal([new RouteKey(Default), Key, new RouteKey(Default, OtherSource)], bench.Changes);
        Assert.Equal([106, 116, 126], Metrics(bench));
        Assert.Equal([default, Source, OtherSource], bench.Speaker.Routes().Select(r => r.Source));

        bench.Announce(Metric.Infinity, prefix: Default, source: Source);
        Assert.Equal([106, null, 126], Metrics(bench));
        bench.Announce(Metric.Infinity, prefix: Default);
        Assert.Equal(Reachability.Unknown, bench.Speaker.GetReachability(BabelPrefix.Parse("2001:db8::/32")));
        Assert.Equal(Reachability.Reachable, bench.Speaker.GetReachability(new RouteKey(Default, OtherSource)));
    }

    [Fact]
    public void Section_5_1_an_own_route_is_announced_with_its_source_and_taken_back_with_it()
    {
        var bench = new Bench();
        bench.Meet();
        Assert.True(bench.Speaker.Announce(Key, bench.Now));
        bench.AdvanceWithHellos(5, (Bench.Link, Bench.Peer));
        Assert.Contains(Said(bench, Key), u => u is { Metric: 0, IsRetraction: false });
        Assert.DoesNotContain(Said(bench, Default), _ => true);
        Assert.Equal([new RouteKey(Default, Source), Bench.Own], bench.Speaker.OwnPrefixes().Select(own => own.Key));
        bench.Log.Clear();
        Assert.False(bench.Speaker.Withdraw(Default, bench.Now));
        Assert.True(bench.Speaker.Withdraw(Key, bench.Now));
        bench.AdvanceWithHellos(2, (Bench.Link, Bench.Peer));
        Assert.Contains(Said(bench, Key), u => u.IsRetraction);
    }

    [Fact]
    public void What_cannot_be_routed_is_not_announced()
    {
        var bench = new Bench();
        Assert.Throws<ArgumentException>(() => bench.Speaker.Announce(new RouteKey(Default, BabelPrefix.Parse("ff00::/8")), bench.Now));
        Assert.Throws<ArgumentException>(() => bench.Speaker.Announce(new RouteKey(Default, BabelPrefix.Parse("10.0.0.0/8")), bench.Now));
        bench.Meet();
        bench.Announce(0, prefix: Default, source: BabelPrefix.Parse("fe80::/64"));
        Assert.Equal((1, 0), (bench.Speaker[BabelCounter.MartianPrefix], bench.Speaker.Routes().Count));
    }

    [Fact]
    public void Section_5_2_a_wildcard_retraction_takes_source_specific_routes_back_too()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(0, prefix: Default, source: Source);
        bench.Announce(0);
        bench.Receive(w => w.TryAppendWildcardRetraction(new Seqno(1)));
        Assert.Null(bench.SelectedMetric(Key));
        Assert.Null(bench.SelectedMetric());
    }

    [Fact]
    public void Section_5_3_requests_are_answered_for_the_pair_that_they_name()
    {
        var bench = new Bench();
        bench.Meet();
        Assert.True(bench.Speaker.Announce(Key, bench.Now));
        bench.AdvanceWithHellos(5, (Bench.Link, Bench.Peer));
        bench.Log.Clear();
        bench.Request(Default, source: Source);
        bench.Request(Default, source: OtherSource);
        bench.Request(Default);
        bench.Advance(0.1);
        Assert.False(Assert.Single(Said(bench, Key)).IsRetraction);
        Assert.True(Assert.Single(Said(bench, new RouteKey(Default, OtherSource))).IsRetraction);
        Assert.True(Assert.Single(Said(bench, Default)).IsRetraction);
    }

    [Fact]
    public void Section_5_3_a_seqno_request_raises_the_number_for_the_pair_only()
    {
        var bench = new Bench();
        bench.Meet();
        Assert.True(bench.Speaker.Announce(Key, bench.Now));
        Seqno before = bench.Speaker.Seqno;
        bench.Request(new SeqnoRequestTlv(Default, before.Next, 10, Bench.OwnId, OtherSource));
        Assert.Equal((before, 1), (bench.Speaker.Seqno, bench.Speaker[BabelCounter.RequestDropped]));
        bench.Request(new SeqnoRequestTlv(Default, before.Next, 10, Bench.OwnId, Source));
        Assert.Equal(before.Next, bench.Speaker.Seqno);
        bench.Advance(0.1);
        Assert.Contains(Said(bench, Key), u => u.Seqno == before.Next);
    }

    [Fact]
    public void Feasibility_is_of_the_pair()
    {
        var bench = new Bench(twoLinks: true);
        bench.Meet();
        bench.Meet(Bench.OtherLink, Bench.OtherPeer);
        bench.Announce(10, prefix: Default, source: Source);
        bench.AdvanceWithHellos(5, (Bench.Link, Bench.Peer), (Bench.OtherLink, Bench.OtherPeer));
        // 106 is the distance for the pair; the same announcement for everybody is new.
        bench.Announce(200, prefix: Default, source: Source, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal(1, bench.Speaker[BabelCounter.UnfeasibleUpdate]);
        bench.Announce(200, prefix: Default, link: Bench.OtherLink, peer: Bench.OtherPeer);
        Assert.Equal((1, (ushort)296), (bench.Speaker[BabelCounter.UnfeasibleUpdate], bench.SelectedMetric(new RouteKey(Default))));
        bench.Log.Clear();
        bench.Announce(Metric.Infinity, prefix: Default, source: Source);
        Bench.Sent request = bench.Of(TlvKind.SeqnoRequest).First();
        Assert.Equal((Key, new Seqno(11)), (request.SeqnoRequest.Key, request.SeqnoRequest.Seqno));
    }

    [Fact]
    public void A_route_about_to_lapse_is_asked_for_with_its_source()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Announce(10, prefix: Default, source: Source, interval: 400);
        bench.AdvanceWithHellos(13, (Bench.Link, Bench.Peer));
        Assert.Contains(bench.Of(TlvKind.RouteRequest), s => s.RouteRequest.Key == Key);
    }

    [Theory]
    [InlineData("two of them", "80020840800208F0")]
    [InlineData("length 0", "800100")]
    [InlineData("cut short", "800320200D")]
    [InlineData("no body", "8000")]
    [InlineData("129 bits", "8012810000000000000000000000000000000000")]
    public void Section_7_a_tlv_with_a_malformed_source_prefix_is_ignored_and_counts_for_the_parser_state(string why, string subTlvs)
    {
        byte[] sub = Convert.FromHexString(subTlvs);
        // An Update with P and such a sub-TLV, then one that leaves 6 octets to it.
        byte[] body =
        [
            6, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
            8, (byte)(18 + sub.Length), 2, 0x80, 64, 0, 0x10, 0, 0, 1, 0, 5, 0x20, 1, 0x0D, 0xB8, 0, 1, 0, 1, .. sub,
            8, 12, 2, 0, 64, 6, 0x10, 0, 0, 1, 0, 5, 0, 2,
        ];
        byte[] packet = [42, 2, 0, (byte)body.Length, .. body];
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(packet, Bench.Peer, out PacketReader reader));
        Assert.Equal(TlvKind.RouterId, reader.Read());
        Assert.Equal((TlvKind.Ignored, IgnoreReason.MalformedSubTlv, why), (reader.Read(), reader.Reason, why));
        Assert.Equal(TlvKind.Update, reader.Read());
        Assert.Equal(BabelPrefix.Parse("2001:db8:1:2::/64"), reader.Update.Prefix);
    }

    [Fact]
    public void Section_7_1_a_source_prefix_where_there_is_no_destination_voids_the_tlv()
    {
        // A wildcard retraction and a wildcard request with a source prefix.
        byte[] body = [8, 14, 0, 0, 0, 0, 0x10, 0, 0, 1, 0xFF, 0xFF, 128, 2, 8, 0x20, 9, 6, 0, 0, 128, 2, 8, 0x20];
        byte[] packet = [42, 2, 0, (byte)body.Length, .. body];
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(packet, Bench.Peer, out PacketReader reader));
        Assert.Equal((TlvKind.Ignored, IgnoreReason.MalformedSubTlv), (reader.Read(), reader.Reason));
        Assert.Equal((TlvKind.Ignored, IgnoreReason.MalformedSubTlv), (reader.Read(), reader.Reason));
        Assert.Equal(TlvKind.End, reader.Read());
    }

    [Fact]
    public void Ordinary_routes_pay_nothing_for_sources() =>
        Assert.InRange(System.Runtime.CompilerServices.Unsafe.SizeOf<Mesh.Babel.Routes.RouteCell>(), 1, 32);

    /// <summary>b hears babeld announce a source-specific default route and take it back.</summary>
    [Theory]
    [InlineData("06-source-specific-ab", "fe80::b", 96)]
    [InlineData("06-source-specific-bc", "fe80::c", 192)]
    public void The_default_route_of_a_recording_is_learnt_and_lost_with_its_source(string name, string self, int metric)
    {
        var recording = new Recording(name, self);
        Bench bench = recording.Bench;
        recording.RunTo(18.9);
        Assert.Equal([null, metric, null], Metrics(bench));
        recording.RunTo(19.2);
        Assert.Null(bench.SelectedMetric(Key));
        Assert.NotEqual(Reachability.Reachable, bench.Speaker.GetReachability(Key));
        Assert.NotNull(bench.SelectedMetric(BabelPrefix.Parse("2001:db8:42:a::/64")));
        Assert.Equal(0, bench.Speaker[BabelCounter.MandatorySubTlv] + bench.Speaker[BabelCounter.MalformedTlv]);
    }

    /// <summary>In the place of bird we hear babeld, and in the place of babeld bird, which relays the route.</summary>
    [Theory]
    [InlineData("fe80::b", 96)]
    [InlineData("fe80::a", 192)]
    public void Babeld_and_bird_mean_the_same(string self, int metric)
    {
        var recording = new Recording("24-bird-source-specific", self);
        recording.RunTo(14);
        Assert.Equal([null, metric, null], Metrics(recording.Bench));
    }

    /// <summary>c of the triangle: b, played back, loses its way and asks; the question goes on to a, and the answer back.</summary>
    [Fact]
    public void A_recorded_seqno_request_is_forwarded_with_its_source()
    {
        var recording = new Recording("12-seqno-request-source-specific-bc", "fe80::c");
        Bench bench = recording.Bench;
        var origin = new RouterId(0x0200_5EFF_FE00_000A);
        recording.RunTo(50);
        bench.Meet(Bench.OtherLink, Bench.OtherPeer, cost: 600);
        bench.Announce(0, seqno: 100, prefix: Default, origin: origin, link: Bench.OtherLink, peer: Bench.OtherPeer, interval: 60000, source: Source);
        recording.RunTo(54.21);
        bench.Log.Clear();
        recording.RunTo(54.22);
        Bench.Sent forwarded = Assert.Single(bench.Of(TlvKind.SeqnoRequest));
        Assert.Equal((Bench.OtherPeer, new SeqnoRequestTlv(Default, new Seqno(101), 126, origin, Source)), (forwarded.Destination, forwarded.SeqnoRequest));
        bench.Announce(0, seqno: 101, prefix: Default, origin: origin, link: Bench.OtherLink, peer: Bench.OtherPeer, interval: 60000, source: Source);
        recording.RunTo(54.5);
        Assert.Contains(Said(bench, Key), u => u is { Metric: 600, Seqno.Value: 101 });
    }
}
