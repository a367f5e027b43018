using System.Runtime.InteropServices;

namespace Mesh.Protocol.Addressing;

/// <summary>The bits that tell a node from the others of its network. They identify it everywhere.</summary>
/// <remarks>
/// <code>
/// 128 bits:   network  |  node prefix  |  host
///             \_________ subnet ______/
/// </code>
/// Two text forms exist and are never mixed: the bits (<c>0000000000000010</c>) in requests and parameters, and
/// <c>INT/LEN</c> (<c>2/16</c>) as the common name of certificates.
/// The default value is the empty prefix: the root of the allocation tree, never the prefix of a node. No parser returns it.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
public readonly record struct NodePrefix : IComparable<NodePrefix>
{
    /// <summary>Bits of the longest prefix of a node: that of a /128 in a network of one bit.</summary>
    public const int MaxLength = 127;

    /// <summary>The prefix of <paramref name="length"/> bits whose number is <paramref name="value"/>.</summary>
    /// <param name="value">The bits as a number, below 2^length.</param>
    /// <param name="length">0..127.</param>
    public NodePrefix(UInt128 value, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(value, UInt128.One << length);
        Value = value;
        Length = length;
    }

    /// <summary>The bits as a number; the last bit of the prefix is its lowest.</summary>
    public UInt128 Value { get; }

    /// <summary>Number of bits, 0..127.</summary>
    public int Length { get; }

    /// <summary>The prefix without bits: the whole network.</summary>
    public static NodePrefix Empty => default;

    /// <summary>Whether there is no bit, which no node has.</summary>
    public bool IsEmpty => Length == 0;

    /// <summary>The form of certificates, <c>INT/LEN</c>.</summary>
    public string CommonName => $"{Value}/{Length}";

    /// <summary>The form of requests and parameters: a 0 or 1 for each bit.</summary>
    public string Bits => string.Create(Length, Value, static (text, value) =>
    {
        for (int index = text.Length - 1; index >= 0; index--, value >>= 1)
            text[index] = (value & UInt128.One) == UInt128.Zero ? '0' : '1';
    });

    // Zero for the empty prefix, whose value is zero: a shift by 128 would be a shift by 0.
    private UInt128 LeftAligned => Value << (Ipv6Prefix.MaxLength - Length);

    /// <summary>A bit of the prefix, 0 being the first.</summary>
    public bool this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Length);
            return ((Value >> (Length - 1 - index)) & UInt128.One) != UInt128.Zero;
        }
    }

    /// <summary>This prefix and one more bit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The prefix has 127 bits already.</exception>
    public NodePrefix Append(bool bit) => new((Value << 1) | (bit ? UInt128.One : UInt128.Zero), Length + 1);

    /// <summary>The prefix without its last bit.</summary>
    /// <exception cref="InvalidOperationException">The prefix is empty.</exception>
    public NodePrefix Parent => IsEmpty ? throw new InvalidOperationException("The empty prefix has no parent.") : new(Value >> 1, Length - 1);

    /// <summary>The prefix with its last bit turned.</summary>
    /// <exception cref="InvalidOperationException">The prefix is empty.</exception>
    public NodePrefix Sibling => IsEmpty ? throw new InvalidOperationException("The empty prefix has no sibling.") : new(Value ^ UInt128.One, Length);

    /// <summary>Whether <paramref name="other"/> begins with these bits; a prefix covers itself.</summary>
    public bool Covers(NodePrefix other) => other.Length >= Length && other.Value >> (other.Length - Length) == Value;

    /// <summary>Whether the network has room for the prefix: together they have at most 128 bits, and there is at least one.</summary>
    public bool FitsIn(NetworkPrefix network) => !IsEmpty && network.Length + Length <= Ipv6Prefix.MaxLength;

    /// <summary>The addresses of the node: the bits of the network, then those of the prefix.</summary>
    /// <exception cref="ArgumentException">The prefix does not fit, see <see cref="FitsIn"/>.</exception>
    public Ipv6Prefix Subnet(NetworkPrefix network)
    {
        int length = network.Length + Length;
        if (length > Ipv6Prefix.MaxLength)
            throw new ArgumentException($"Prefix {CommonName} does not fit in network {network}.", nameof(network));
        return new Ipv6Prefix(network.Prefix.Bits | (LeftAligned >> network.Length), length);
    }

    /// <summary>The address of the node: its subnet with the last bit set; for a /128 the subnet itself.</summary>
    public Ipv6Address NodeAddress(NetworkPrefix network)
    {
        Ipv6Prefix subnet = Subnet(network);
        return subnet.Length == Ipv6Prefix.MaxLength ? subnet.First : new Ipv6Address(subnet.Bits | UInt128.One);
    }

    /// <summary>Where peers send their datagrams: the first address of the subnet, not the node's own.</summary>
    public Ipv6Address FirstAddress(NetworkPrefix network) => Subnet(network).First;

    /// <summary>The prefix of the node that has this subnet; false when it is not a proper part of the network.</summary>
    public static bool TryFromSubnet(NetworkPrefix network, Ipv6Prefix subnet, out NodePrefix prefix)
    {
        prefix = default;
        int length = subnet.Length - network.Length;
        if (length < 1 || length > MaxLength || !network.Prefix.Contains(subnet))
            return false;
        prefix = new NodePrefix((subnet.Bits << network.Length) >> (Ipv6Prefix.MaxLength - length), length);
        return true;
    }

    /// <summary>The <paramref name="length"/> bits that follow the network in an address of it; false for an address of elsewhere.</summary>
    public static bool TryFromAddress(NetworkPrefix network, Ipv6Address address, int length, out NodePrefix prefix)
    {
        prefix = default;
        return length >= 1 && length <= network.HostBits && TryFromSubnet(network, new Ipv6Prefix(address, network.Length + length), out prefix);
    }

    /// <summary>Reads the form of requests: 1..127 characters 0 or 1.</summary>
    public static bool TryParseBits(ReadOnlySpan<char> text, out NodePrefix prefix)
    {
        prefix = default;
        if (text.Length is 0 or > MaxLength)
            return false;
        UInt128 value = 0;
        foreach (char bit in text)
        {
            if (bit is not ('0' or '1'))
                return false;
            value = (value << 1) | (UInt128)(bit - '0');
        }
        prefix = new NodePrefix(value, text.Length);
        return true;
    }

    /// <summary>Reads the form of certificates, <c>INT/LEN</c>: plain decimal numbers, LEN 1..127, INT below 2^LEN.</summary>
    public static bool TryParseCommonName(ReadOnlySpan<char> text, out NodePrefix prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        if (slash < 0 || !PlainDecimal.TryParse(text[(slash + 1)..], MaxLength, out UInt128 length) || length == UInt128.Zero)
            return false;
        UInt128 max = (UInt128.One << (int)length) - UInt128.One;
        if (!PlainDecimal.TryParse(text[..slash], max, out UInt128 value))
            return false;
        prefix = new NodePrefix(value, (int)length);
        return true;
    }

    /// <summary>Reads bits that our own side wrote.</summary>
    /// <exception cref="FormatException">The text is not a prefix as bits.</exception>
    public static NodePrefix ParseBits(ReadOnlySpan<char> text) =>
        TryParseBits(text, out NodePrefix prefix) ? prefix : throw new FormatException($"'{text}' is not a prefix as bits.");

    /// <summary>Reads a common name that our own side wrote.</summary>
    /// <exception cref="FormatException">The text is not <c>INT/LEN</c>.</exception>
    public static NodePrefix ParseCommonName(ReadOnlySpan<char> text) =>
        TryParseCommonName(text, out NodePrefix prefix) ? prefix : throw new FormatException($"'{text}' is not INT/LEN.");

    /// <summary>Order of the bit strings, as text: a prefix comes before those that it covers.</summary>
    public int CompareTo(NodePrefix other)
    {
        int order = LeftAligned.CompareTo(other.LeftAligned);
        return order != 0 ? order : Length.CompareTo(other.Length);
    }

    /// <summary>Comes before, see <see cref="CompareTo"/>.</summary>
    public static bool operator <(NodePrefix left, NodePrefix right) => left.CompareTo(right) < 0;

    /// <summary>Comes before or is equal, see <see cref="CompareTo"/>.</summary>
    public static bool operator <=(NodePrefix left, NodePrefix right) => left.CompareTo(right) <= 0;

    /// <summary>Comes after, see <see cref="CompareTo"/>.</summary>
    public static bool operator >(NodePrefix left, NodePrefix right) => left.CompareTo(right) > 0;

    /// <summary>Comes after or is equal, see <see cref="CompareTo"/>.</summary>
    public static bool operator >=(NodePrefix left, NodePrefix right) => left.CompareTo(right) >= 0;

    /// <summary>A hash that is the same in every process, so that a replay sees the same one.</summary>
    public override int GetHashCode() => StableHash.Of(Value, Length);

    /// <summary>The common name, <c>INT/LEN</c>.</summary>
    public override string ToString() => CommonName;
}
