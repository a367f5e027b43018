using System.Buffers.Binary;

namespace Mesh.Babel.Mac;

/// <summary>What a MAC covers in front of the packet, so that a packet cannot be passed off as another node's, or as sent to somebody else (RFC 8967 section 4.1).</summary>
/// <remarks><code>
/// source address | source port u16 | destination address | destination port u16      16 octets for an IPv6 address, 4 for an IPv4 address
/// </code>
/// The destination is the one that the packet was sent to: the multicast group, or a unicast address. Both ports are 6696; who receives a packet has checked
/// its source port.</remarks>
internal static class PseudoHeader
{
    /// <summary>Octets of the longest one.</summary>
    public const int MaxLength = 2 * (16 + sizeof(ushort));

    private const ushort Port = 6696;

    /// <summary>Writes it and returns its octets.</summary>
    public static int Write(BabelAddress source, BabelAddress destination, Span<byte> output)
    {
        int length = WriteEnd(source, output);
        return length + WriteEnd(destination, output[length..]);
    }

    private static int WriteEnd(BabelAddress address, Span<byte> output)
    {
        int length;
        if (address.IsIpv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(output, (uint)address.Bits);
            length = 4;
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(output, address.Bits);
            length = 16;
        }

        BinaryPrimitives.WriteUInt16BigEndian(output[length..], Port);
        return length + sizeof(ushort);
    }
}
