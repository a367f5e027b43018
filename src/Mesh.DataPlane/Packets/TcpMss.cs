using System.Buffers.Binary;

namespace Mesh.DataPlane.Packets;

/// <summary>Lowers the maximum segment size that a TCP SYN announces to what a path carries (RFC 6691), for hosts to which no Packet Too Big gets through.</summary>
public static class TcpMss
{
    private const byte Tcp = 6, Syn = 0x02, EndOfOptions = 0, NoOperation = 1, MaximumSegmentSize = 2;
    private const int FlagsOffset = 13, ChecksumOffset = 16, HeaderLength = 20, OptionLength = 4;

    /// <summary>Lowers the announcement where the packet is a SYN that has one and it is too high; its checksum stays right (RFC 1624).</summary>
    /// <param name="packet">A whole IPv6 packet.</param>
    /// <param name="mtu">What the path carries, octets.</param>
    /// <returns>Whether the packet was changed.</returns>
    public static bool Clamp(Span<byte> packet, int mtu)
    {
        if (packet.Length < Ipv6Header.Length + HeaderLength || packet[6] != Tcp)
            return false;
        Span<byte> tcp = packet[Ipv6Header.Length..];
        if ((tcp[FlagsOffset] & Syn) == 0)
            return false;
        int end = Math.Min((tcp[12] >> 4) * 4, tcp.Length);
        for (int i = HeaderLength; i < end && tcp[i] != EndOfOptions;)
        {
            if (tcp[i] == NoOperation)
            {
                i++;
                continue;
            }
            if (i + 1 >= end || tcp[i + 1] < 2)
                return false;   // the options are malformed: for the host to judge
            if (tcp[i] == MaximumSegmentSize && tcp[i + 1] == OptionLength && i + OptionLength <= end)
                return Lower(tcp, i + 2, (ushort)Math.Min(mtu - Ipv6Header.Length - HeaderLength, ushort.MaxValue));
            i += tcp[i + 1];
        }
        return false;
    }

    private static bool Lower(Span<byte> tcp, int offset, ushort limit)
    {
        ushort announced = BinaryPrimitives.ReadUInt16BigEndian(tcp[offset..]);
        if (announced <= limit)
            return false;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[offset..], limit);
        // At an odd offset the value is spread over two words of the sum, with its octets the other way round.
        (ushort before, ushort after) = offset % 2 == 0 ? (announced, limit) : (BinaryPrimitives.ReverseEndianness(announced), BinaryPrimitives.ReverseEndianness(limit));
        uint sum = (uint)(ushort)~BinaryPrimitives.ReadUInt16BigEndian(tcp[ChecksumOffset..]) + (ushort)~before + after;
        sum = (sum & ushort.MaxValue) + (sum >> 16);
        sum = (sum & ushort.MaxValue) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[ChecksumOffset..], (ushort)~sum);
        return true;
    }
}
