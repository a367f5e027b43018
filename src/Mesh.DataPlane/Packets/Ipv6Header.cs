using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mesh.DataPlane.Packets;

/// <summary>The fixed header of an IPv6 packet (RFC 8200 section 3), as far as forwarding looks at it.</summary>
/// <remarks><code>
///  0: version 4 | traffic class 8 | flow label 20    4: payload length u16    6: next header    7: hop limit
///  8: source, 16 octets                             24: destination, 16 octets
/// </code></remarks>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Ipv6Header(int PacketLength, byte NextHeader, byte HopLimit, UInt128 Source, UInt128 Destination)
{
    /// <summary>Octets of the fixed header.</summary>
    public const int Length = 40;

    /// <summary>Every link carries packets of at least this many octets.</summary>
    public const int MinimumMtu = 1280;

    /// <summary>Where the hop limit stands.</summary>
    public const int HopLimitOffset = 7;

    /// <summary>Reads the header.</summary>
    /// <returns>False where this is no IPv6 packet, or not all of one. Octets after the packet's end are no error:
    /// <see cref="PacketLength"/> leaves them out.</returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, out Ipv6Header header)
    {
        header = default;
        if (packet.Length < Length || packet[0] >> 4 != 6)
            return false;
        int packetLength = Length + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (packetLength > packet.Length)
            return false;
        header = new Ipv6Header(packetLength, packet[6], packet[HopLimitOffset],
            BinaryPrimitives.ReadUInt128BigEndian(packet[8..]), BinaryPrimitives.ReadUInt128BigEndian(packet[24..]));
        return true;
    }

    /// <summary>Whether an address is a multicast one, ff00::/8.</summary>
    public static bool IsMulticast(UInt128 address) => (byte)(address >> 120) == 0xff;

    /// <summary>Whether an address is a link-local one, fe80::/10.</summary>
    public static bool IsLinkLocal(UInt128 address) => (ushort)(address >> 118) == 0xfe80 >> 6;

    /// <summary>Whether an address never appears on a link: :: and ::1, and the IPv4-mapped ones.</summary>
    public static bool IsNeverOnLink(UInt128 address) => address <= 1 || address >> 32 == 0xffff;
}
