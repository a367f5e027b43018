using System.Buffers.Binary;

namespace Mesh.DataPlane.Packets;

/// <summary>Writes ICMPv6 error messages (RFC 4443 section 3) about packets that cannot be forwarded.</summary>
/// <remarks><code>
///  IPv6 header, 40 octets | type u8 | code u8 | checksum u16 | parameter u32 | as much of the packet as fits in 1280 octets in all
/// </code></remarks>
public static class Icmpv6Error
{
    /// <summary>Destination Unreachable (section 3.1).</summary>
    public const byte DestinationUnreachable = 1;

    /// <summary>Packet Too Big (section 3.2); the parameter is the MTU.</summary>
    public const byte PacketTooBig = 2;

    /// <summary>Time Exceeded (section 3.3).</summary>
    public const byte TimeExceeded = 3;

    /// <summary>Code of Destination Unreachable: no route to the destination.</summary>
    public const byte NoRoute = 0;

    /// <summary>Code of Destination Unreachable: the address cannot be reached although there is a route.</summary>
    public const byte AddressUnreachable = 3;

    /// <summary>The longest message, with its IPv6 header.</summary>
    public const int MaxLength = Ipv6Header.MinimumMtu;

    private const int HeaderLength = 8;
    private const byte ProtocolNumber = 58;
    private const byte RedirectType = 137;
    private const byte InitialHopLimit = 64;

    /// <summary>Whether an error message about this packet is allowed (section 2.4 (e)).</summary>
    /// <param name="packet">The packet, with the length its header says.</param>
    /// <param name="header">Its header.</param>
    /// <param name="type">The error's type: about Packet Too Big the rules are looser for packets to many.</param>
    public static bool IsAllowedAbout(ReadOnlySpan<byte> packet, in Ipv6Header header, byte type)
    {
        if (Ipv6Header.IsMulticast(header.Source) || Ipv6Header.IsNeverOnLink(header.Source) || Ipv6Header.IsLinkLocal(header.Source))
            return false;   // names no single node that a message could be routed to
        if (Ipv6Header.IsMulticast(header.Destination) && type != PacketTooBig)
            return false;
        return !MayBeIcmpError(packet, header.NextHeader);
    }

    /// <summary>Writes a message about <paramref name="invoking"/>.</summary>
    /// <param name="destination">At least <see cref="MaxLength"/> octets.</param>
    /// <param name="source">This machine's address.</param>
    /// <param name="type">The message's type.</param>
    /// <param name="code">The message's code.</param>
    /// <param name="parameter">The MTU, or zero.</param>
    /// <param name="invoking">The packet that cannot be forwarded.</param>
    /// <returns>The message's length with its IPv6 header.</returns>
    public static int Write(Span<byte> destination, UInt128 source, byte type, byte code, uint parameter, ReadOnlySpan<byte> invoking)
    {
        int quoted = Math.Min(invoking.Length, MaxLength - Ipv6Header.Length - HeaderLength);
        int length = Ipv6Header.Length + HeaderLength + quoted;
        Span<byte> ip = destination[..length];
        BinaryPrimitives.WriteUInt32BigEndian(ip, 6u << 28);
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(HeaderLength + quoted));
        ip[6] = ProtocolNumber;
        ip[Ipv6Header.HopLimitOffset] = InitialHopLimit;
        BinaryPrimitives.WriteUInt128BigEndian(ip[8..], source);
        invoking.Slice(8, 16).CopyTo(ip[24..]);

        Span<byte> icmp = ip[Ipv6Header.Length..];
        icmp[0] = type;
        icmp[1] = code;
        icmp[2] = icmp[3] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(icmp[4..], parameter);
        invoking[..quoted].CopyTo(icmp[HeaderLength..]);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.OfUpperLayer(ip[8..40], ProtocolNumber, icmp));
        return length;
    }

    // Walks the extension headers (RFC 8200 section 4). Where the chain cannot be followed to its end this says yes: better silent than a storm.
    private static bool MayBeIcmpError(ReadOnlySpan<byte> packet, byte nextHeader)
    {
        const byte HopByHop = 0, Routing = 43, Fragment = 44, Authentication = 51, DestinationOptions = 60;
        ReadOnlySpan<byte> rest = packet[Ipv6Header.Length..];
        while (true)
        {
            if (nextHeader == ProtocolNumber)
                return rest.IsEmpty || rest[0] < 128 || rest[0] == RedirectType;
            if (nextHeader is not (HopByHop or Routing or Fragment or Authentication or DestinationOptions))
                return false;
            if (rest.Length < 8)
                return true;
            int length = nextHeader switch
            {
                Fragment => 8,
                Authentication => (rest[1] + 2) * 4,
                _ => (rest[1] + 1) * 8,
            };
            if (nextHeader == Fragment && BinaryPrimitives.ReadUInt16BigEndian(rest[2..]) >> 3 != 0)
                return rest[0] == ProtocolNumber;   // a later fragment: what type it is stands in the first one
            nextHeader = rest[0];
            if (rest.Length < length)
                return true;
            rest = rest[length..];
        }
    }
}
