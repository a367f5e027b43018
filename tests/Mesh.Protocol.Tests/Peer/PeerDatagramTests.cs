using System.Text;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Tunnel;

namespace Mesh.Protocol.Tests.Peer;

public sealed class PeerDatagramTests
{
    private static readonly byte[][] Recorded =
    [
        .. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "peer-udp.json"))).RootElement.EnumerateObject()
            .Where(static part => part.Value.ValueKind == JsonValueKind.Object && part.Name != "rejected")
            .SelectMany(static part => part.Value.GetProperty("datagrams").EnumerateArray())
            .Where(static item => !IsLocal(item))
            .Select(static item => Convert.FromHexString(item.GetProperty("hex").GetString()!)),
    ];

    [Fact]
    public void Every_recorded_datagram_is_read_and_written_again_octet_for_octet()
    {
        var kinds = new Dictionary<PeerDatagramKind, int>();
        foreach (byte[] octets in Recorded)
        {
            PeerDatagramKind kind = PeerDatagram.KindOf(octets);
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
            switch (kind)
            {
                case PeerDatagramKind.Hello0:
                    Assert.True(Hello0.TryDecode(octets, out Hello0? greeting));
                    Assert.Equal(octets, greeting.Encode());
                    break;
                case PeerDatagramKind.Hello when octets.Length % 2 == 1:
                    Assert.True(Hello.TryDecode(octets, out Hello? hello));
                    Assert.Equal(octets, hello.Encode());
                    break;
                case PeerDatagramKind.Hello:
                    break;   // without protocol number: only old nodes read it, and we do not
                default:
                    Assert.True(SessionMessage.TryDecode(octets, out SessionMessage message));
                    Assert.Equal(Convert.ToHexString(octets), Convert.ToHexString(message.Authenticated) + Convert.ToHexString(message.Mac));
                    Assert.Equal(octets.Length == SessionMessage.MinLength, message.IsAcknowledgement);
                    break;
            }
        }

        Assert.Equal((0, 9, 5), (kinds.GetValueOrDefault(PeerDatagramKind.Malformed), kinds[PeerDatagramKind.Hello0] - 2, kinds[PeerDatagramKind.Hello]));
    }

    [Theory]
    [InlineData(null, 725)]
    [InlineData(0, 300)]
    [InlineData(10, 725)]
    [InlineData(31, 725)]
    [InlineData(300, 8192)]
    public void A_greeting_with_a_fingerprint_is_told_from_one_without_protocol_number(int? protocol, int certificateLength)
    {
        byte[] certificate = new byte[certificateLength];
        (certificate[0], certificate[1], certificate[2], certificate[3]) = (0x30, 0x82, (byte)((certificateLength - 4) >> 8), (byte)(certificateLength - 4));
        foreach (byte filling in (ReadOnlySpan<byte>)[0, 0x30, 0x82, 0xFF])
        {
            byte[] fingerprint = new byte[Hello0.FingerprintLength];
            fingerprint.AsSpan().Fill(filling);
            var greeting = new Hello0(protocol, fingerprint, certificate);
            Assert.True(Hello0.TryDecode(greeting.Encode(), out Hello0? decoded));
            Assert.Equal(greeting, decoded);
        }
    }

    [Fact]
    public void Truncated_and_prolonged_handshakes_are_refused()
    {
        foreach (byte[] octets in Recorded.Where(static d => PeerDatagram.KindOf(d) is PeerDatagramKind.Hello0))
        {
            Assert.All(Hostile.Truncations(octets), static cut => Assert.False(Hello0.TryDecode(cut, out _)));
            Assert.False(Hello0.TryDecode([.. octets, 0], out _));
        }

        Assert.False(Hello.TryDecode([0, 0, 0, 2], out _));
        Assert.False(Hello.TryDecode([0, 0, 0, 2, 10], out _));
        Assert.False(Hello.TryDecode([0, 0, 0, 2, 10, 1], out _));
        Assert.False(Hello.TryDecode([0, 0, 0, 2, 10, .. new byte[Hello.MaxEnvelopeLength + 2]], out _));
        Assert.False(Hello.TryDecode([0, 0, 0, 2, 0xFF, 1, 2, 3, 4, 5, 6, 7], out _));
        Assert.False(SessionMessage.TryDecode([0, 0, 0, 3, .. new byte[19]], out _));
        Assert.False(SessionMessage.TryDecode([0, 0, 0, 2, .. new byte[20]], out _));
        Assert.Equal(PeerDatagramKind.Malformed, PeerDatagram.KindOf([0, 0, 0, 3]));
    }

    [Fact]
    public void Mutated_datagrams_never_throw_and_what_is_read_is_written_again()
    {
        foreach (byte[] octets in Hostile.Mutations(seed: 4, 20_000, Recorded))
        {
            if (Hello0.TryDecode(octets, out Hello0? greeting))
                Assert.Equal(greeting, Hello0.TryDecode(greeting.Encode(), out Hello0? again) ? again : null);
            if (Hello.TryDecode(octets, out Hello? hello))
                Assert.Equal(hello, Hello.TryDecode(hello.Encode(), out Hello? again) ? again : null);
            if (SessionMessage.TryDecode(octets, out SessionMessage message))
                Assert.Equal(octets.Length - SessionMessage.MinLength, message.Payload.Length);
        }
    }

    [Fact]
    public void Capabilities_have_the_golden_octets_and_room_for_more()
    {
        var capabilities = new PeerCapabilities(PeerFeatures.NativeTunnels | PeerFeatures.NewsInTunnels, new AddressList(new AdvertisedAddress("192.0.2.1", 6626, AddressProtocol.Mesh)), IsAnswer: true);
        byte[] golden = [1, 1, 0, 0, 0, 3, 0, 19, .. Encoding.ASCII.GetBytes("192.0.2.1,6626,mesh")];
        Assert.Equal(golden, capabilities.Encode());
        Assert.True(PeerCapabilities.TryDecode(golden, out PeerCapabilities? decoded));
        Assert.Equal(capabilities, decoded);
        Assert.True(PeerCapabilities.TryDecode([.. golden, 1, 2, 3], out decoded));   // of a newer node
        Assert.Equal(capabilities, decoded);
        Assert.All(Hostile.Truncations(golden), static cut => Assert.False(PeerCapabilities.TryDecode(cut, out _)));
        Assert.False(PeerCapabilities.TryDecode([2, .. golden[1..]], out _));
        foreach (byte[] octets in Hostile.Mutations(seed: 5, 5_000, golden))
        {
            if (PeerCapabilities.TryDecode(octets, out decoded))
                Assert.True(PeerCapabilities.TryDecode(decoded.Encode(), out _));
        }
    }

    [Fact]
    public void A_numbered_request_to_close_a_tunnel_has_its_layout()
    {
        var kill = new TunnelKill(0x0A0B0C0D, CloseReason.Duplicate, IsServer: true, Agrees: false);
        byte[] golden = [1, 1, 3, 0x0A, 0x0B, 0x0C, 0x0D];
        Assert.Equal(golden, kill.Encode());
        Assert.Equal([1, 3, 3, 0x0A, 0x0B, 0x0C, 0x0D], (kill with { Agrees = true }).Encode());
        Assert.True(TunnelKill.TryDecode(golden, out TunnelKill? decoded));
        Assert.Equal(kill, decoded);
        Assert.True(TunnelKill.TryDecode([.. golden, 1, 2, 3], out decoded));   // of a newer node
        Assert.Equal(kill, decoded);
        Assert.All(Hostile.Truncations(golden), static cut => Assert.False(TunnelKill.TryDecode(cut, out _)));
        Assert.False(TunnelKill.TryDecode([2, .. golden[1..]], out _));
        Assert.False(TunnelKill.TryDecode([1, 0, 1, 0, 0, 0, 0], out _));   // 0 means that there is no number
    }

    [Theory]
    [InlineData("1.2, Linux 6.1", "1.2", "Linux 6.1")]
    [InlineData("0-test, Linux-test, more", "0-test", "Linux-test, more")]
    [InlineData("alone", "alone", "")]
    [InlineData(", ", "", "")]
    [InlineData(", x", "", "x")]
    public void Node_information_is_a_version_and_a_platform(string text, string version, string platform)
    {
        Assert.True(NodeInformation.TryDecode(Encoding.UTF8.GetBytes(text), out NodeInformation? information));
        Assert.Equal(new NodeInformation(version, platform), information);
        Assert.Equal(text, Encoding.UTF8.GetString(information.Encode()));
    }

    [Fact]
    public void Node_information_of_the_greatest_length_is_not_longer_when_it_is_encoded_again()
    {
        byte[] text = Encoding.ASCII.GetBytes(new string('a', NodeInformation.MaxLength));
        Assert.True(NodeInformation.TryDecode(text, out NodeInformation? information));
        Assert.Equal(text, information.Encode());
    }

    [Fact]
    public void Node_information_that_has_no_place_in_a_log_is_refused()
    {
        Assert.False(NodeInformation.TryDecode([], out _));
        Assert.False(NodeInformation.TryDecode([0xFF, 0xFE], out _));
        Assert.False(NodeInformation.TryDecode("1.0, \e[2J"u8, out _));
        Assert.False(NodeInformation.TryDecode(Encoding.ASCII.GetBytes(new string('a', NodeInformation.MaxLength + 1)), out _));
    }

    private static bool IsLocal(JsonElement item) =>
        (item.TryGetProperty("to", out JsonElement to) && to.GetString() is "node [::1]:326" or "::1 port 40000" or "other [::1]:40000") || item.GetProperty("from").GetString()!.StartsWith("registry process", StringComparison.Ordinal);
}
