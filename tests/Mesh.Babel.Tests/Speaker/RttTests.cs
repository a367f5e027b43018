using Mesh.Babel.Neighbours;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>RFC 9616: round-trip times and what they cost.</summary>
public sealed class RttTests
{
    private static readonly RttParameters Re6st = new() { Max = TimeSpan.FromMilliseconds(500), MaxPenalty = 5000, Decay = 125 };
    private static readonly InterfaceParameters Timed = new() { Address = Bench.Self, Rtt = Re6st };
    private readonly byte[] _scratch = new byte[128];
    private ushort _hello = 100;

    private static NeighbourSnapshot Only(Bench bench) => Assert.Single(bench.Speaker.Neighbours());

    /// <summary>Round trip in ms, what it costs, and what the link costs.</summary>
    private static (double? Milliseconds, int RttCost, int Cost) Costs(Bench bench) => (Only(bench).Rtt is { } rtt ? Math.Round(rtt.TotalMilliseconds, 1) : null, Only(bench).RttCost, Only(bench).Cost);

    [Fact]
    public void Section_3_1_every_hello_carries_the_time_of_its_sending()
    {
        var bench = new Bench(parameters: Timed);
        bench.Advance(40);
        List<Bench.Sent> hellos = [.. bench.Of(TlvKind.Hello)];
        Assert.True(hellos.Count >= 10);
        Assert.All(hellos, hello => Assert.Equal(RoundTrip.ToMicroseconds(hello.At), hello.HelloTimestamp?.Transmit));
    }

    [Fact]
    public void Without_parameters_no_packet_carries_a_timestamp_and_none_is_looked_at()
    {
        var bench = new Bench();
        bench.Meet();
        Exchange(bench, TimeSpan.FromMilliseconds(300));
        Assert.Equal((null, 0, 96), Costs(bench));
        bench.Advance(30);
        Assert.All(bench.Log, sent => Assert.Null(sent.HelloTimestamp));
        Assert.All(bench.Log, sent => Assert.Null(sent.IhuTimestamp));
    }

    [Fact]
    public void Section_3_2_an_ihu_beside_a_timestamped_hello_echoes_the_last_hello()
    {
        var bench = new Bench(parameters: Timed);
        bench.Advance(1);
        bench.Log.Clear();
        Hello(bench, transmit: 111);
        bench.Advance(0.25);
        Hello(bench, transmit: 222_111);
        TimeSpan heard = bench.Now;
        bench.Advance(60);
        List<Bench.Sent> echoing = [.. bench.Of(TlvKind.Ihu).Where(sent => sent.IhuTimestamp is not null && sent.At > heard)];
        Assert.InRange(echoing.Count, 3, 25);   // each time, once nothing is heard of the peer
        Assert.All(echoing, sent => Assert.Equal(new IhuTimestamp(222_111, RoundTrip.ToMicroseconds(heard)), sent.IhuTimestamp));
        Assert.All(echoing, i => Assert.Single(bench.Of(TlvKind.Hello), h => h.Packet == i.Packet && h.HelloTimestamp is not null));
    }

    // Two Hellos that leave within a moment are lost together, and that would end the link.
    [Fact]
    public void No_hello_is_sent_for_the_sake_of_an_echo()
    {
        var bench = new Bench(parameters: Timed);
        bench.Advance(1);
        bench.Log.Clear();
        Hello(bench, transmit: 111);
        Hello(bench, transmit: 222);
        Bench.Sent ihu = Assert.Single(bench.Of(TlvKind.Ihu), sent => sent.At == bench.Now);   // at once, since the link works now
        Assert.Null(ihu.IhuTimestamp);
        bench.Advance(600);
        Assert.All(bench.Of(TlvKind.Hello), static sent => Assert.NotEqual(0, sent.Hello.IntervalCentiseconds));
    }

    [Fact]
    public void Section_3_2_echoes_to_many_neighbours_spread_over_packets_each_with_a_hello()
    {
        var bench = new Bench(parameters: Timed with { Kind = LinkKind.Wired, Mtu = 576 });
        for (int i = 0; i < 60; i++)
        {
            var peer = BabelAddress.Parse($"fe80::1:{i:x}");
            Hello(bench, transmit: 5, peer);
            Hello(bench, transmit: 6, peer);
        }

        bench.Log.Clear();
        bench.Advance(14);
        List<Bench.Sent> ihus = [.. bench.Of(TlvKind.Ihu).Where(static sent => sent.IhuTimestamp is not null)];
        Assert.True(ihus.Select(i => i.Packet).Distinct().Count() >= 4);
        Assert.All(ihus, i => Assert.Single(bench.Of(TlvKind.Hello), h => h.Packet == i.Packet && h.HelloTimestamp is not null));
        Assert.All(bench.Log, sent => Assert.InRange(sent.PacketLength, 1, 528));
    }

    /// <summary>babeld up to 1.12.1 takes the type of every sub-TLV from the first.</summary>
    [Fact]
    public void Each_tlv_carries_one_sub_tlv_and_no_padding_before_it()
    {
        Span<byte> output = stackalloc byte[64];
        int length = new HelloTlv(new Seqno(1), 400).Encode(output, new HelloTimestamp(0x01020304));
        Assert.Equal([4, 12, 0, 0, 0, 1, 1, 0x90, 3, 4, 1, 2, 3, 4], output[..length].ToArray());
        length = new IhuTlv(AddressEncoding.LinkLocal, 96, 1200, BabelAddress.Parse("fe80::b")).Encode(output, new IhuTimestamp(1, 2));
        Assert.Equal([5, 24, 3, 0, 0, 96, 4, 0xB0, 0, 0, 0, 0, 0, 0, 0, 11, 3, 8, 0, 0, 0, 1, 0, 0, 0, 2], output[..length].ToArray());
    }

    [Fact]
    public void Section_6_a_longer_timestamp_counts_with_its_first_octets_and_a_shorter_one_not_at_all()
    {
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen([42, 2, 0, 16, 4, 14, 0, 0, 0, 1, 1, 0x90, 3, 6, 0, 0, 0, 9, 1, 1], Bench.Peer, out PacketReader reader));
        Assert.Equal(TlvKind.Hello, reader.Read());
        Assert.Equal(new HelloTimestamp(9), reader.HelloTimestamp);
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen([42, 2, 0, 13, 4, 11, 0, 0, 0, 1, 1, 0x90, 3, 3, 0, 0, 9], Bench.Peer, out reader));
        Assert.Equal(TlvKind.Hello, reader.Read());
        Assert.Null(reader.HelloTimestamp);
    }

    [Fact]
    public void Section_4_2_a_sample_makes_the_link_dearer_at_once_and_the_first_one_is_not_doubled()
    {
        var bench = new Bench(parameters: Timed);
        bench.Meet();
        bench.Announce(0);
        Exchange(bench, TimeSpan.FromMilliseconds(150));
        Assert.Equal((150.0, 1428, 96 + 1428), Costs(bench));
        Assert.Equal((ushort)(96 + 1428), bench.SelectedMetric());
        Exchange(bench, TimeSpan.FromMilliseconds(350));
        Assert.InRange(Only(bench).Rtt!.Value.TotalMilliseconds, 247, 248);
        Assert.InRange(Only(bench).RttCost, 2415, 2440);
    }

    [Fact]
    public void Section_3_4_a_packet_that_waited_is_measured_from_when_it_came()
    {
        var bench = new Bench(parameters: Timed);
        bench.Meet();
        bench.Advance(10);
        Exchange(bench, TimeSpan.FromMilliseconds(100), waited: TimeSpan.FromMilliseconds(40));
        Assert.Equal(TimeSpan.FromMilliseconds(60), Only(bench).Rtt);
    }

    [Fact]
    public void A_packet_from_the_future_is_a_mistake_of_the_caller()
    {
        var bench = new Bench(parameters: Timed);
        Assert.Throws<ArgumentOutOfRangeException>(() => bench.Speaker.Receive(Bench.Link, Bench.Peer, new byte[4], bench.Now, bench.Now + TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData(4_294_967_296L - 10_000_000, 30)]
    [InlineData(4_294_967_296L - 15, 0)]
    [InlineData(2L * 4_294_967_296 - 50_000, 3)]
    public void The_clock_wraps_without_harm(long startMicroseconds, int waitSeconds)
    {
        var bench = new Bench(parameters: Timed);
        bench.Advance(startMicroseconds / 1e6);
        bench.Meet();
        for (int i = 0; i < 8; i++)
        {
            Exchange(bench, TimeSpan.FromMilliseconds(80), heldFor: TimeSpan.FromSeconds(waitSeconds));
            Assert.Equal(80.0, Costs(bench).Milliseconds);
        }

        Assert.Equal(0, bench.Speaker[BabelCounter.RttSamplesRefused]);
    }

    [Theory]
    [InlineData(-5_000_000, 0, "the origin is in the future")]
    [InlineData(200_000_000, 0, "the origin is more than three minutes old")]
    [InlineData(0, -2_000_000, "the peer's clock has gone backwards")]
    [InlineData(0, 200_000_000, "the peer held the Hello for more than three minutes")]
    public void Section_3_3_a_sample_that_cannot_be_right_is_counted_and_not_used(long originAge, long peerHeld, string why)
    {
        var bench = new Bench(parameters: Timed);
        bench.Advance(1000);
        bench.Meet();
        uint now = RoundTrip.ToMicroseconds(bench.Now);
        Receive(bench, new HelloTimestamp((uint)(77 + peerHeld)), new IhuTimestamp((uint)(now - originAge), 77));
        Assert.True(Only(bench).Rtt is null, why);
        Assert.Equal((0, 1), (bench.Speaker[BabelCounter.RttSamples], bench.Speaker[BabelCounter.RttSamplesRefused]));
    }

    [Fact]
    public void Clocks_that_run_apart_by_more_than_the_round_trip_give_none()
    {
        Assert.True(RoundTrip.TryMeasure(new IhuTimestamp(1000, 5000), new HelloTimestamp(6000), received: 1900, out long microseconds));
        Assert.Equal(0, microseconds);
    }

    [Fact]
    public void Section_3_2_hello_and_ihu_of_different_packets_make_no_sample()
    {
        var bench = new Bench(parameters: Timed);
        bench.Advance(100);
        bench.Meet();
        Hello(bench, transmit: 5000);
        bench.Receive(w => w.TryAppend(_scratch.AsSpan(0, Ihu(new IhuTimestamp(RoundTrip.ToMicroseconds(bench.Now), 4000)))));
        Assert.Null(Only(bench).Rtt);
        Assert.Equal((0, 0), (bench.Speaker[BabelCounter.RttSamples], bench.Speaker[BabelCounter.RttSamplesRefused]));
    }

    [Fact]
    public void An_old_round_trip_is_forgotten_after_three_minutes()
    {
        var bench = new Bench(parameters: Timed);
        bench.Meet();
        Exchange(bench, TimeSpan.FromMilliseconds(150), ihuInterval: 1200);
        bench.AdvanceWithHellos(170, (Bench.Link, Bench.Peer));
        bench.Ihu();
        Assert.NotNull(Only(bench).Rtt);
        bench.AdvanceWithHellos(11, (Bench.Link, Bench.Peer));
        Assert.Equal((null, 0, 96), Costs(bench));
    }

    [Fact]
    public void Section_4_3_a_delay_that_swings_by_a_tenth_moves_no_cost_and_a_lasting_change_does()
    {
        var bench = new Bench(parameters: Timed);
        bench.Meet();
        Exchange(bench, TimeSpan.FromMilliseconds(200));
        ushort cost = Only(bench).Cost;
        for (int i = 0; i < 200; i++)
        {
            Exchange(bench, TimeSpan.FromMilliseconds(200 * (1 + (0.1 * Math.Sin(i / 3.0)))));
            Assert.Equal(cost, Only(bench).Cost);
        }

        for (int i = 0; i < RoundTrip.PatientSamples + 12; i++)
            Exchange(bench, TimeSpan.FromMilliseconds(230));
        Assert.InRange(Only(bench).RttCost, Re6st.PenaltyOf(229_000), Re6st.PenaltyOf(230_000));
    }

    [Fact]
    public void Parameters_change_while_running_and_the_samples_stay()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self });
        bench.Meet();
        Assert.True(bench.Speaker.SetRtt(Bench.Link, Re6st, bench.Now));
        Exchange(bench, TimeSpan.FromMilliseconds(250));
        Assert.Equal(96 + 2448, Only(bench).Cost);
        Assert.True(bench.Speaker.SetRtt(Bench.Link, new RttParameters(), bench.Now));
        Assert.Equal((250.0, 150, 96 + 150), Costs(bench));
        Assert.True(bench.Speaker.SetRtt(Bench.Link, null, bench.Now));
        Assert.Equal((null, 0, 96), Costs(bench));
        bench.Log.Clear();
        bench.Advance(20);
        Assert.All(bench.Log, sent => Assert.Null(sent.HelloTimestamp));
        Assert.False(bench.Speaker.SetRtt(new InterfaceId(77), Re6st, bench.Now));
        ArgumentException error = Assert.Throws<ArgumentException>(() => bench.Speaker.SetRtt(Bench.Link, new RttParameters { Max = TimeSpan.FromMilliseconds(5), Decay = 0 }, bench.Now));
        Assert.All(["Max", "Decay"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_far_neighbour_is_dear_and_never_cut()
    {
        var bench = new Bench(parameters: Timed with { Rtt = Re6st with { MaxPenalty = 65_000 } });
        bench.Meet(cost: 2000);
        Exchange(bench, TimeSpan.FromSeconds(1), cost: 2000);
        Assert.Equal(Metric.Infinity - 1, Only(bench).Cost);
    }

    /// <summary>The peer heard a Hello of ours, held it, and answers with a Hello and an IHU; its clock is 7 s behind.</summary>
    private void Exchange(Bench bench, TimeSpan roundTrip, TimeSpan heldFor = default, TimeSpan waited = default, ushort cost = 96, ushort ihuInterval = 60000)
    {
        long origin = bench.Now.Ticks / TimeSpan.TicksPerMicrosecond;
        bench.Advance((roundTrip + heldFor).TotalSeconds);
        long receive = origin - 7_000_000 + (roundTrip.Ticks / 2 / TimeSpan.TicksPerMicrosecond);
        long transmit = receive + (heldFor.Ticks / TimeSpan.TicksPerMicrosecond);
        Receive(bench, new HelloTimestamp((uint)transmit), new IhuTimestamp(Math.Max(1, (uint)origin), (uint)receive), waited, cost, ihuInterval);
    }

    private void Receive(Bench bench, HelloTimestamp hello, IhuTimestamp echo, TimeSpan waited = default, ushort cost = 96, ushort ihuInterval = 60000)
    {
        var writer = new PacketWriter();
        writer.Begin(1400);
        Assert.True(writer.TryAppend(_scratch.AsSpan(0, Ihu(echo, cost, ihuInterval))));
        Assert.True(writer.TryAppend(_scratch.AsSpan(0, new HelloTlv(new Seqno(_hello++), 0, IsUnicast: true).Encode(_scratch, hello))));
        bench.Speaker.Receive(Bench.Link, Bench.Peer, writer.Finish(), bench.Now, bench.Now - waited);
    }

    private int Ihu(IhuTimestamp echo, ushort cost = 96, ushort interval = 60000) => new IhuTlv(AddressEncoding.Wildcard, cost, interval, default).Encode(_scratch, echo);

    private void Hello(Bench bench, uint transmit, BabelAddress? peer = null) =>
        bench.Receive(w => w.TryAppend(_scratch.AsSpan(0, new HelloTlv(new Seqno(_hello++), 60000).Encode(_scratch, new HelloTimestamp(transmit)))), peer: peer);
}
