using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Protocol.Addressing;

/// <summary>An IPv6 address without zone, as a 128-bit number in network order.</summary>
/// <param name="Value">The address; the most significant bit is the first one on the wire.</param>
public readonly record struct Ipv6Address(UInt128 Value) : IComparable<Ipv6Address>
{
    /// <summary>Octets of an address on the wire.</summary>
    public const int Length = 16;

    /// <summary>Characters of the longest text form.</summary>
    public const int MaxTextLength = 39;

    private const int GroupCount = 8;
    private const int BitsPerGroup = 16;

    /// <summary>The unspecified address, <c>::</c>.</summary>
    public static Ipv6Address Any => default;

    /// <summary>The address of this machine itself, <c>::1</c>.</summary>
    public static Ipv6Address Loopback => new(UInt128.One);

    /// <summary>The upper 64 bits.</summary>
    public ulong Upper => (ulong)(Value >> 64);

    /// <summary>The lower 64 bits.</summary>
    public ulong Lower => (ulong)Value;

    /// <summary>Reads the first 16 octets of <paramref name="source"/>; false when there are fewer.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out Ipv6Address address)
    {
        bool complete = BinaryPrimitives.TryReadUInt128BigEndian(source, out UInt128 value);
        address = new Ipv6Address(value);
        return complete;
    }

    /// <summary>Writes the 16 octets of the address.</summary>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt128BigEndian(destination, Value);

    /// <summary>The address as the framework's type.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> octets = stackalloc byte[Length];
        Write(octets);
        return new IPAddress(octets);
    }

    /// <summary>Takes an address of the framework; false for IPv4. A zone is dropped.</summary>
    public static bool TryFrom(IPAddress source, out Ipv6Address address)
    {
        ArgumentNullException.ThrowIfNull(source);
        address = default;
        if (source.AddressFamily != AddressFamily.InterNetworkV6)
            return false;
        Span<byte> octets = stackalloc byte[Length];
        return source.TryWriteBytes(octets, out _) && TryRead(octets, out address);
    }

    /// <summary>The address <paramref name="offset"/> after this one, modulo 2^128.</summary>
    public Ipv6Address Add(UInt128 offset) => new(unchecked(Value + offset));

    /// <summary>Reads the text form of RFC 4291 section 2.2: groups, <c>::</c>, and a dotted quad at the end. No zone, no brackets.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Ipv6Address address)
    {
        address = default;
        int gap = text.IndexOf("::", StringComparison.Ordinal);
        if (gap < 0)
        {
            if (!TryParseGroups(text, mayEndInQuad: true, out UInt128 whole, out int count) || count != GroupCount)
                return false;
            address = new Ipv6Address(whole);
            return true;
        }

        UInt128 head = 0, tail = 0;
        int headCount = 0, tailCount = 0;
        ReadOnlySpan<char> before = text[..gap], after = text[(gap + 2)..];
        if (!before.IsEmpty && !TryParseGroups(before, mayEndInQuad: false, out head, out headCount))
            return false;
        if (!after.IsEmpty && !TryParseGroups(after, mayEndInQuad: true, out tail, out tailCount))
            return false;
        if (headCount + tailCount >= GroupCount)
            return false;
        if (headCount > 0)
            head <<= (GroupCount - headCount) * BitsPerGroup;
        address = new Ipv6Address(head | tail);
        return true;
    }

    /// <summary>Reads an address that our own side wrote.</summary>
    /// <exception cref="FormatException">The text is not an IPv6 address.</exception>
    public static Ipv6Address Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out Ipv6Address address) ? address : throw new FormatException($"'{text}' is not an IPv6 address.");

    /// <summary>Order of the numbers.</summary>
    public int CompareTo(Ipv6Address other) => Value.CompareTo(other.Value);

    /// <summary>Less than, by number.</summary>
    public static bool operator <(Ipv6Address left, Ipv6Address right) => left.Value < right.Value;

    /// <summary>Less than or equal, by number.</summary>
    public static bool operator <=(Ipv6Address left, Ipv6Address right) => left.Value <= right.Value;

    /// <summary>Greater than, by number.</summary>
    public static bool operator >(Ipv6Address left, Ipv6Address right) => left.Value > right.Value;

    /// <summary>Greater than or equal, by number.</summary>
    public static bool operator >=(Ipv6Address left, Ipv6Address right) => left.Value >= right.Value;

    /// <summary>A hash that is the same in every process, so that a replay sees the same one.</summary>
    public override int GetHashCode() => StableHash.Of(Value, 0);

    /// <summary>The canonical text of RFC 5952: lower case, the longest run of two or more zero groups as <c>::</c>.</summary>
    public override string ToString()
    {
        Span<char> text = stackalloc char[MaxTextLength];
        int length = Format(text);
        return new string(text[..length]);
    }

    private int Format(Span<char> text)
    {
        (int gapStart, int gapCount) = LongestZeroRun();
        int length = 0;
        for (int index = 0; index < GroupCount; index++)
        {
            if (index == gapStart)
            {
                text[length++] = ':';
                text[length++] = ':';
                index += gapCount - 1;
                continue;
            }
            if (length > 0 && text[length - 1] != ':')
                text[length++] = ':';
            _ = Group(index).TryFormat(text[length..], out int written, "x");
            length += written;
        }
        return length;
    }

    private ushort Group(int index) => (ushort)(Value >> ((GroupCount - 1 - index) * BitsPerGroup));

    private (int Start, int Count) LongestZeroRun()
    {
        (int bestStart, int bestCount) = (-1, 1);
        int count = 0;
        for (int index = 0; index < GroupCount; index++)
        {
            count = Group(index) == 0 ? count + 1 : 0;
            if (count > bestCount)
                (bestStart, bestCount) = (index - count + 1, count);
        }
        return (bestStart, bestCount);
    }

    private static bool TryParseGroups(ReadOnlySpan<char> text, bool mayEndInQuad, out UInt128 value, out int count)
    {
        value = 0;
        count = 0;
        while (true)
        {
            int colon = text.IndexOf(':');
            ReadOnlySpan<char> group = colon < 0 ? text : text[..colon];
            if (colon < 0 && mayEndInQuad && group.Contains('.'))
            {
                if (!Ipv4Text.TryParse(group, out uint quad))
                    return false;
                value = (value << 32) | quad;
                count += 2;
                return count <= GroupCount;
            }
            if (!TryParseGroup(group, out ushort part))
                return false;
            value = (value << BitsPerGroup) | part;
            if (++count > GroupCount)
                return false;
            if (colon < 0)
                return true;
            text = text[(colon + 1)..];
        }
    }

    private static bool TryParseGroup(ReadOnlySpan<char> text, out ushort value)
    {
        value = 0;
        if (text.Length is 0 or > 4)
            return false;
        foreach (char digit in text)
        {
            if (!char.IsAsciiHexDigit(digit))
                return false;
            int nibble = char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
            value = (ushort)((value << 4) | nibble);
        }
        return true;
    }
}
