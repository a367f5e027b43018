using System.Buffers.Binary;
using Mesh.DataPlane.Offload;
using Mesh.DataPlane.Packets;
using static Mesh.DataPlane.Tests.Offload.SuperPacket;

namespace Mesh.DataPlane.Tests.Offload;

public sealed class SegmentationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(60_000)]
    public void A_TCP_super_packet_becomes_segments_in_sequence(int payload)
    {
        byte[] packet = Tcp(payload, sequence: uint.MaxValue - 500, flags: Ack | Push | Fin | CongestionWindowReduced);
        List<byte[]> segments = Cut(packet, Header(packet, 1000));
        Assert.Equal((payload + 999) / 1000, segments.Count);
        Assert.Equal(packet[TcpHeaders..], segments.SelectMany(static segment => segment[TcpHeaders..]));
        for (int i = 0; i < segments.Count; i++)
        {
            byte[] segment = segments[i];
            byte flags = (byte)(Ack | (i == 0 ? CongestionWindowReduced : 0) | (i == segments.Count - 1 ? Push | Fin : 0));
            Assert.Equal((unchecked(uint.MaxValue - 500 + (uint)(i * 1000)), flags), (BinaryPrimitives.ReadUInt32BigEndian(segment.AsSpan(Sequence)), segment[Flags]));
            Assert.True(Ipv6Header.TryRead(segment, out Ipv6Header header) && header.PacketLength == segment.Length);
            Assert.True(IsChecksumRight(segment));
            Assert.Equal(packet[Options..TcpHeaders], segment[Options..TcpHeaders]);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(250)]
    [InlineData(6400)]
    public void A_UDP_super_packet_becomes_datagrams(int payload)
    {
        byte[] packet = Udp(payload);
        List<byte[]> segments = Cut(packet, Header(packet, 100));
        Assert.Equal((payload + 99) / 100, segments.Count);
        Assert.Equal(packet[UdpHeaders..], segments.SelectMany(static segment => segment[UdpHeaders..]));
        Assert.All(segments, static segment => Assert.Equal(segment.Length - Ipv6Header.Length, BinaryPrimitives.ReadUInt16BigEndian(segment.AsSpan(44))));
        Assert.All(segments, static segment => Assert.True(IsChecksumRight(segment)));
    }

    [Fact]
    public void A_header_that_does_not_fit_the_packet_is_refused()
    {
        byte[] tcp = Tcp(3000), udp = Udp(300);
        VirtioNetHeader right = Header(tcp, 1000);
        Assert.True(Segmentation.TryFrom(right, tcp, out _));
        Assert.False(Segmentation.TryFrom(right with { SegmentSize = 0 }, tcp, out _));
        Assert.False(Segmentation.TryFrom(right with { ChecksumStart = 39 }, tcp, out _));
        Assert.False(Segmentation.TryFrom(right with { ChecksumStart = ushort.MaxValue }, tcp, out _));
        Assert.False(Segmentation.TryFrom(right with { Kind = SegmentationKind.TcpIPv4 }, tcp, out _));
        Assert.False(Segmentation.TryFrom(right with { Kind = SegmentationKind.None }, tcp, out _));
        Assert.False(Segmentation.TryFrom(right, tcp.AsSpan(..^1), out _));   // shorter than its own header says
        Assert.False(Segmentation.TryFrom(right, tcp.AsSpan(..20), out _));
        Assert.False(Segmentation.TryFrom(Header(udp, 100), udp.AsSpan(..UdpHeaders), out _));
        tcp[52] = 4 << 4;   // a TCP header of 16 octets
        Assert.False(Segmentation.TryFrom(right, tcp, out _));
    }

    [Fact]
    public void A_checksum_that_the_host_left_to_the_device_is_completed()
    {
        foreach (byte[] whole in new[] { Tcp(777), Udp(1), Udp(1300) })
        {
            byte[] packet = [.. whole];
            VirtioNetHeader header = Header(packet, 0) with { Kind = SegmentationKind.None };
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(Ipv6Header.Length + header.ChecksumOffset),
                InternetChecksum.OfPseudoHeader(packet.AsSpan(8, 32), packet[6], packet.Length - Ipv6Header.Length));
            Assert.True(Segmentation.TryCompleteChecksum(header, packet));
            Assert.Equal(whole, packet);
            Assert.False(Segmentation.TryCompleteChecksum(header with { ChecksumStart = (ushort)packet.Length }, packet));
        }
    }

    [Fact]
    public void What_was_cut_can_be_joined_again()
    {
        var random = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            bool isTcp = round % 2 == 0;
            int size = random.Next(1, 1400), payload = random.Next(1, size * 64);
            payload = Math.Min(payload, 65_000);
            byte[] packet = isTcp ? Tcp(payload, (uint)random.Next(), Ack | Push) : Udp(payload);
            List<byte[]> segments = Cut(packet, Header(packet, size));
            (int count, byte[] joined, VirtioNetHeader header) = Join([.. segments.Select(static segment => (byte[])[.. segment])]);
            Assert.Equal(Math.Min(segments.Count, PacketJoiner.MaxPackets), count);
            if (count > 1)
                Assert.Equal(segments.Take(count), Cut(joined, header));
        }
    }
}
