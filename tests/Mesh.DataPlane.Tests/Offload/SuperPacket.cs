using System.Buffers.Binary;
using Mesh.DataPlane.Offload;
using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Tests.Offload;

/// <summary>TCP and UDP packets with right lengths and checksums, and super-packets as the kernel makes them.</summary>
internal static class SuperPacket
{
    public const int TcpHeaders = Ipv6Header.Length + 32, UdpHeaders = Ipv6Header.Length + 8;
    public const byte Fin = 1, Syn = 2, Push = 8, Ack = 16, Urgent = 32, CongestionWindowReduced = 128;
    public const int Sequence = 44, Acknowledgement = 48, Flags = 53, Window = 54, TcpChecksum = 56, UrgentPointer = 58, Options = 60;

    /// <summary>A TCP packet with twelve octets of options.</summary>
    public static byte[] Tcp(int payload, uint sequence = 1000, byte flags = Ack, string source = "2001:db8:1::1", string destination = "2001:db8:2::1")
    {
        byte[] packet = Ipv6.Packet(source, destination, TcpHeaders + payload, nextHeader: 6);
        Span<byte> tcp = packet.AsSpan(Ipv6Header.Length);
        BinaryPrimitives.WriteUInt16BigEndian(tcp, 5000);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], 443);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        (tcp[12], tcp[13]) = (8 << 4, flags);
        for (int i = TcpHeaders; i < packet.Length; i++)
            packet[i] = (byte)(i * 7);
        return Sealed(packet);
    }

    public static byte[] Udp(int payload, string source = "2001:db8:1::1", string destination = "2001:db8:2::1", byte fill = 3)
    {
        byte[] packet = Ipv6.Packet(source, destination, UdpHeaders + payload, fill: fill);
        Span<byte> udp = packet.AsSpan(Ipv6Header.Length);
        BinaryPrimitives.WriteUInt16BigEndian(udp, 5000);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], 53);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        return Sealed(packet);
    }

    /// <summary>Writes the right checksum.</summary>
    public static byte[] Sealed(byte[] packet)
    {
        int field = Ipv6Header.Length + (packet[6] == 6 ? 16 : 6);
        packet[field] = packet[field + 1] = 0;
        ushort sum = InternetChecksum.OfUpperLayer(packet.AsSpan(8, 32), packet[6], packet.AsSpan(Ipv6Header.Length));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(field), sum == 0 && packet[6] == 17 ? (ushort)0xffff : sum);
        return packet;
    }

    public static bool IsChecksumRight(ReadOnlySpan<byte> packet) => InternetChecksum.OfUpperLayer(packet[8..40], packet[6], packet[Ipv6Header.Length..]) == 0;

    /// <summary>What the kernel says of a super-packet.</summary>
    public static VirtioNetHeader Header(byte[] packet, int segmentSize) => packet[6] == 6
        ? new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, SegmentationKind.TcpIPv6, TcpHeaders, (ushort)segmentSize, Ipv6Header.Length, 16)
        : new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, SegmentationKind.Udp, UdpHeaders, (ushort)segmentSize, Ipv6Header.Length, 6);

    public static List<byte[]> Cut(byte[] packet, in VirtioNetHeader header)
    {
        Assert.True(Segmentation.TryFrom(header, packet, out Segmentation segmentation));
        var segments = new List<byte[]>();
        for (int i = 0; i < segmentation.CountOf(packet.Length); i++)
        {
            var segment = new byte[segmentation.LengthOf(packet.Length, i)];
            segmentation.Write(packet, i, segment);
            segments.Add(segment);
        }

        return segments;
    }

    /// <summary>Joins packets as far as they can be, and returns how many that were and the super-packet.</summary>
    public static (int Count, byte[] Packet, VirtioNetHeader Header) Join(params IReadOnlyList<byte[]> packets)
    {
        var joiner = new PacketJoiner();
        joiner.Begin(packets[0]);
        var octets = new List<byte>(packets[0]);
        foreach (byte[] next in packets.Skip(1))
        {
            if (!joiner.TryJoin(packets[0], next))
                break;
            octets.AddRange(next[joiner.HeaderLength..]);
        }

        byte[] packet = [.. octets];
        return (joiner.Count, packet, joiner.Count > 1 ? joiner.Finish(packet) : default);
    }
}
