using System.Globalization;
using System.Runtime.InteropServices;

namespace Mesh.Babel;

/// <summary>A destination prefix. IPv4 prefixes are held v4-mapped: <c>10.0.0.0/8</c> is <c>::ffff:10.0.0.0/104</c>.</summary>
/// <remarks>Bits beyond the length are zero: <see cref="Create"/> clears them, and so must whoever uses the constructor.</remarks>
/// <param name="Bits">The address, first octet in the most significant bits.</param>
/// <param name="Length">Number of leading bits that count, 0..128.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct BabelPrefix(UInt128 Bits, byte Length)
{
    /// <summary>Whether this is an IPv4 prefix.</summary>
    public bool IsIpv4 => Length >= 96 && new BabelAddress(Bits).IsIpv4;

    /// <summary>The length as it stands on the wire: 0..32 for IPv4, 0..128 for IPv6.</summary>
    public byte WireLength => IsIpv4 ? (byte)(Length - 96) : Length;

    /// <summary>
    /// Whether routes to this prefix are refused: multicast, link-local, unspecified, loopback and the like
    /// (the filter that RFC 8966 appendix C advises; the list is babeld's).
    /// </summary>
    public bool IsMartian
    {
        get
        {
            if (!IsIpv4)
            {
                var first = (ushort)(Bits >> 112);
                return (Length >= 8 && first >> 8 == 0xFF) || (Length >= 10 && (first & 0xFFC0) == 0xFE80) || (Length == 128 && Bits <= UInt128.One);
            }

            var octet = (byte)(Bits >> 24);
            byte length = WireLength;
            return (length >= 8 && octet is 127 or 0 && length > 0) || (length >= 4 && octet >> 4 == 0xE) || (length == 32 && (uint)Bits == uint.MaxValue);
        }
    }

    /// <summary>Whether all addresses of <paramref name="other"/> are in this prefix.</summary>
    public bool Contains(BabelPrefix other) => other.Length >= Length && (other.Bits & Mask(Length)) == Bits;

    /// <summary>Makes a prefix, clearing the bits beyond its length.</summary>
    /// <param name="bits">The address; v4-mapped for IPv4.</param>
    /// <param name="length">0..128, counted from the start of the 128 bits.</param>
    public static BabelPrefix Create(UInt128 bits, byte length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, (byte)128);
        return new BabelPrefix(bits & Mask(length), length);
    }

    /// <summary>Reads <c>2001:db8::/32</c> or <c>10.0.0.0/8</c>; bits beyond the length are cleared.</summary>
    /// <exception cref="FormatException">The text is not a prefix.</exception>
    public static BabelPrefix Parse(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            throw new FormatException($"'{text}' is not a prefix: it has no '/'.");
        BabelAddress address = BabelAddress.Parse(text[..slash]);
        int limit = address.IsIpv4 ? 32 : 128;
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length > limit)
            throw new FormatException($"'{text}' is not a prefix: its length has to be 0 to {limit}.");
        return Create(address.Bits, (byte)(address.IsIpv4 ? length + 96 : length));
    }

    /// <summary>The bits that a prefix of this length may have.</summary>
    internal static UInt128 Mask(int length) => length == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - length);

    /// <summary>Orders by address, then length: negative, 0 or positive.</summary>
    public static int Compare(BabelPrefix left, BabelPrefix right)
    {
        int order = left.Bits.CompareTo(right.Bits);
        return order != 0 ? order : left.Length.CompareTo(right.Length);
    }

    /// <summary>The same in every process, unlike the default.</summary>
    public override int GetHashCode() => StableHash.Of(Bits, Length);

    /// <inheritdoc/>
    public override string ToString() => $"{new BabelAddress(Bits)}/{WireLength}";
}
