using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Mesh.Cli.Configuration;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Protocol;
using Mesh.Protocol.Addressing;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Addresses, prefixes and lists of them, as text.</summary>
internal static class AddressTargets
{
    private static readonly JsonElement Prefixes = Files.Json("prefixes.json");

    private static readonly IReadOnlyList<byte[]> Pieces = Target.Tokens("::  : . / % [ ] ffff :: 0: 1.2.3.4 ::ffff: /128 /0 /127 fe80::1%eth0");

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Text<AddressList>(
            "address/list", Files.Values(Files.Json("addresses.json"), "input"), static (ReadOnlySpan<char> text, [MaybeNullWhen(false)] out AddressList list) => AddressList.TryParse(text, out list, out _), static list => list.ToString())
            with { Covers = [Methods.Name(typeof(AddressList), nameof(AddressList.TryParse))], MaxLength = 5000, Tokens = Target.Tokens("; ,udp ,tcp ,udp6 ,tcp6 ,mesh ,udp4 ,FR , ;; ,65535 ,65536 2001:db8::1 a,1,udp") },
        Target.Text<AdvertisedAddress>("address/advertised", ["192.0.2.1,1194,tcp,FR", "2001:db8::1,1194,udp6,DE,x", "a-b.example,1,mesh"], AdvertisedAddress.TryParse, static address => address.ToString())
            with { Tokens = Target.Tokens(", ,udp ,tcp ,udp6 ,mesh . - _ 2001:db8::1 1.2.3 xn--") },
        Target.Text<AddressProtocol>("address/protocol", ["udp", "tcp", "udp6", "tcp6", "mesh", "udp4"], AddressProtocolNames.TryParse, AddressProtocolNames.Name) with { MaxLength = 16 },
        Target.Text<uint>("address/ipv4", ["192.0.2.1", "0.0.0.0", "255.255.255.255"], Ipv4Text.TryParse, Ipv4Text.Format, isCanonical: true) with { MaxLength = 64 },
        Target.Text<Ipv6Address>("address/ipv6", ["2001:db8::1", "::", "::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:0:0:2::3"], ParseIpv6, static address => address.ToString())
            with { Covers = [Methods.Name(typeof(Ipv6Address), nameof(Ipv6Address.TryParse)), Methods.Name(typeof(Ipv6Address), nameof(Ipv6Address.Parse))], Tokens = Pieces, MaxLength = 200 },
        Target.Text<Ipv6Prefix>("address/ipv6-prefix", ["2001:db8::/32", "::/0", "::1/128"], Both<Ipv6Prefix>(Ipv6Prefix.TryParse, static text => Ipv6Prefix.Parse(text)), static prefix => prefix.ToString())
            with { Covers = [Methods.Name(typeof(Ipv6Prefix), nameof(Ipv6Prefix.TryParse)), Methods.Name(typeof(Ipv6Prefix), nameof(Ipv6Prefix.Parse))], Tokens = Pieces, MaxLength = 200 },
        Target.Text<NetworkPrefix>("address/network", ["2001:db8:42::/48", "fd42::/16", "8000::/1"], Both<NetworkPrefix>(NetworkPrefix.TryParse, static text => NetworkPrefix.Parse(text)), static network => network.ToString())
            with { Covers = [Methods.Name(typeof(NetworkPrefix), nameof(NetworkPrefix.TryParse)), Methods.Name(typeof(NetworkPrefix), nameof(NetworkPrefix.Parse))], Tokens = Pieces, MaxLength = 200, Check = static (_, value) => CheckNetwork((NetworkPrefix)value) },
        Target.Text<NodePrefix>("address/node-bits", Files.Values(Prefixes, "prefix"), Both<NodePrefix>(NodePrefix.TryParseBits, static text => NodePrefix.ParseBits(text)), static prefix => prefix.Bits, isCanonical: true)
            with { Covers = [Methods.Name(typeof(NodePrefix), nameof(NodePrefix.TryParseBits)), Methods.Name(typeof(NodePrefix), nameof(NodePrefix.ParseBits))], MaxLength = 200 },
        Target.Text<NodePrefix>("address/node-name", Files.Values(Prefixes, "cn"), Both<NodePrefix>(NodePrefix.TryParseCommonName, static text => NodePrefix.ParseCommonName(text)), static prefix => prefix.CommonName, isCanonical: true)
            with { Covers = [Methods.Name(typeof(NodePrefix), nameof(NodePrefix.TryParseCommonName)), Methods.Name(typeof(NodePrefix), nameof(NodePrefix.ParseCommonName))], MaxLength = 200 },
        Target.Text("address/decimal", ["0", "7", "340282366920938463463374607431768211455"], static text => PlainDecimal.TryParse(text, UInt128.MaxValue, out UInt128 value) ? (value.ToString() == text ? value : throw new InvalidOperationException($"{value}")) : null,
            Methods.Name(typeof(PlainDecimal), nameof(PlainDecimal.TryParse))) with { MaxLength = 100 },
        Target.Text("address/endpoint", ["192.0.2.1:326", "[2001:db8::1]:326"], static text => AdvertisedEndPoint.TryParse(text, out AdvertisedAddress address) ? address : null, Methods.Name(typeof(AdvertisedEndPoint), nameof(AdvertisedEndPoint.TryParse)))
            with { Tokens = Pieces, MaxLength = 200, Check = static (_, value) => AdvertisedAddress.TryParse(value.ToString(), out AdvertisedAddress again) && again.Equals(value) ? null : $"'{value}' is not read again" },
    ];

    private static bool ParseIpv6(ReadOnlySpan<char> text, out Ipv6Address address)
    {
        bool isRead = Both<Ipv6Address>(Ipv6Address.TryParse, static text => Ipv6Address.Parse(text))(text, out address);
        // The framework's own reader knows scopes and brackets as well, but must not read another address.
        if (isRead && (!System.Net.IPAddress.TryParse(text, out System.Net.IPAddress? known) || !known.Equals(address.ToIPAddress())))
            throw new InvalidOperationException($"{address} is {known?.ToString() ?? "nothing"} for the framework");
        return isRead;
    }

    private static string? CheckNetwork(NetworkPrefix network) =>
        NetworkPrefix.TryParse(network.ToString(), out NetworkPrefix again) && again == network && NetworkPrefix.TryFromSerial(network.Serial, out again) && again == network ? null : $"{network} becomes {again}";

    // Two ways to say the same thing: what one refuses the other throws about.
    private static TextDecoder<T> Both<T>(TextDecoder<T> tryParse, Func<string, T> parse)
        where T : struct
    {
        return (ReadOnlySpan<char> text, out T value) =>
        {
            bool isRead = tryParse(text, out value);
            try
            {
                return parse(text.ToString()).Equals(value) && isRead ? true : throw new InvalidOperationException("the two methods differ");
            }
            catch (FormatException) when (!isRead)
            {
                return false;
            }
        };
    }
}
