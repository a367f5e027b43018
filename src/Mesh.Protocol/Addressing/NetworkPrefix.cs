namespace Mesh.Protocol.Addressing;

/// <summary>The block of addresses that an overlay network owns; every node has a part of it.</summary>
/// <remarks>
/// A certificate authority states its network in its serial number: in binary, a leading 1 and then the bits of the
/// prefix, so leading zeros survive. 0x1_2001_0db8_0042 is <c>2001:db8:42::/48</c>.
/// The default value is no network (length 0) and only good as a placeholder.
/// </remarks>
public readonly record struct NetworkPrefix : IComparable<NetworkPrefix>
{
    /// <summary>Bits of the longest network: one bit at least has to be left for the nodes.</summary>
    public const int MaxLength = Ipv6Prefix.MaxLength - 1;

    /// <summary>The network that owns <paramref name="prefix"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not 1..127.</exception>
    public NetworkPrefix(Ipv6Prefix prefix)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(prefix.Length, 1, nameof(prefix));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefix.Length, MaxLength, nameof(prefix));
        Prefix = prefix;
    }

    /// <summary>The block of addresses.</summary>
    public Ipv6Prefix Prefix { get; }

    /// <summary>Number of leading bits, 1..127.</summary>
    public int Length => Prefix.Length;

    /// <summary>Bits that are left for the prefixes of nodes and the addresses in them, 1..127.</summary>
    public int HostBits => Ipv6Prefix.MaxLength - Length;

    /// <summary>The serial number of the certificate authority of this network.</summary>
    public UInt128 Serial => (UInt128.One << Length) | (Prefix.Bits >> (Ipv6Prefix.MaxLength - Length));

    /// <summary>Whether the address belongs to the network.</summary>
    public bool Contains(Ipv6Address address) => Prefix.Contains(address);

    /// <summary>The network in the serial number of a certificate authority. 0 and 1 hold none.</summary>
    public static bool TryFromSerial(UInt128 serial, out NetworkPrefix network)
    {
        network = default;
        if (serial <= UInt128.One)
            return false;
        int length = (int)UInt128.Log2(serial);
        // The shift drops the leading 1 as well, for it leaves the number on the left.
        network = new NetworkPrefix(new Ipv6Prefix(serial << (Ipv6Prefix.MaxLength - length), length));
        return true;
    }

    /// <summary>The network in a serial number as certificates hold it.</summary>
    /// <param name="serial">Unsigned, big-endian; leading zeros are fine.</param>
    /// <param name="network">The network, when there is one.</param>
    /// <returns>False for 0, 1 and anything that takes more than 128 bits.</returns>
    public static bool TryFromSerial(ReadOnlySpan<byte> serial, out NetworkPrefix network)
    {
        network = default;
        serial = serial.TrimStart((byte)0);
        if (serial.Length > Ipv6Address.Length)
            return false;
        UInt128 value = 0;
        foreach (byte octet in serial)
            value = (value << 8) | octet;
        return TryFromSerial(value, out network);
    }

    /// <summary>Reads <c>ADDRESS/LENGTH</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out NetworkPrefix network)
    {
        network = default;
        if (!Ipv6Prefix.TryParse(text, out Ipv6Prefix prefix) || prefix.Length is < 1 or > MaxLength)
            return false;
        network = new NetworkPrefix(prefix);
        return true;
    }

    /// <summary>Reads a network that our own side wrote.</summary>
    /// <exception cref="FormatException">The text is not the prefix of a network.</exception>
    public static NetworkPrefix Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out NetworkPrefix network) ? network : throw new FormatException($"'{text}' is not the prefix of a network.");

    /// <summary>Order of the blocks.</summary>
    public int CompareTo(NetworkPrefix other) => Prefix.CompareTo(other.Prefix);

    /// <summary>Comes before, see <see cref="CompareTo"/>.</summary>
    public static bool operator <(NetworkPrefix left, NetworkPrefix right) => left.CompareTo(right) < 0;

    /// <summary>Comes before or is equal, see <see cref="CompareTo"/>.</summary>
    public static bool operator <=(NetworkPrefix left, NetworkPrefix right) => left.CompareTo(right) <= 0;

    /// <summary>Comes after, see <see cref="CompareTo"/>.</summary>
    public static bool operator >(NetworkPrefix left, NetworkPrefix right) => left.CompareTo(right) > 0;

    /// <summary>Comes after or is equal, see <see cref="CompareTo"/>.</summary>
    public static bool operator >=(NetworkPrefix left, NetworkPrefix right) => left.CompareTo(right) >= 0;

    /// <summary><c>ADDRESS/LENGTH</c>.</summary>
    public override string ToString() => Prefix.ToString();
}
