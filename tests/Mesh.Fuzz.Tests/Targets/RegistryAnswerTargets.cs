using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Node.Parameters;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.BabelControl;
using Mesh.Protocol.Registry;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>What a registry answers, and what it and babeld say over loopback.</summary>
internal static class RegistryAnswerTargets
{
    private const int MaxExpansion = 4096;   // of zlib, and what reading JSON adds to it

    private static readonly JsonElement Parameters = Files.Json("netconfig.json"), Control = Files.Json("babel-control.json");

    private static readonly byte[] EveryName =
        """{"":["version"],"version":"AQ==","protocol":10,"min_protocol":1,"registry_prefix":"0000","crl":[1,18446744073709551615],"babel_default":"x","hello":15,"client_count":10,"max_clients":20,"tunnel_refresh":300,"encrypt":true,"ipv4":"10.0.0.0/8","ipv4_sublen":16,"same_country":["FR"],"babel_hmac_sign":"AQ==","babel_hmac_accept":"","valid_until":1800003600.5,"delay_restart":0.00000211,"unknown":{"a":[1.50,"é"]}}"""u8.ToArray();

    /// <summary>Network parameters as JSON, signed by the authority of the vectors.</summary>
    public static readonly IReadOnlyList<byte[]> ParameterTexts = [.. Parameters.GetProperty("cases").EnumerateArray().Select(static one => Encoding.UTF8.GetBytes(one.GetProperty("json").GetRawText())), EveryName];

    /// <summary>What such JSON is made of.</summary>
    public static readonly IReadOnlyList<byte[]> ParameterTokens = Target.Tokens(
        """
        {} [] [[ ]] null true false "" "version" "protocol" "crl" "valid_until" "delay_restart" "ipv4" "ipv4_sublen" "10.0.0.0/8" "same_country" "babel_hmac_accept" "babel_hmac_sign" "babel_default" "hello"
        :1800003600.5 :1e-7 :0.1 :253402300799 :31622400 :-0.0 "\ud800" "\u0000" \u0061 ,"x":1 ,"x":{} ,"valid_until":1700000000.1234567 ,"delay_restart":0.3 ,"":["version"]
        """.Replace('\n', ' '));

    private static readonly IReadOnlyList<byte[]> Versions = [.. Files.HexValues(Files.Json("version.json"), "blob")];

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Octets<NetworkParameters>("registry/parameters-body", Files.Values(Parameters, "http_body_base64").Select(Convert.FromBase64String), NetworkParameters.TryDecode, static parameters => parameters.Encode())
            with
        {
            Covers = [Methods.Name(typeof(NetworkParameters), nameof(NetworkParameters.TryDecode)), Methods.Name(typeof(ZlibBody), nameof(ZlibBody.TryExpand))],
            OctetsPerOctet = MaxExpansion,
            BaseOctets = 128 * 1024,
        },
        Target.Octets<NetworkParameters>(
            "registry/parameters-json", ParameterTexts, static (ReadOnlySpan<byte> octets, [MaybeNullWhen(false)] out NetworkParameters parameters) => NetworkParametersJson.TryRead(octets.ToArray(), out parameters),
            static parameters => NetworkParametersJson.Write(parameters.Fields()))
            with
        {
            Covers = [Methods.Name(typeof(NetworkParametersJson), nameof(NetworkParametersJson.TryRead))],
            BaseOctets = 64 * 1024,
            MaxLength = 16 * 1024,
            Tokens = ParameterTokens,
        },
        Target.Octets<NetworkVersion>("registry/version", [[0], .. Versions], NetworkVersion.TryParse, static version => [.. version.Blob], isCanonical: true),
        Target.Octets<BootstrapPeer>(
            "registry/bootstrap-peer", ["0000000000000001 192.0.2.1,326,mesh;2001:db8::1,1194,tcp6,DE"u8.ToArray(), "1 "u8.ToArray()],
            BootstrapPeer.TryDecode, static peer => peer.Encode(maxLength: 100_000))
            with { MaxLength = 6000, Tokens = Target.Tokens(";192.0.2.1,326,mesh ,FR ;;;; , ;a,1,udp 0000000000000001") },
        Target.Octets<LocalDatagram>("registry/local-datagram", Files.HexValues(Network.Peers.GetProperty("loopback"), "hex"), LocalDatagram.TryDecode, static datagram => datagram.Encode(), isCanonical: true),
        Target.Octets<ulong>(
            "registry/packed-integer", Files.HexValues(Files.Json("packinteger.json"), "hex"),
            static (ReadOnlySpan<byte> octets, out ulong value) => PackedInteger.TryRead(octets, out value, out int consumed) && consumed <= octets.Length, PackedInteger.Encode)
            with { Covers = [Methods.Name(typeof(PackedInteger), nameof(PackedInteger.TryRead))] },
        Target.Octets("registry/routing-keys", ParameterTexts, DecryptKeys, Methods.Name(typeof(RoutingKeys), nameof(RoutingKeys.TryDecrypt)))
            with { BaseOctets = 128 * 1024, BaseTime = TimeSpan.FromMilliseconds(60) },
        Target.Octets<Ipv6Address>("address/octets", [new byte[16], .. Network.Datagrams.Take(3)], Ipv6Address.TryRead, static address => Written(address.Write)),
        Target.Octets<NetworkPrefix>("address/serial", Files.Values(Files.Json("prefixes.json"), "ca_serial_hex").Select(static hex => Convert.FromHexString(hex.Length % 2 == 0 ? hex : "0" + hex)), NetworkPrefix.TryFromSerial, static network => Octets(network.Serial)),
        Target.Octets(
            "babel-control/header", Packets(), static octets => ControlPacket.TryReadHeader(octets, out ushort type, out int length) ? (type, length) : null,
            Methods.Name(typeof(ControlPacket), nameof(ControlPacket.TryReadHeader))),
        Target.Octets<DumpRequest>("babel-control/dump-request", Bodies(), DumpRequest.TryDecode, static request => request.Encode()[ControlPacket.HeaderLength..], isCanonical: true),
        Target.Octets<DumpResponse>("babel-control/dump-response", Bodies(), DumpResponse.TryDecode, static response => response.Encode()[ControlPacket.HeaderLength..]) with { MaxLength = 20_000 },
        Target.Octets<SetCostMultiplier>("babel-control/cost-multiplier", Bodies(), SetCostMultiplier.TryDecode, static command => command.Encode()[ControlPacket.HeaderLength..], isCanonical: true),
        Target.Octets<bool>("babel-control/cost-multiplier-answer", Bodies(), SetCostMultiplier.TryDecodeAnswer, static isDone => [isDone ? (byte)1 : (byte)0]),
    ];

    private static object? DecryptKeys(byte[] json) =>
        NetworkParametersJson.TryRead(json, out NetworkParameters? parameters) && RoutingKeys.TryDecrypt(parameters, Network.NodeKey, out RoutingKeys? keys) ? keys : null;

    private static IEnumerable<byte[]> Packets() => [.. Files.HexValues(Control, "hex"), .. Files.HexValues(Control, "dump_request"), .. Files.HexValues(Control, "set_cost_multiplier_response")];

    private static IEnumerable<byte[]> Bodies() => Packets().Where(static packet => packet.Length > ControlPacket.HeaderLength).Select(static packet => packet[^(packet.Length - ControlPacket.HeaderLength)..]);

    private static byte[] Octets(UInt128 value) => Written(octets => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(octets, value));

    private static byte[] Written(SpanWriter write)
    {
        byte[] octets = new byte[Ipv6Address.Length];
        write(octets);
        return octets;
    }

    private delegate void SpanWriter(Span<byte> output);
}
