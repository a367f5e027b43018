using System.Buffers.Binary;

namespace Mesh.Babel.Wire;

/// <summary>How an address or prefix stands on the wire (RFC 8966 section 4.1.4).</summary>
public enum AddressEncoding : byte
{
    /// <summary>No address at all: 0 octets.</summary>
    Wildcard = 0,

    /// <summary>IPv4: 4 octets, or fewer for a prefix.</summary>
    Ipv4 = 1,

    /// <summary>IPv6: 16 octets, or fewer for a prefix.</summary>
    Ipv6 = 2,

    /// <summary>Link-local IPv6: the low 8 octets, fe80::/64 is implied.</summary>
    LinkLocal = 3,
}

/// <summary>Octets of addresses and prefixes. Prefixes are handled left-aligned in 128 bits, IPv4 included.</summary>
internal static class AddressCodec
{
    private const ulong LinkLocalHigh = 0xFE80_0000_0000_0000;

    /// <summary>The encoding that is shortest for <paramref name="address"/>.</summary>
    public static AddressEncoding EncodingOf(BabelAddress address) =>
        address.IsIpv4 ? AddressEncoding.Ipv4 : address.IsShortLinkLocal ? AddressEncoding.LinkLocal : AddressEncoding.Ipv6;

    /// <summary>Octets of a whole address; -1 for an encoding we do not know.</summary>
    public static int LengthOf(AddressEncoding encoding) => encoding switch
    {
        AddressEncoding.Wildcard => 0,
        AddressEncoding.Ipv4 => 4,
        AddressEncoding.Ipv6 => 16,
        AddressEncoding.LinkLocal => 8,
        _ => -1,
    };

    /// <summary>The longest prefix length of an encoding; -1 where it cannot carry prefixes.</summary>
    public static int MaxPrefixLength(AddressEncoding encoding) => encoding switch
    {
        AddressEncoding.Wildcard => 0,
        AddressEncoding.Ipv4 => 32,
        AddressEncoding.Ipv6 => 128,
        _ => -1,
    };

    public static bool TryReadAddress(AddressEncoding encoding, ReadOnlySpan<byte> input, out BabelAddress address)
    {
        address = default;
        int length = LengthOf(encoding);
        if (length < 0 || input.Length < length)
            return false;
        address = encoding switch
        {
            AddressEncoding.Ipv4 => BabelAddress.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(input)),
            AddressEncoding.Ipv6 => BabelAddress.FromOctets(input[..16]),
            AddressEncoding.LinkLocal => new BabelAddress(new UInt128(LinkLocalHigh, BinaryPrimitives.ReadUInt64BigEndian(input))),
            _ => default,
        };
        return true;
    }

    public static int WriteAddress(AddressEncoding encoding, BabelAddress address, Span<byte> output)
    {
        switch (encoding)
        {
            case AddressEncoding.Ipv4:
                BinaryPrimitives.WriteUInt32BigEndian(output, (uint)address.Bits);
                break;
            case AddressEncoding.Ipv6:
                BinaryPrimitives.WriteUInt128BigEndian(output, address.Bits);
                break;
            case AddressEncoding.LinkLocal:
                BinaryPrimitives.WriteUInt64BigEndian(output, (ulong)address.Bits);
                break;
        }

        return LengthOf(encoding);
    }

    /// <summary>Reads up to 16 octets into the most significant bits.</summary>
    public static UInt128 ReadLeftAligned(ReadOnlySpan<byte> octets)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        octets.CopyTo(padded);
        return BinaryPrimitives.ReadUInt128BigEndian(padded);
    }

    /// <summary>Writes the <paramref name="count"/> most significant octets.</summary>
    public static void WriteLeftAligned(UInt128 bits, int count, Span<byte> output)
    {
        Span<byte> all = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(all, bits);
        all[..count].CopyTo(output);
    }

    /// <summary>Turns left-aligned bits and a length as on the wire into a prefix.</summary>
    public static BabelPrefix ToPrefix(AddressEncoding encoding, UInt128 leftAligned, byte wireLength) =>
        encoding == AddressEncoding.Ipv4
            ? BabelPrefix.Create(BabelAddress.FromIpv4((uint)(leftAligned >> 96)).Bits, (byte)(wireLength + 96))
            : BabelPrefix.Create(leftAligned, wireLength);

    /// <summary>The reverse of <see cref="ToPrefix"/>: the prefix's octets in the most significant bits.</summary>
    public static UInt128 ToLeftAligned(BabelPrefix prefix) => prefix.IsIpv4 ? prefix.Bits << 96 : prefix.Bits;

    /// <summary>Reads an uncompressed prefix, as requests carry it.</summary>
    public static bool TryReadPrefix(AddressEncoding encoding, byte wireLength, ReadOnlySpan<byte> input, out BabelPrefix prefix, out int consumed)
    {
        prefix = default;
        consumed = (wireLength + 7) / 8;
        if (wireLength > MaxPrefixLength(encoding) || input.Length < consumed)
            return false;
        prefix = ToPrefix(encoding, ReadLeftAligned(input[..consumed]), wireLength);
        return !IsDisguised(encoding, prefix);
    }

    /// <summary>Whether an IPv6 prefix would pass for an IPv4 one inside the speaker, because it is v4-mapped.</summary>
    public static bool IsDisguised(AddressEncoding encoding, BabelPrefix prefix) => encoding == AddressEncoding.Ipv6 && prefix.IsIpv4;

    /// <summary>Writes an uncompressed prefix and returns its octets.</summary>
    public static int WritePrefix(BabelPrefix prefix, Span<byte> output)
    {
        int count = (prefix.WireLength + 7) / 8;
        WriteLeftAligned(ToLeftAligned(prefix), count, output);
        return count;
    }
}
