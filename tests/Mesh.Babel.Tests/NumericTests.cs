using System.Globalization;
using System.Text.Json;
using Mesh.Babel.Neighbours;
using Mesh.Babel.Routes;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests;

/// <summary>The tables of <c>vectors/numeric.json</c> that concern this library.</summary>
public sealed class NumericTests
{
    private static readonly JsonElement Numeric = Vectors.Load("numeric");

    [Fact]
    public void Sequence_numbers_compare_as_in_the_table()
    {
        foreach (JsonElement row in Numeric.GetProperty("seqno_compare").EnumerateArray())
        {
            var a = new Seqno(row.GetProperty("a").GetUInt16());
            var b = new Seqno(row.GetProperty("b").GetUInt16());
            int expected = row.GetProperty("cmp").GetInt32();
            // At a distance of exactly 32768 the table shows babeld, which calls both newer; RFC 8966 3.2.1 calls neither older, and so do we.
            if ((ushort)(a.Value - b.Value) == 0x8000)
                expected = 0;
            Assert.Equal(expected > 0, a.IsNewerThan(b));
            Assert.Equal(expected < 0, b.IsNewerThan(a));
        }
    }

    [Fact]
    public void Two_of_three_is_as_in_the_table()
    {
        foreach (JsonElement row in Numeric.GetProperty("two_of_three").EnumerateArray())
            Assert.Equal(row.GetProperty("up").GetBoolean(), HelloHistory.IsTwoOfThree(Hex(row.GetProperty("reach"))));
    }

    [Fact]
    public void Hello_histories_are_as_in_the_table()
    {
        int restarts = 0;
        foreach (JsonElement series in Numeric.GetProperty("hello_history").EnumerateArray())
        {
            var history = new HelloHistory();
            foreach (JsonElement row in series.EnumerateArray())
            {
                var seqno = new Seqno(row.GetProperty("seqno").GetUInt16());
                if (!history.Received(seqno, TimeSpan.Zero, TimeSpan.Zero))
                {
                    restarts++;
                    history = new HelloHistory();
                    Assert.True(history.Received(seqno, TimeSpan.Zero, TimeSpan.Zero));
                }

                Assert.Equal(Hex(row.GetProperty("reach")), history.Bits);
            }
        }

        Assert.InRange(restarts, 1, 3);
    }

    [Fact]
    public void Expected_transmissions_are_as_in_the_table()
    {
        foreach (JsonElement row in Numeric.GetProperty("etx").EnumerateArray())
            Assert.Equal(row.GetProperty("rxcost_C256").GetUInt16(), ExpectedTransmissions.RxCost(Hex(row.GetProperty("reach")), 256));
        foreach (JsonElement row in Numeric.GetProperty("etx_link_cost").EnumerateArray())
            Assert.Equal(row.GetProperty("cost").GetUInt16(), ExpectedTransmissions.LinkCost(row.GetProperty("txcost").GetUInt16(), row.GetProperty("rxcost").GetUInt16()));
    }

    /// <summary>3.5 times the interval (RFC 8966 appendix B); babeld holds routes longer.</summary>
    [Fact]
    public void Routes_are_held_as_long_as_in_the_table()
    {
        foreach (JsonElement row in Numeric.GetProperty("hold_times").EnumerateArray())
            Assert.Equal(row.GetProperty("rfc_s").GetDouble(), HoldTime.Ticks(row.GetProperty("update_interval_cs").GetUInt16()) / 100.0, 0.011);
    }

    [Fact]
    public void Smoothed_metrics_are_as_in_the_table()
    {
        foreach (JsonElement row in Numeric.GetProperty("smoothed_metric").EnumerateArray())
        {
            TimeSpan halfLife = TimeSpan.FromSeconds(row.GetProperty("half_life_s").GetInt32());
            var smoothed = new SmoothedMetric(row.GetProperty("start").GetUInt16(), At: 65_500);   // so that the clock comes round
            ushort metric = row.GetProperty("metric").GetUInt16(), now = (ushort)(65_500 + (row.GetProperty("after_s").GetUInt32() * 10));
            smoothed.Advance(metric, now, (int)(halfLife.TotalSeconds * 10), SmoothedMetric.FractionPerSecond(halfLife));
            Assert.Equal(row.GetProperty("smoothed").GetUInt16(), smoothed.Value);
        }
    }

    [Fact]
    public void Round_trips_cost_what_the_table_says()
    {
        foreach (JsonElement block in Numeric.GetProperty("rtt_cost").EnumerateArray())
        {
            var parameters = new RttParameters
            {
                Min = TimeSpan.FromMicroseconds(block.GetProperty("rtt_min_us").GetInt64()),
                Max = TimeSpan.FromMicroseconds(block.GetProperty("rtt_max_us").GetInt64()),
                MaxPenalty = block.GetProperty("max_rtt_penalty").GetUInt16(),
            };
            Assert.Empty(parameters.Problems());
            foreach (JsonElement row in block.GetProperty("rows").EnumerateArray())
                Assert.Equal(row.GetProperty("penalty").GetInt32(), parameters.PenaltyOf(row.GetProperty("rtt_us").GetInt64()));
        }
    }

    [Fact]
    public void Round_trips_are_smoothed_as_in_the_table_and_start_at_the_first_sample()
    {
        foreach (JsonElement series in Numeric.GetProperty("rtt_smoothing").EnumerateArray())
        {
            var roundTrip = new RoundTrip();
            foreach ((JsonElement sample, JsonElement expected) in series.GetProperty("samples_us").EnumerateArray().Zip(series.GetProperty("first_sample_not_doubled").EnumerateArray()))
            {
                roundTrip.Take(sample.GetInt64(), series.GetProperty("decay_256").GetInt32(), TimeSpan.MaxValue);
                Assert.Equal(expected.GetInt64(), roundTrip.Smoothed);
            }
        }
    }

    [Fact]
    public void Round_trips_are_measured_as_in_the_table_also_when_a_clock_wraps()
    {
        foreach (JsonElement row in Numeric.GetProperty("rtt_samples").EnumerateArray())
        {
            var echo = new IhuTimestamp(row.GetProperty("t1").GetUInt32(), row.GetProperty("t1_remote").GetUInt32());
            var hello = new HelloTimestamp(row.GetProperty("t2_remote").GetUInt32());
            Assert.True(RoundTrip.TryMeasure(echo, hello, row.GetProperty("t2").GetUInt32(), out long microseconds));
            Assert.Equal(row.GetProperty("rtt").GetInt64(), microseconds);
        }
    }

    [Fact]
    public void Prefixes_are_compressed_as_in_the_table()
    {
        var routerId = new RouterId(0x0200_5EFF_FE00_000A);
        var writer = new PacketWriter();
        writer.Begin(1500);
        var rows = Numeric.GetProperty("prefix_compression_babeld_order").EnumerateArray().ToList();
        foreach (JsonElement row in rows)
            Assert.True(writer.TryAppend(new OutgoingUpdate(BabelPrefix.Parse(row.GetProperty("prefix").GetString()!), routerId, default, 0, 100)));
        _ = PacketReader.TryOpen(writer.Finish(), default, out PacketReader reader);
        foreach (JsonElement row in rows)
        {
            TlvKind kind = reader.Read();
            if (kind == TlvKind.RouterId)
                kind = reader.Read();
            Assert.Equal(TlvKind.Update, kind);
            Assert.Equal(row.GetProperty("prefix").GetString(), reader.Update.Prefix.ToString());
            Assert.Equal(row.GetProperty("omitted").GetInt32(), reader.RawUpdate.Omitted);
            Assert.Equal(row.GetProperty("P").GetBoolean(), (reader.RawUpdate.Flags & UpdateTlv.PrefixFlag) != 0);
            Assert.Equal(row.GetProperty("prefix_octets").GetString()!.Length / 2, reader.RawUpdate.PresentOctets);
        }
    }

    private static ushort Hex(JsonElement text) => ushort.Parse(text.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
