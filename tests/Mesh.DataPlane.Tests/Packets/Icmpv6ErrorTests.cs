using System.Buffers.Binary;
using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Tests.Packets;

public sealed class Icmpv6ErrorTests
{
    private const string Alice = "2001:db8:a::1", Bob = "2001:db8:b::1", Router = "2001:db8:c::1";

    [Fact]
    public void A_message_has_the_documented_bytes()
    {
        byte[] invoking = Ipv6.Packet(Alice, Bob, length: 44, fill: 0);
        var message = new byte[Icmpv6Error.MaxLength];
        int length = Icmpv6Error.Write(message, Ipv6.Address(Router), Icmpv6Error.PacketTooBig, 0, 1280, invoking);

        Assert.Equal(
            "6000000000343A40" + "20010DB8000C00000000000000000001" + "20010DB8000A00000000000000000001" +
            "0200" + Checksum(message.AsSpan(0, length)) + "00000500" + Convert.ToHexString(invoking),
            Convert.ToHexString(message.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(41)]
    [InlineData(1232)]
    [InlineData(1233)]
    [InlineData(9000)]
    public void A_message_quotes_as_much_as_fits_in_1280_octets_and_its_checksum_is_right(int invokingLength)
    {
        var message = new byte[Icmpv6Error.MaxLength];
        byte[] invoking = Ipv6.Packet(Alice, Bob, invokingLength);
        int length = Icmpv6Error.Write(message, Ipv6.Address(Router), Icmpv6Error.TimeExceeded, 0, 0, invoking);

        Assert.Equal(Math.Min(invokingLength + 48, 1280), length);
        Assert.True(Ipv6Header.TryRead(message.AsSpan(0, length), out Ipv6Header header));
        Assert.Equal((length, Ipv6.Address(Router), Ipv6.Address(Alice)), (header.PacketLength, header.Source, header.Destination));
        Assert.Equal(0, InternetChecksum.OfUpperLayer(message.AsSpan(8, 32), 58, message.AsSpan(40, length - 40)));
        Assert.Equal(invoking[..(length - 48)], message[48..length]);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(127, false)]
    [InlineData(128, true)]
    [InlineData(129, true)]
    [InlineData(137, false)]
    public void Nothing_is_said_about_errors_and_redirects(byte icmpType, bool allowed)
    {
        byte[] packet = Ipv6.Packet(Alice, Bob, nextHeader: Ipv6.Icmp);
        packet[40] = icmpType;
        Assert.Equal(allowed, IsAllowed(packet, Icmpv6Error.TimeExceeded));
    }

    [Fact]
    public void An_error_behind_extension_headers_is_seen()
    {
        // hop-by-hop (8) | destination options (16) | routing (8) | authentication (12) | first fragment (8) | ICMPv6
        byte[] packet = Ipv6.Packet(Alice, Bob, length: 40 + 52 + 8, nextHeader: 0, fill: 0);
        Span<byte> rest = packet.AsSpan(40);
        rest[0] = 60;
        (rest[8], rest[9]) = (43, 1);
        rest[24] = 51;
        (rest[32], rest[33]) = (44, 1);
        rest[44] = Ipv6.Icmp;
        rest[52] = 128;
        Assert.True(IsAllowed(packet, Icmpv6Error.TimeExceeded));
        rest[52] = 1;
        Assert.False(IsAllowed(packet, Icmpv6Error.TimeExceeded));
        BinaryPrimitives.WriteUInt16BigEndian(rest[46..], 8);   // a later fragment: it does not say which type
        rest[52] = 128;
        Assert.False(IsAllowed(packet, Icmpv6Error.TimeExceeded));
    }

    [Fact]
    public void A_header_chain_cut_anywhere_is_never_read_beyond_its_end()
    {
        byte[] packet = Ipv6.Packet(Alice, Bob, length: 80, nextHeader: 0, fill: 0);
        for (int length = 40; length < 80; length++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(length - 40));
            Assert.False(IsAllowed(packet[..length], Icmpv6Error.TimeExceeded));
        }
    }

    [Theory]
    [InlineData("::", Bob)]
    [InlineData("::1", Bob)]
    [InlineData("ff02::1", Bob)]
    [InlineData("fe80::1", Bob)]
    [InlineData(Alice, "ff0e::1")]
    public void Nothing_is_said_to_nobody_and_nothing_about_packets_to_many(string source, string destination) =>
        Assert.False(IsAllowed(Ipv6.Packet(source, destination), Icmpv6Error.TimeExceeded));

    [Fact]
    public void Too_big_is_said_about_packets_to_many() =>
        Assert.True(IsAllowed(Ipv6.Packet(Alice, "ff0e::1"), Icmpv6Error.PacketTooBig));

    private static bool IsAllowed(byte[] packet, byte type)
    {
        Assert.True(Ipv6Header.TryRead(packet, out Ipv6Header header));
        return Icmpv6Error.IsAllowedAbout(packet, header, type);
    }

    // RFC 1071, the slow way: add 16-bit words of pseudo-header and message, fold after each.
    private static string Checksum(ReadOnlySpan<byte> packet)
    {
        byte[] summed = [.. packet[8..40], 0, 0, .. packet[4..6], 0, 0, 0, 58, .. packet[40..42], 0, 0, .. packet[44..]];
        uint sum = 0;
        for (int i = 0; i < summed.Length; i += 2)
        {
            sum += (uint)(summed[i] << 8 | (i + 1 < summed.Length ? summed[i + 1] : 0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return $"{(ushort)~sum:X4}";
    }
}
