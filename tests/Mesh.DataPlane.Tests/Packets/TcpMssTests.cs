using System.Buffers.Binary;
using Mesh.DataPlane.Packets;
using Mesh.DataPlane.Tests.Offload;

namespace Mesh.DataPlane.Tests.Packets;

public sealed class TcpMssTests
{
    [Theory]
    [InlineData(false, 1440, 1420, 1360)]
    [InlineData(true, 1440, 1420, 1360)]
    [InlineData(false, 65_535, 1280, 1220)]
    [InlineData(true, 65_535, 1280, 1220)]
    [InlineData(false, 1360, 1420, 1360)]
    [InlineData(false, 536, 1420, 536)]
    public void A_SYN_announces_no_more_than_the_path_carries(bool isOdd, ushort announced, int mtu, ushort expected)
    {
        byte[] packet = Syn(isOdd, announced);
        byte[] before = [.. packet];
        Assert.Equal(announced != expected, TcpMss.Clamp(packet, mtu));
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(isOdd ? 63 : 62)));
        Assert.True(SuperPacket.IsChecksumRight(packet));
        Assert.InRange(before.Zip(packet).Count(static pair => pair.First != pair.Second), 0, 4);
    }

    [Fact]
    public void Nothing_else_is_touched()
    {
        byte[] data = SuperPacket.Tcp(100), udp = SuperPacket.Udp(100), none = Syn(isOdd: false, 1440), cut = Syn(isOdd: false, 1440)[..64], circle = Syn(isOdd: false, 1440);
        none[60] = 3;   // another option
        circle[60] = 99;
        circle[61] = 0;   // of no length
        foreach (byte[] packet in new[] { data, udp, none, cut, circle })
        {
            byte[] before = [.. packet];
            TcpMss.Clamp(packet, 1280);
            if (packet != cut)
                Assert.Equal(before, packet);
        }

        for (int length = 0; length < 72; length++)
            TcpMss.Clamp(Syn(isOdd: true, 1440).AsSpan(..length), 1280);   // none reads beyond the end
    }

    [Fact]
    public void A_tunnel_clamps_both_ways()
    {
        Machine a = new(1), b = new(2);
        Machine.Join(a, b, 1);
        a.Engine.SetPath(new TunnelIndex(1), new DataPath.Datagram(b.IPEndPoint, Mtu: 1300));
        b.Engine.SetPath(new TunnelIndex(1), new DataPath.Datagram(a.IPEndPoint, Mtu: 1290));
        a.Publish(Machine.To(2, Route.Through(new TunnelIndex(1))));
        a.FromHost(Syn(isOdd: false, 1440));
        a.Deliver(b);
        Assert.Equal(1230, BinaryPrimitives.ReadUInt16BigEndian(Assert.Single(b.Output.ToHost).AsSpan(62)));
    }

    // A SYN whose options begin with the MSS, behind a NOP where it is to stand at an odd place.
    private static byte[] Syn(bool isOdd, ushort mss)
    {
        byte[] packet = SuperPacket.Tcp(0, flags: SuperPacket.Syn);
        packet.AsSpan(60).Fill(1);
        int option = isOdd ? 61 : 60;
        (packet[option], packet[option + 1]) = (2, 4);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(option + 2), mss);
        return SuperPacket.Sealed(packet);
    }
}
