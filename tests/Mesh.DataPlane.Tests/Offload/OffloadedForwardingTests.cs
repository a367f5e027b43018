using Mesh.DataPlane.Offload;
using Mesh.DataPlane.Packets;
using static Mesh.DataPlane.Tests.Offload.SuperPacket;

namespace Mesh.DataPlane.Tests.Offload;

public sealed class OffloadedForwardingTests
{
    private static readonly TunnelIndex T = new(1);
    private readonly Machine _a = new(1), _b = new(2);

    public OffloadedForwardingTests()
    {
        Machine.Join(_a, _b, 1);
        _a.Publish(Machine.To(2, Route.Through(T)));
        _b.Publish(Machine.To(1, Route.Through(T)));
    }

    [Fact]
    public void A_super_packet_arrives_as_its_segments()
    {
        byte[] packet = Tcp(10_000);
        VirtioNetHeader header = Header(packet, 1300);
        _a.Engine.HandleHostPacket(header, [.. packet], _a.Now);
        Assert.Equal(new TunnelCounters(8, 10_000 + (8 * TcpHeaders), 0, 0), _a.Engine.CountersOf(T));
        Assert.Equal((8, 0), (_a.Engine.Counters().FromHost, _a.Engine.Counters().TotalDrops));
        _a.Deliver(_b);
        Assert.Equal(Cut(packet, header), _b.Output.ToHost);
        // The next packet goes on with the counter: nothing is sealed twice with one nonce.
        _a.FromHost(Tcp(1));
        _a.Deliver(_b);
        Assert.Equal((9, 0), (_b.Output.ToHost.Count, _b.Engine.Counters().TotalDrops));
    }

    [Fact]
    public void A_super_packet_goes_through_a_stream_as_its_segments()
    {
        _a.Engine.SetPath(T, new DataPath.Stream(new StreamId(7)));
        byte[] packet = Udp(1000);
        _a.Engine.HandleHostPacket(Header(packet, 300), [.. packet], _a.Now);
        Assert.Equal(Cut(packet, Header(packet, 300)), _a.Output.OnStream.Select(static sent => sent.Packet));
    }

    [Fact]
    public void Segments_longer_than_the_path_are_refused_as_one_and_counted_each()
    {
        byte[] packet = Tcp(10_000);
        _a.Engine.HandleHostPacket(Header(packet, 1400), packet, _a.Now);
        Assert.Equal(8, _a.Drops(DropReason.PacketTooBig));
        byte[] message = Assert.Single(_a.Output.ToHost);
        Assert.Equal((2, 1420), (message[40], (message[46] << 8) + message[47]));
        Assert.Empty(_a.Output.Datagrams);
    }

    [Fact]
    public void What_cannot_be_sent_is_counted_for_each_segment()
    {
        byte[] packet = Tcp(5000);
        _a.Output.Full = true;
        _a.Engine.HandleHostPacket(Header(packet, 1000), packet, _a.Now);
        Assert.Equal(5, _a.Drops(DropReason.DatagramRefused));
        Assert.Equal(default(TunnelCounters), _a.Engine.CountersOf(T));
    }

    [Fact]
    public void A_checksum_left_to_the_device_is_right_when_it_arrives()
    {
        byte[] whole = Tcp(100), packet = [.. whole];
        VirtioNetHeader header = Header(packet, 0) with { Kind = SegmentationKind.None };
        ushort partial = InternetChecksum.OfPseudoHeader(packet.AsSpan(8, 32), 6, packet.Length - 40);
        (packet[TcpChecksum], packet[TcpChecksum + 1]) = ((byte)(partial >> 8), (byte)partial);
        _a.Engine.HandleHostPacket(header, packet, _a.Now);
        _a.Deliver(_b);
        Assert.Equal([whole], _b.Output.ToHost);
    }

    [Fact]
    public void A_header_that_does_not_fit_its_packet_is_counted_as_malformed()
    {
        _a.Engine.HandleHostPacket(Header(Tcp(100), 0), Tcp(100), _a.Now);
        _a.Engine.HandleHostPacket(new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, SegmentationKind.None, 0, 0, 65_000, 16), Tcp(100), _a.Now);
        Assert.Equal(2, _a.Drops(DropReason.MalformedPacket));
    }

    [Fact]
    public void A_header_is_read_as_it_was_written()
    {
        var header = new VirtioNetHeader(1, SegmentationKind.TcpIPv6, 72, 1348, 40, 16);
        var octets = new byte[VirtioNetHeader.Length];
        header.Write(octets);
        Assert.True(VirtioNetHeader.TryRead(octets, out VirtioNetHeader read));
        Assert.Equal(header, read);
        Assert.Equal(BitConverter.IsLittleEndian ? [1, 4, 72, 0, 0x44, 5, 40, 0, 16, 0] : [1, 4, 0, 72, 5, 0x44, 0, 40, 0, 16], octets);
        octets[1] |= 0x80;   // the connection uses ECN
        Assert.True(VirtioNetHeader.TryRead(octets, out read));
        Assert.Equal(header, read);
        Assert.False(VirtioNetHeader.TryRead(octets.AsSpan(..9), out _));
    }
}
