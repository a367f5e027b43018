using System.Runtime.InteropServices;

namespace Mesh.Protocol.Addressing;

/// <summary>A block of IPv6 addresses: all that begin with the same bits.</summary>
/// <remarks>Host bits are always zero, so two equal blocks are equal values. The default value is <c>::/0</c>.</remarks>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Ipv6Prefix : IComparable<Ipv6Prefix>
{
    /// <summary>Bits of an address, and so of the longest prefix.</summary>
    public const int MaxLength = 128;

    /// <summary>The block of <paramref name="length"/> leading bits that <paramref name="bits"/> lies in; host bits are cleared.</summary>
    /// <param name="bits">Any address of the block, as a number in network order.</param>
    /// <param name="length">Number of leading bits, 0..128.</param>
    public Ipv6Prefix(UInt128 bits, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        Bits = bits & Mask(length);
        Length = length;
    }

    /// <inheritdoc cref="Ipv6Prefix(UInt128, int)"/>
    public Ipv6Prefix(Ipv6Address address, int length)
        : this(address.Value, length)
    {
    }

    /// <summary>The first address of the block, as a number in network order.</summary>
    public UInt128 Bits { get; }

    /// <summary>Number of leading bits that all addresses share, 0..128.</summary>
    public int Length { get; }

    /// <summary>The first address; for a subnet this is the subnet-router anycast address (RFC 4291 section 2.6.1).</summary>
    public Ipv6Address First => new(Bits);

    /// <summary>The last address.</summary>
    public Ipv6Address Last => new(Bits | ~Mask(Length));

    /// <summary>All addresses, <c>::/0</c>.</summary>
    public static Ipv6Prefix All => default;

    /// <summary>A number with <paramref name="length"/> leading ones, 0..128.</summary>
    public static UInt128 Mask(int length) =>
        // A shift by 128 is a shift by 0 in C#, hence the first case.
        length == 0 ? UInt128.Zero : UInt128.MaxValue << (MaxLength - length);

    /// <summary>Whether the address lies in this block.</summary>
    public bool Contains(Ipv6Address address) => (address.Value & Mask(Length)) == Bits;

    /// <summary>Whether every address of <paramref name="other"/> lies in this block; a block contains itself.</summary>
    public bool Contains(Ipv6Prefix other) => other.Length >= Length && (other.Bits & Mask(Length)) == Bits;

    /// <summary>Whether the blocks share an address.</summary>
    public bool Overlaps(Ipv6Prefix other) => Contains(other) || other.Contains(this);

    /// <summary>The address at a position of the block, 0 being the first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The block is smaller.</exception>
    public Ipv6Address AddressAt(UInt128 index)
    {
        if ((index & Mask(Length)) != UInt128.Zero)
            throw new ArgumentOutOfRangeException(nameof(index), $"{this} has no address {index}.");
        return new Ipv6Address(Bits | index);
    }

    /// <summary>The block of length <paramref name="length"/> that contains this one, or this one.</summary>
    /// <param name="length">0..<see cref="Length"/>.</param>
    public Ipv6Prefix Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        return new Ipv6Prefix(Bits, length);
    }

    /// <summary>Reads <c>ADDRESS/LENGTH</c>. The length is plain decimal, and host bits have to be zero.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Ipv6Prefix prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        if (slash < 0 || !Ipv6Address.TryParse(text[..slash], out Ipv6Address address))
            return false;
        if (!PlainDecimal.TryParse(text[(slash + 1)..], MaxLength, out UInt128 length))
            return false;
        prefix = new Ipv6Prefix(address, (int)length);
        return prefix.First == address;
    }

    /// <summary>Reads a prefix that our own side wrote.</summary>
    /// <exception cref="FormatException">The text is not a prefix, or has host bits.</exception>
    public static Ipv6Prefix Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out Ipv6Prefix prefix) ? prefix : throw new FormatException($"'{text}' is not an IPv6 prefix.");

    /// <summary>Order of the first addresses; of two blocks that begin alike the bigger one comes first.</summary>
    public int CompareTo(Ipv6Prefix other)
    {
        int order = Bits.CompareTo(other.Bits);
        return order != 0 ? order : Length.CompareTo(other.Length);
    }

    /// <summary>Comes before, see <see cref="CompareTo"/>.</summary>
    public static bool operator <(Ipv6Prefix left, Ipv6Prefix right) => left.CompareTo(right) < 0;

    /// <summary>Comes before or is equal, see <see cref="CompareTo"/>.</summary>
    public static bool operator <=(Ipv6Prefix left, Ipv6Prefix right) => left.CompareTo(right) <= 0;

    /// <summary>Comes after, see <see cref="CompareTo"/>.</summary>
    public static bool operator >(Ipv6Prefix left, Ipv6Prefix right) => left.CompareTo(right) > 0;

    /// <summary>Comes after or is equal, see <see cref="CompareTo"/>.</summary>
    public static bool operator >=(Ipv6Prefix left, Ipv6Prefix right) => left.CompareTo(right) >= 0;

    /// <summary>A hash that is the same in every process, so that a replay sees the same one.</summary>
    public override int GetHashCode() => StableHash.Of(Bits, Length);

    /// <summary><c>ADDRESS/LENGTH</c>, the address in its canonical form.</summary>
    public override string ToString() => $"{First}/{Length}";
}
