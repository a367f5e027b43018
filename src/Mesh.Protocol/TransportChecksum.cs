using System.Buffers.Binary;

namespace Mesh.Protocol;

/// <summary>The checksum of what IPv6 carries (RFC 8200 section 8.1): over a pseudo-header and the message.</summary>
internal static class TransportChecksum
{
    private const int Ipv6HeaderLength = 40;
    private const int AddressesAt = 8;

    /// <summary>The checksum of a whole packet without extension headers; 0 where the message holds its right checksum.</summary>
    /// <param name="packet">The packet, at least its header.</param>
    /// <param name="nextHeader">The protocol of the message.</param>
    public static ushort Of(ReadOnlySpan<byte> packet, byte nextHeader)
    {
        uint sum = nextHeader + (uint)(packet.Length - Ipv6HeaderLength);
        for (int index = AddressesAt; index + 1 < packet.Length; index += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet[index..]);
        if ((packet.Length & 1) != 0)
            sum += (uint)packet[^1] << 8;
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
