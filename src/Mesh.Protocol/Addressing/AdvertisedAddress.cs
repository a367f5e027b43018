using System.Runtime.InteropServices;

namespace Mesh.Protocol.Addressing;

/// <summary>One place of the underlay where a node can be reached.</summary>
/// <remarks>
/// <code>HOST,PORT,PROTO[,COUNTRY]</code>
/// It comes from other members and may become an argument of a program, so it is checked as strictly as it can be:
/// see <see cref="TryParse"/>.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
public readonly record struct AdvertisedAddress
{
    /// <summary>Characters of the longest host name (RFC 1035 section 2.3.4, without the last dot).</summary>
    public const int MaxHostLength = 253;

    private const int CountryLength = 2;

    /// <summary>An address of our own side.</summary>
    /// <exception cref="ArgumentException">A part is not valid, see <see cref="TryParse"/>.</exception>
    public AdvertisedAddress(string host, ushort port, AddressProtocol protocol, string? country = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (!IsHost(host, protocol))
            throw new ArgumentException($"'{host}' is not a host that {protocol.Name()} can reach.", nameof(host));
        ArgumentOutOfRangeException.ThrowIfZero(port);
        if (country is not null && !IsCountry(country))
            throw new ArgumentException($"'{country}' is not a country code of two letters.", nameof(country));
        (Host, Port, Protocol, Country) = (host, port, protocol, country);
    }

    private AdvertisedAddress(ReadOnlySpan<char> host, ushort port, AddressProtocol protocol, ReadOnlySpan<char> country) =>
        (Host, Port, Protocol, Country) = (host.ToString(), port, protocol, country.IsEmpty ? null : country.ToString());

    /// <summary>An IPv4 or IPv6 address, or a host name.</summary>
    public string Host { get; }

    /// <summary>1..65535.</summary>
    public ushort Port { get; }

    /// <summary>What listens there.</summary>
    public AddressProtocol Protocol { get; }

    /// <summary>Country code of two letters, when it is known.</summary>
    public string? Country { get; }

    /// <summary>Reads one item of an address list.</summary>
    /// <returns>
    /// False unless the host is an address of the protocol's family or a host name (letters, digits, <c>-</c>, <c>_</c>, dots;
    /// no part begins with <c>-</c>), the port is plain decimal 1..65535, the protocol is known and a country has two letters.
    /// Fields after the fourth are ignored, an empty country is none.
    /// </returns>
    public static bool TryParse(ReadOnlySpan<char> text, out AdvertisedAddress address)
    {
        address = default;
        Span<Range> fields = stackalloc Range[5];
        int count = text.Split(fields, ',');
        if (count < 3)
            return false;
        ReadOnlySpan<char> host = text[fields[0]];
        ReadOnlySpan<char> country = count > 3 ? text[fields[3]] : default;
        if (!PlainDecimal.TryParse(text[fields[1]], ushort.MaxValue, out UInt128 port) || port == UInt128.Zero
            || !AddressProtocolNames.TryParse(text[fields[2]], out AddressProtocol protocol)
            || !IsHost(host, protocol)
            || !(country.IsEmpty || IsCountry(country)))
        {
            return false;
        }
        address = new AdvertisedAddress(host, (ushort)port, protocol, country);
        return true;
    }

    /// <summary>Whether it is the same place; the country says nothing about that.</summary>
    public bool IsSamePlace(AdvertisedAddress other) =>
        Port == other.Port && Protocol == other.Protocol && string.Equals(Host, other.Host, StringComparison.Ordinal);

    /// <summary>The address without its country, for peers with a protocol below 7.</summary>
    public AdvertisedAddress WithoutCountry() => new(Host, Port, Protocol, default(ReadOnlySpan<char>));

    /// <summary>The form of address lists.</summary>
    public override string ToString() => Country is null ? $"{Host},{Port},{Protocol.Name()}" : $"{Host},{Port},{Protocol.Name()},{Country}";

    private static bool IsCountry(ReadOnlySpan<char> text) =>
        text.Length == CountryLength && char.IsAsciiLetter(text[0]) && char.IsAsciiLetter(text[1]);

    private static bool IsHost(ReadOnlySpan<char> text, AddressProtocol protocol)
    {
        if (text.Length is 0 or > MaxHostLength)
            return false;
        if (text.Contains(':'))
            return protocol is AddressProtocol.Udp6 or AddressProtocol.Tcp6 or AddressProtocol.Mesh && Ipv6Address.TryParse(text, out _);
        // What has only digits and dots is an IPv4 address or a mistake: as a name, resolvers would read 1.2.3 as 1.2.0.3.
        if (text.IndexOfAnyExcept("0123456789.") < 0)
            return protocol is AddressProtocol.Udp or AddressProtocol.Tcp or AddressProtocol.Mesh && Ipv4Text.TryParse(text, out _);
        return IsHostName(text);
    }

    private static bool IsHostName(ReadOnlySpan<char> text)
    {
        const int MaxLabelLength = 63;
        foreach (Range range in text.Split('.'))
        {
            ReadOnlySpan<char> label = text[range];
            if (label.Length is 0 or > MaxLabelLength || label[0] == '-')
                return false;
            foreach (char character in label)
            {
                if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_'))
                    return false;
            }
        }
        return true;
    }
}
