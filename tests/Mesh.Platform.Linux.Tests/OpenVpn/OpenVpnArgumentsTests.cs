using System.Globalization;
using System.Text.Json;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Platform.Linux.Tests.OpenVpn;

/// <summary>Our command lines beside those of a node of re6st (commands.json). What differs is listed here, and nothing else does.</summary>
public sealed class OpenVpnArgumentsTests
{
    private static readonly OpenVpnVersion Old = new(2, 5), New = new(2, 6);
    private static readonly OpenVpnFiles Files = new("ca.crt", "cert.crt", "cert.key");

    // What a hook script does there, we hear from the management interface; places are given by the manager of tunnels.
    private static readonly string[] Theirs = ["--script-security", "--up", "--setenv", "--client-connect", "--client-disconnect", "--route-up", "--max-clients", "--dh"];

    private static readonly string[] Ours =
    [
        "--script-security", "--dh", "--management", "--management-client", "--management-hold", "--management-up-down", "--suppress-timestamps", "--management-client-auth", "--auth-user-pass-optional",
    ];

    public static TheoryData<int> Servers => [.. Enumerable.Range(0, Vectors().GetProperty("openvpn_server").GetArrayLength())];

    public static TheoryData<int> Clients => [.. Enumerable.Range(0, Vectors().GetProperty("openvpn_client").GetArrayLength())];

    [Theory, MemberData(nameof(Servers))]
    public void A_server_is_started_as_re6st_does_but_for_its_hooks(int number)
    {
        JsonElement vector = Vectors().GetProperty("openvpn_server")[number];
        Assert.True(AddressProtocolNames.TryParse(vector.GetProperty("proto").GetString(), out AddressProtocol protocol));
        var order = new OpenVpnServerOrder(protocol, 1194, Link($"re6stnet-{protocol.Name()}", vector));
        Assert.Equal(Without(ArgumentsOf(vector), Theirs), Without(OpenVpnArguments.Server(order, Files, Old, "x.sock"), Ours), StringComparer.Ordinal);
    }

    [Theory, MemberData(nameof(Clients))]
    public void A_client_is_started_as_re6st_does_but_for_its_hooks(int number)
    {
        JsonElement vector = Vectors().GetProperty("openvpn_client")[number];
        string proto = vector.GetProperty("proto").GetString()!;
        Assert.True(AddressProtocolNames.TryParse(proto, out AddressProtocol protocol));
        string host = protocol is AddressProtocol.Udp6 or AddressProtocol.Tcp6 ? "host.example.org" : "192.0.2.1";
        var order = new OpenVpnClientOrder(NodePrefix.ParseCommonName(vector.GetProperty("peer").GetString()), new AdvertisedAddress(host, 1194, protocol), Link("re6stnet1", vector));
        // tcp and tcp4 are one protocol here, and "tcp" is what both mean with an address.
        IEnumerable<string> theirs = Without(ArgumentsOf(vector), Theirs)
            .Select(option => option.Replace("tcp4", "tcp", StringComparison.Ordinal).Replace("192.0.2.1", host, StringComparison.Ordinal));
        Assert.Equal(theirs, Without(OpenVpnArguments.Client(order, Files, Old, "x.sock"), Ours), StringComparer.Ordinal);
    }

    [Fact]
    public void From_2_6_on_ciphers_and_the_MTU_are_said_in_the_words_of_that_version()
    {
        var link = new OpenVpnLinkOptions("tap", Ipv6Address.Parse("fe80::1"), TimeSpan.FromSeconds(60), Encrypt: false);
        string server = string.Join(' ', OpenVpnArguments.Server(new OpenVpnServerOrder(AddressProtocol.Udp, 1194, link), Files, New, "x.sock"));
        Assert.Contains("--data-ciphers AES-256-GCM:AES-128-GCM:none --data-ciphers-fallback none", server, StringComparison.Ordinal);
        Assert.Contains("--tun-mtu 1400 --mtu-disc yes", server, StringComparison.Ordinal);
        Assert.DoesNotContain("ncp-disable", server, StringComparison.Ordinal);
        Assert.DoesNotContain("link-mtu", server, StringComparison.Ordinal);
        string encrypted = string.Join(' ', OpenVpnArguments.Server(new OpenVpnServerOrder(AddressProtocol.Tcp, 1194, link with { Encrypt = true }), Files, New, "x.sock"));
        Assert.DoesNotContain("none --", encrypted[encrypted.IndexOf("--port", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.DoesNotContain("mtu", encrypted, StringComparison.Ordinal);
    }

    private static OpenVpnLinkOptions Link(string device, JsonElement vector)
    {
        bool encrypt = vector.TryGetProperty("encrypt", out JsonElement value) && value.GetBoolean();
        return new OpenVpnLinkOptions(device, Ipv6Address.Parse("fe80::1"), TimeSpan.FromSeconds(60), encrypt);
    }

    private static IEnumerable<string> ArgumentsOf(JsonElement vector) => vector.GetProperty("argv").EnumerateArray().Skip(1).Select(static argument => argument.GetString()!);

    // Each option as one text with its values; MTU options have no place of their own.
    private static IEnumerable<string> Without(IEnumerable<string> arguments, string[] options)
    {
        var grouped = new List<string>();
        foreach (string argument in arguments)
        {
            if (argument.StartsWith("--", StringComparison.Ordinal))
                grouped.Add(argument);
            else
                grouped[^1] = string.Create(CultureInfo.InvariantCulture, $"{grouped[^1]} {argument}");
        }
        return grouped.Where(option => !options.Contains(option.Split(' ')[0], StringComparer.Ordinal));
    }

    private static JsonElement Vectors() => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "commands.json"))).RootElement;
}
