using System.Text.Json;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Wire;

public sealed class VectorTests
{
    public static TheoryData<string> Captures => [.. Vectors.Captures, .. Vectors.MacCaptures];

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_tlv_of_a_capture_has_the_recorded_fields(string name)
    {
        int tlvs = 0;
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in Vectors.Packets(name))
        {
            Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(payload, source, out PacketReader reader));
            foreach (JsonElement expected in packet.GetProperty("body").EnumerateArray())
            {
                TlvKind kind = reader.Read();
                Compare(kind, reader, expected);
                tlvs++;
            }

            Assert.Equal(TlvKind.End, reader.Read());
        }

        Assert.True(tlvs > 20, $"only {tlvs} TLVs were compared");
    }

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_tlv_of_a_capture_encodes_to_the_octets_it_came_from(string name)
    {
        byte[] output = new byte[300];
        int compared = 0;
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in Vectors.Packets(name))
        {
            _ = PacketReader.TryOpen(payload, source, out PacketReader reader);
            foreach (JsonElement expected in packet.GetProperty("body").EnumerateArray())
            {
                int offset = PacketReader.HeaderLength + expected.GetProperty("offset").GetInt32();
                int length = Encode(reader.Read(), reader, output);
                if (length == 0)
                    continue;
                byte[] original = payload.AsSpan(offset, length).ToArray();
                // babeld puts the length of the source prefix into the reserved octet of its seqno requests; we send 0.
                if (original[0] == SeqnoRequestTlv.Type)
                    original[7] = 0;
                Assert.Equal(original, output.AsSpan(0, length).ToArray());
                compared++;
            }
        }

        Assert.True(compared > 15, $"only {compared} TLVs were compared");
    }

    /// <summary>Our compression is babeld's, so the same updates in the same packet give the same octets.</summary>
    [Theory]
    [InlineData("01-plain")]
    [InlineData("07-retraction-ab")]
    [InlineData("08-seqno-request-ac")]
    [InlineData("13-packing-plain")]
    [InlineData("05-rtt-at-a")]
    [InlineData("06-source-specific-ab")]
    [InlineData("06-source-specific-bc")]
    public void A_whole_packet_of_babeld_is_written_again_octet_for_octet(string name)
    {
        byte[] output = new byte[300];
        var writer = new PacketWriter();
        int withUpdates = 0;
        foreach ((byte[] payload, BabelAddress source, _) in Vectors.Packets(name))
        {
            _ = PacketReader.TryOpen(payload, source, out PacketReader reader);
            writer.Begin(1500);
            RouterId routerId = default;
            for (TlvKind kind = reader.Read(); kind != TlvKind.End; kind = reader.Read())
            {
                if (kind == TlvKind.RouterId)
                {
                    routerId = reader.RouterIdTlv.RouterId;
                }
                else if (kind == TlvKind.Update && !reader.Update.IsWildcard)
                {
                    ReceivedUpdate update = reader.Update;
                    if (!update.IsRetraction)
                        routerId = update.RouterId;
                    Assert.True(writer.TryAppend(new OutgoingUpdate(
                        update.Prefix, routerId, update.Seqno, update.Metric, update.IntervalCentiseconds, update.Prefix.IsIpv4 ? update.NextHop : default, update.Source)));
                    withUpdates++;
                }
                else if (kind != TlvKind.NextHop)
                {
                    Assert.True(writer.TryAppend(output.AsSpan(0, Encode(kind, reader, output))));
                }
            }

            Assert.Equal(Convert.ToHexString(payload), Convert.ToHexString(writer.Finish()));
        }

        Assert.True(withUpdates > 3);
    }

    /// <summary>IPv4 routes with an IPv6 next hop (RFC 9229, encoding 4) are not supported: such TLVs are ignored, and all others of the packet are read.</summary>
    [Fact]
    public void V4_via_v6_is_ignored_and_nothing_else_of_its_packet()
    {
        int ignored = 0;
        foreach ((byte[] payload, BabelAddress source, JsonElement packet) in Vectors.Packets("15-v4-via-v6"))
        {
            Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(payload, source, out PacketReader reader));
            foreach (JsonElement expected in packet.GetProperty("body").EnumerateArray())
            {
                TlvKind kind = reader.Read();
                if (expected.TryGetProperty("ae", out JsonElement encoding) && encoding.GetInt32() == 4)
                    Assert.Equal((TlvKind.Ignored, IgnoreReason.UnknownEncoding, ++ignored), (kind, reader.Reason, ignored));
                else
                    Compare(kind, reader, expected);
            }

            Assert.Equal(TlvKind.End, reader.Read());
        }

        Assert.InRange(ignored, 10, 30);
    }

    private static void Compare(TlvKind kind, in PacketReader reader, JsonElement expected)
    {
        string tlv = expected.GetProperty("tlv").GetString()!;
        switch (tlv)
        {
            case "Hello":
                Assert.Equal(TlvKind.Hello, kind);
                Assert.Equal(Number(expected, "seqno"), reader.Hello.Seqno.Value);
                Assert.Equal(Number(expected, "interval_cs"), reader.Hello.IntervalCentiseconds);
                Assert.Equal(expected.GetProperty("unicast").GetBoolean(), reader.Hello.IsUnicast);
                Assert.Equal(Stamp(expected, "transmit_us"), reader.HelloTimestamp?.Transmit);
                break;
            case "IHU":
                Assert.Equal(TlvKind.Ihu, kind);
                Assert.Equal(Number(expected, "ae"), (int)reader.Ihu.Encoding);
                Assert.Equal(Number(expected, "rxcost"), reader.Ihu.RxCost);
                Assert.Equal(Number(expected, "interval_cs"), reader.Ihu.IntervalCentiseconds);
                Assert.Equal(expected.GetProperty("address").GetString(), reader.Ihu.Address.ToString());
                Assert.Equal((Stamp(expected, "origin_us"), Stamp(expected, "receive_us")), (reader.IhuTimestamp?.Origin, reader.IhuTimestamp?.Receive));
                break;
            case "RouterId":
                Assert.Equal(TlvKind.RouterId, kind);
                Assert.Equal(expected.GetProperty("router_id").GetString(), reader.RouterIdTlv.RouterId.ToString());
                break;
            case "NextHop":
                Assert.Equal(TlvKind.NextHop, kind);
                Assert.Equal(expected.GetProperty("next_hop").GetString(), reader.NextHop.Address.ToString());
                break;
            case "RouteRequest":
                Assert.Equal(TlvKind.RouteRequest, kind);
                Assert.Equal(expected.GetProperty("prefix").GetString(), reader.RouteRequest.Prefix?.ToString() ?? "*");
                Assert.Equal(Source(expected), reader.RouteRequest.Source);
                break;
            case "SeqnoRequest":
                Assert.Equal(TlvKind.SeqnoRequest, kind);
                Assert.Equal(expected.GetProperty("prefix").GetString(), reader.SeqnoRequest.Prefix.ToString());
                Assert.Equal(Source(expected), reader.SeqnoRequest.Source);
                Assert.Equal(Number(expected, "seqno"), reader.SeqnoRequest.Seqno.Value);
                Assert.Equal(Number(expected, "hop_count"), reader.SeqnoRequest.HopCount);
                Assert.Equal(expected.GetProperty("router_id").GetString(), reader.SeqnoRequest.RouterId.ToString());
                break;
            case "PC" or "ChallengeRequest" or "ChallengeReply":
                Assert.Equal(TlvKind.Authentication, kind);
                break;
            case "Update":
                Assert.Equal(TlvKind.Update, kind);
                CompareUpdate(reader, expected);
                break;
            default:
                Assert.Fail($"The capture has a {tlv}, which this test does not know.");
                break;
        }
    }

    private static void CompareUpdate(in PacketReader reader, JsonElement expected)
    {
        ReceivedUpdate update = reader.Update;
        Assert.Equal(Number(expected, "flags"), reader.RawUpdate.Flags);
        Assert.Equal(Number(expected, "plen"), reader.RawUpdate.PrefixLength);
        Assert.Equal(Number(expected, "omitted"), reader.RawUpdate.Omitted);
        Assert.Equal(Number(expected, "interval_cs"), update.IntervalCentiseconds);
        Assert.Equal(Number(expected, "seqno"), update.Seqno.Value);
        Assert.Equal(Number(expected, "metric"), update.Metric);
        JsonElement resolved = expected.GetProperty("resolved");
        Assert.Equal(resolved.GetProperty("retraction").GetBoolean(), update.IsRetraction);
        Assert.Equal(resolved.GetProperty("prefix").GetString(), update.IsWildcard ? "*" : update.Prefix.ToString());
        Assert.Equal(Source(expected), update.Source);
        if (update.IsRetraction)
            return;
        Assert.Equal(resolved.GetProperty("router_id").GetString(), update.RouterId.ToString());
        Assert.Equal(resolved.GetProperty("next_hop").GetString(), update.NextHop.ToString());
    }

    private static int Encode(TlvKind kind, in PacketReader reader, Span<byte> output) => kind switch
    {
        TlvKind.AckRequest => reader.AckRequest.Encode(output),
        TlvKind.Ack => reader.Ack.Encode(output),
        TlvKind.Hello => reader.Hello.Encode(output, reader.HelloTimestamp),
        TlvKind.Ihu => reader.Ihu.Encode(output, reader.IhuTimestamp),
        TlvKind.RouterId => reader.RouterIdTlv.Encode(output),
        TlvKind.NextHop => reader.NextHop.Encode(output),
        TlvKind.Update => reader.RawUpdate.Encode(output) > 0 ? new SourcePrefix(reader.Update.Source).AppendTo(output) : 0,
        TlvKind.RouteRequest => reader.RouteRequest.Encode(output),
        TlvKind.SeqnoRequest => reader.SeqnoRequest.Encode(output),
        _ => 0,
    };

    private static BabelPrefix Source(JsonElement tlv) => tlv.TryGetProperty("sub", out JsonElement sub) ? BabelPrefix.Parse(sub[0].GetProperty("source_prefix").GetString()!) : default;

    private static uint? Stamp(JsonElement tlv, string name) => tlv.TryGetProperty("sub", out JsonElement sub) ? sub[0].GetProperty(name).GetUInt32() : null;

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();
}
