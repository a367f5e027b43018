using System.Buffers.Binary;
using System.Net;

namespace Mesh.Babel;

/// <summary>An IPv6 address, or an IPv4 address in its v4-mapped form (<c>::ffff:a.b.c.d</c>).</summary>
/// <param name="Bits">The address, first octet in the most significant bits.</param>
public readonly record struct BabelAddress(UInt128 Bits)
{
    private static readonly UInt128 V4MappedHigh = (UInt128)0xFFFF_0000_0000UL;

    /// <summary>The group that every Babel speaker on a link listens to: ff02::1:6 (RFC 8966 section 5).</summary>
    public static BabelAddress Multicast { get; } = new(new UInt128(0xFF02_0000_0000_0000, 0x0000_0000_0001_0006));

    /// <summary>Whether this is an IPv4 address in its v4-mapped form.</summary>
    public bool IsIpv4 => (Bits >> 32) << 32 == V4MappedHigh;

    /// <summary>Whether this is a link-local unicast address, fe80::/10.</summary>
    public bool IsLinkLocal => (ushort)(Bits >> 112) is >= 0xFE80 and <= 0xFEBF;

    /// <summary>Whether this lies in fe80::/64, so that its low 8 octets suffice on the wire (address encoding 3).</summary>
    public bool IsShortLinkLocal => (ulong)(Bits >> 64) == 0xFE80_0000_0000_0000;

    /// <summary>Makes an IPv4 address.</summary>
    public static BabelAddress FromIpv4(uint address) => new(V4MappedHigh | address);

    /// <summary>Makes an address from 16 octets.</summary>
    public static BabelAddress FromOctets(ReadOnlySpan<byte> octets) => new(BinaryPrimitives.ReadUInt128BigEndian(octets));

    /// <summary>Makes an address from the BCL's type; IPv4 becomes v4-mapped and a scope is dropped.</summary>
    public static BabelAddress From(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        _ = address.MapToIPv6().TryWriteBytes(octets, out _);
        return FromOctets(octets);
    }

    /// <summary>Reads an address in text form.</summary>
    /// <exception cref="FormatException">The text is not an address.</exception>
    public static BabelAddress Parse(string text) => From(IPAddress.Parse(text));

    /// <summary>The BCL's type for this address.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(octets, Bits);
        return IsIpv4 ? new IPAddress(octets[12..]) : new IPAddress(octets);
    }

    /// <summary>The same in every process, unlike the default.</summary>
    public override int GetHashCode() => StableHash.Of(Bits, 0);

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();
}
