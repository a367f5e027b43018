using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Wire;

/// <summary>Rules of RFC 8966 section 4 that the recorded probes do not cover.</summary>
public sealed class ParserRuleTests
{
    private static readonly BabelAddress Source = BabelAddress.Parse("fe80::c");
    private static readonly RouterId Id = new(0x0200_0000_0000_0099);

    private static List<(TlvKind Kind, IgnoreReason Reason, ReceivedUpdate Update)> Read(params byte[][] tlvs)
    {
        byte[] body = [.. tlvs.SelectMany(t => t)];
        byte[] packet = [42, 2, (byte)(body.Length >> 8), (byte)body.Length, .. body];
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(packet, Source, out PacketReader reader));
        var list = new List<(TlvKind Kind, IgnoreReason Reason, ReceivedUpdate Update)>();
        for (TlvKind kind = reader.Read(); kind != TlvKind.End; kind = reader.Read())
            list.Add((kind, reader.Reason, reader.Update));
        return list;
    }

    private static byte[] RouterIdOctets(RouterId id)
    {
        byte[] tlv = new byte[12];
        _ = new RouterIdTlv(id).Encode(tlv);
        return tlv;
    }

    private static byte[] Update(AddressEncoding encoding, byte flags, byte length, byte omitted, string octets, ushort metric = 0, string sub = "")
    {
        byte[] tlv = new byte[12];
        byte[] rest = Convert.FromHexString(octets + sub);
        _ = new UpdateTlv(encoding, flags, 0, 0, 1600, new Seqno(10), metric, default).Encode(tlv);
        (tlv[1], tlv[4], tlv[5]) = ((byte)(10 + rest.Length), length, omitted);
        return [.. tlv, .. rest];
    }

    [Fact]
    public void A_body_longer_than_the_datagram_drops_the_packet()
    {
        Assert.Equal(PacketStatus.BadLength, PacketReader.TryOpen([42, 2, 0, 1], Source, out _));
        Assert.Equal(PacketStatus.BadMagic, PacketReader.TryOpen([41, 2, 0, 0], Source, out _));
        Assert.Equal(PacketStatus.BadVersion, PacketReader.TryOpen([42, 3, 0, 0], Source, out _));
        Assert.Equal(PacketStatus.TooShort, PacketReader.TryOpen([42, 2, 0], Source, out _));
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen([42, 2, 0, 0, 99, 99], Source, out _));
    }

    [Fact]
    public void A_tlv_past_the_end_keeps_what_came_before_and_ends_the_packet()
    {
        var read = Read([3, 2, 0, 7], [4, 200, 0, 0]);
        Assert.Equal([(TlvKind.Ack, IgnoreReason.None), (TlvKind.Ignored, IgnoreReason.Truncated)], read.Select(r => (r.Kind, r.Reason)));
    }

    [Fact]
    public void Padding_is_skipped()
    {
        byte[] padN = new byte[7];
        Assert.Equal(7, new PadTlv(7).Encode(padN));
        Assert.Equal([1, 5, 0, 0, 0, 0, 0], padN);
        Assert.Equal([TlvKind.Pad, TlvKind.Pad, TlvKind.Ack], Read([0], padN, [3, 2, 0, 7]).Select(r => r.Kind));
        Assert.Throws<InvalidOperationException>(() => new PadTlv(258).Encode(new byte[300]));
    }

    [Fact]
    public void The_r_flag_of_a_wildcard_does_not_touch_the_router_id()
    {
        var read = Read(RouterIdOctets(Id), Update(AddressEncoding.Wildcard, 0x40, 0, 0, "", Metric.Infinity), Update(AddressEncoding.Ipv6, 0, 32, 0, "20010db8"));
        Assert.True(read[1].Update.IsWildcard);
        Assert.Equal(Id, read[2].Update.RouterId);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(ulong.MaxValue)]
    public void An_invalid_router_id_leaves_later_updates_without_origin(ulong invalid)
    {
        var read = Read(RouterIdOctets(Id), RouterIdOctets(new RouterId(invalid)), Update(AddressEncoding.Ipv6, 0, 32, 0, "20010db8"));
        Assert.Equal((TlvKind.Ignored, IgnoreReason.NoRouterId), (read[2].Kind, read[2].Reason));
    }

    [Fact]
    public void The_r_flag_of_an_ipv4_address_gives_four_zeros_and_the_address()
    {
        byte[] nextHop = [7, 6, 1, 0, 192, 0, 2, 3];
        var read = Read(nextHop, Update(AddressEncoding.Ipv4, 0x40, 32, 0, "0a010203"));
        Assert.Equal(new RouterId(0x0A01_0203), read[1].Update.RouterId);
        Assert.Equal(("10.1.2.3/32", "192.0.2.3"), (read[1].Update.Prefix.ToString(), read[1].Update.NextHop.ToString()));
    }

    [Fact]
    public void Each_family_has_its_own_default_prefix()
    {
        var read = Read(
            RouterIdOctets(Id),
            [7, 6, 1, 0, 192, 0, 2, 3],
            Update(AddressEncoding.Ipv6, 0x80, 64, 0, "20010db8000a0001"),
            Update(AddressEncoding.Ipv4, 0, 24, 1, "0102"),
            Update(AddressEncoding.Ipv4, 0x80, 16, 0, "0a05"),
            Update(AddressEncoding.Ipv4, 0, 24, 2, "07"),
            Update(AddressEncoding.Ipv6, 0, 64, 7, "02"));
        Assert.Equal(IgnoreReason.NoDefaultPrefix, read[3].Reason);
        Assert.Equal("10.5.7.0/24", read[5].Update.Prefix.ToString());
        Assert.Equal("2001:db8:a:2::/64", read[6].Update.Prefix.ToString());
    }

    [Fact]
    public void More_octets_may_be_omitted_than_the_prefix_has_and_bits_beyond_its_length_are_cleared()
    {
        var read = Read(
            RouterIdOctets(Id),
            Update(AddressEncoding.Ipv6, 0x80, 64, 0, "20010db8000a00ff"),
            Update(AddressEncoding.Ipv6, 0, 32, 8, ""),
            Update(AddressEncoding.Ipv6, 0, 60, 7, "ff"));
        Assert.Equal("2001:db8::/32", read[2].Update.Prefix.ToString());
        Assert.Equal("2001:db8:a:f0::/60", read[3].Update.Prefix.ToString());
    }

    [Fact]
    public void Impossible_lengths_and_unknown_encodings_are_ignored()
    {
        Assert.Equal(IgnoreReason.Malformed, Read(Update(AddressEncoding.Ipv6, 0, 129, 0, new string('0', 34)))[0].Reason);
        Assert.Equal(IgnoreReason.Malformed, Read(Update(AddressEncoding.Ipv4, 0, 33, 0, "0a00000000"))[0].Reason);
        Assert.Equal(IgnoreReason.UnknownEncoding, Read(Update((AddressEncoding)4, 0, 24, 0, "0a0000"))[0].Reason);
        Assert.Equal(IgnoreReason.Malformed, Read(Update(AddressEncoding.LinkLocal, 0, 0, 0, ""))[0].Reason);
        Assert.Equal(IgnoreReason.Malformed, Read([10, 14, 2, 0, 0, 1, 0, 0, .. new byte[8]])[0].Reason);
    }

    [Fact]
    public void An_ipv6_prefix_cannot_pass_for_an_ipv4_one()
    {
        Assert.Equal(IgnoreReason.Malformed, Read(RouterIdOctets(Id), Update(AddressEncoding.Ipv6, 0, 104, 0, "00000000000000000000ffff0a"))[1].Reason);
        Assert.Equal(IgnoreReason.Malformed, Read([9, 15, 2, 104, .. Convert.FromHexString("00000000000000000000ffff0a")])[0].Reason);
    }

    [Theory]
    [InlineData("0003020000", IgnoreReason.None)]
    [InlineData("c800", IgnoreReason.MandatorySubTlv)]
    [InlineData("0000c80100", IgnoreReason.MandatorySubTlv)]
    [InlineData("0305", IgnoreReason.MalformedSubTlv)]
    [InlineData("03", IgnoreReason.MalformedSubTlv)]
    public void Sub_tlvs_void_the_tlv_when_mandatory_and_unknown_or_cut_short(string sub, object reason) =>
        Assert.Equal((IgnoreReason)reason, Read(RouterIdOctets(Id), Update(AddressEncoding.Ipv6, 0, 32, 0, "20010db8", 0, sub))[1].Reason);

    [Fact]
    public void Every_packet_of_a_series_is_self_contained()
    {
        var writer = new PacketWriter();
        var sent = new List<OutgoingUpdate>();
        var received = new List<BabelPrefix>();
        for (int i = 0; i < 300; i++)
            sent.Add(new OutgoingUpdate(BabelPrefix.Parse($"2001:db8:{i:x}::/64"), new RouterId((ulong)(1 + (i / 10))), new Seqno(1), 5, 100));
        sent.Add(new OutgoingUpdate(BabelPrefix.Parse("10.0.0.0/8"), Id, new Seqno(1), 5, 100, BabelAddress.Parse("192.0.2.1")));
        writer.Begin(512);
        foreach (OutgoingUpdate update in sent)
        {
            if (writer.TryAppend(update))
                continue;
            Take();
            writer.Begin(512);
            Assert.True(writer.TryAppend(update));
        }

        Take();
        Assert.Equal(sent.Select(u => u.Prefix), received);

        void Take()
        {
            byte[] packet = writer.Finish().ToArray();
            Assert.InRange(packet.Length, 5, 512);
            _ = PacketReader.TryOpen(packet, Source, out PacketReader reader);
            for (TlvKind kind = reader.Read(); kind != TlvKind.End; kind = reader.Read())
            {
                if (kind != TlvKind.Update)
                    continue;
                Assert.Equal(sent[received.Count].RouterId, reader.Update.RouterId);
                received.Add(reader.Update.Prefix);
            }
        }
    }

    [Theory]
    [InlineData("::/0")]
    [InlineData("0.0.0.0/0")]
    [InlineData("10.1.0.0/16")]
    [InlineData("2001:db8::/32")]
    [InlineData("2001:db8::1/128")]
    public void Prefixes_keep_their_text(string text) => Assert.Equal(text, BabelPrefix.Parse(text).ToString());

    [Theory]
    [InlineData("2001:db8::/129")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0")]
    public void Impossible_prefixes_are_refused(string text) => Assert.Throws<FormatException>(() => BabelPrefix.Parse(text));
}
