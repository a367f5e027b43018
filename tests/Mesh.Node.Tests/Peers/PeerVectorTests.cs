using System.Text;
using System.Text.Json;
using Mesh.Node.AddressBook;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;
using Mesh.Security.Sessions;

namespace Mesh.Node.Tests.Peers;

/// <summary>Our node in the place of one of those whose datagrams were recorded: it says the same, octet for octet, but for RSA encryption, whose padding is random.</summary>
public sealed class PeerVectorTests
{
    private static readonly JsonElement Json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "peer-udp.json"))).RootElement;

    // The first secret was made a millisecond after this.
    private static readonly DateTimeOffset Start = new(2027, 1, 15, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_whole_handshake_and_session_as_the_one_who_asks()
    {
        string[] handshake = Datagrams("handshake"), session = Datagrams("session");
        var a = new PeerWorld(Identities.A, Start.AddMilliseconds(-5));
        a.Publish(new VersionLearned(Version(5)));
        a.Tell(new AskPeerAddress(Identities.B.Prefix));
        SentDatagram first = Assert.Single(a.Take());
        Assert.Equal(handshake[0], Convert.ToHexStringLower(first.Datagram.Span));
        Assert.Equal((Identities.B.Prefix.FirstAddress(Identities.B.Network), (ushort)326), (first.To, first.Port));

        a.Kit.Advance(TimeSpan.FromMilliseconds(1));
        byte[] secret = Secret("handshake");
        a.Entropy.Secrets.Enqueue(secret[8..]);
        a.Receive(Identities.B, Octets(handshake[1]));
        AssertHello(handshake[2], a.TakeHex(), Identities.B, Identities.A, secret);
        Assert.Equal(PeerState.Proposed, a.StateOf(Identities.B));

        a.Receive(Identities.B, Octets(handshake[3]));
        Assert.Equal([handshake[4], session[0]], a.Take().Select(static s => Convert.ToHexStringLower(s.Datagram.Span)), StringComparer.Ordinal);
        Assert.Equal(PeerState.Connected, a.StateOf(Identities.B));

        a.Receive(Identities.B, Octets(session[1]));
        Assert.Equal(session[2], a.TakeHex());
        PeerAddressEntry learnt = Assert.Single(a.Book.ExpectMsg<PeersSeen>(TimeSpan.Zero).Peers);
        Assert.Equal((Identities.B.Prefix, "192.0.2.2,1194,tcp,FR;192.0.2.2,1194,udp,FR"), (learnt.Prefix, learnt.Addresses.ToString()));
        (byte Code, byte[] Data, int Sent, int Answer)[] exchanges =
        [
            (PeerCode.NodeInformation, [], 3, 4), (PeerCode.Topology, [], 6, 7), (PeerCode.KillRequest, [], 8, 9), (PeerCode.KillAnswer, [], 10, 11),
            (PeerCode.Log, Encoding.UTF8.GetBytes("hello log"), 12, 13), (PeerCode.NetworkVersion, [.. Version(5).Blob], 14, 15),
        ];
        foreach ((byte code, byte[] data, int sent, int answer) in exchanges)
        {
            a.Tell(new TellPeer(Identities.B.Prefix, code, data));
            Assert.Equal(session[sent], a.TakeHex());
            a.Receive(Identities.B, Octets(session[answer]));
            if (answer == 4)
                Assert.Equal(session[5], a.TakeHex());   // an answer is acknowledged
            else if (answer == 15)
                Assert.Equal(session[16], a.TakeHex());
            else
                Assert.Empty(a.Take());
        }

        Assert.Equal(6UL, a.Heard.ExpectMsg<VersionHeard>(TimeSpan.Zero).Version.Number);
        a.Publish(new VersionLearned(Version(6)));
        a.Receive(Identities.B, Octets(session[17]));
        Assert.Contains(session[18], a.Take().Select(static s => Convert.ToHexStringLower(s.Datagram.Span)), StringComparer.Ordinal);
        Assert.Equal(7UL, a.Heard.ExpectMsg<VersionHeard>(TimeSpan.Zero).Version.Number);
    }

    [Fact]
    public void The_whole_handshake_and_session_as_the_one_who_is_asked()
    {
        string[] session = Datagrams("session");
        PeerWorld b = Asked();
        foreach ((int question, int answer) in (ReadOnlySpan<(int, int)>)[(0, 1), (3, 4), (6, 7), (8, 9), (10, 11), (12, 13)])
        {
            b.Receive(Identities.A, Octets(session[question]));
            Assert.Equal(session[answer], b.TakeHex());
            if (question is 0 or 3)
                b.Receive(Identities.A, Octets(session[answer + 1]));
            Assert.Empty(b.Take());
        }

        b.Heard.ExpectMsg<PeerKillRequested>(TimeSpan.Zero);
        b.Heard.ExpectMsg<PeerKillAnswered>(TimeSpan.Zero);
        b.Publish(new VersionLearned(Version(6)));
        Assert.Single(b.Take());   // news go to whoever is connected; A's recorded node had learnt of 6 in between
    }

    [Fact]
    public void Datagrams_that_are_refused_are_refused_and_counted()
    {
        PeerWorld b = Asked();
        string[] session = Datagrams("session");
        foreach (int index in (ReadOnlySpan<int>)[0, 2, 3, 5, 6, 8, 10, 12])
            b.Receive(Identities.A, Octets(session[index]));
        b.Publish(new VersionLearned(Version(6)));
        b.Take();
        b.Receive(Identities.A, Octets(session[14]));
        Assert.Equal(session[15][8..^40], b.TakeHex()[8..^40]);   // one more number was used for the news of version 6
        b.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(1, PeerWorld.Registry.Prefix)));
        b.Take();
        foreach (JsonElement item in Json.GetProperty("rejected").GetProperty("datagrams").EnumerateArray())
        {
            string title = item.GetProperty("title").GetString()!;
            if (title.Contains("revoked", StringComparison.Ordinal))
                b.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(2, PeerWorld.Registry.Prefix, 2)));
            long before = Refusals(b);
            Assert.True(Ipv6Address.TryParse(item.GetProperty("from").GetString(), out Ipv6Address from));
            b.Receive(from, Octets(item.GetProperty("hex").GetString()!));
            string[] expected = [.. item.GetProperty("answers").EnumerateArray().Select(static a => a.GetString()!)];
            // Numbers and authentication differ by the one message more; what is said does not.
            Assert.Equal(expected.Select(Payload), b.Take().Select(static s => Payload(Convert.ToHexStringLower(s.Datagram.Span))), StringComparer.Ordinal);
            bool isFine = expected.Length > 0 || title.StartsWith("ack", StringComparison.Ordinal);
            Assert.True(Refusals(b) == before + (isFine ? 0 : 1), title);
        }
    }

    [Fact]
    public void Greetings_with_a_fingerprint_are_answered_with_a_secret_and_others_once_a_minute()
    {
        string[] variants = Datagrams("hello0_variants");
        var b = new PeerWorld(Identities.B, Start);
        b.Receive(Identities.A, Octets(variants[0]));
        Assert.Equal(2u, BitConverter.ToUInt32([.. b.Take().Single().Datagram.Span[..4].ToArray().Reverse()]));
        b.Receive(Identities.A, Octets(variants[2]));
        Assert.Equal(variants[3], b.TakeHex());
        b.Receive(Identities.A, Octets(variants[4]));
        Assert.Empty(b.Take());
        Assert.Equal(1, b[PeerCounter.GreetingUnanswered]);
        b.Kit.Advance(TimeSpan.FromSeconds(61));
        b.Take();
        b.Receive(Identities.A, Octets(variants[5]));
        Assert.Equal(variants[3], b.TakeHex());
    }

    [Fact]
    public void Nodes_of_old_protocols_get_a_secret_without_protocol_number_and_addresses_without_country()
    {
        JsonElement[] items = [.. Json.GetProperty("old_protocols").GetProperty("datagrams").EnumerateArray()];
        var b = new PeerWorld(Identities.B, Start.AddMilliseconds(-2), advertised: Addresses("192.0.2.2"));
        b.Publish(new VersionLearned(Version(5)));
        foreach ((int greeting, int delay) in (ReadOnlySpan<(int, int)>)[(0, 0), (2, 6000)])
        {
            b.Kit.Advance(TimeSpan.FromMilliseconds(delay));   // another secret takes a while
            byte[] secret = Octets(items[greeting + 1].GetProperty("secret").GetString()!);
            b.Entropy.Secrets.Enqueue(secret[8..]);
            b.Receive(Identities.A, Octets(items[greeting].GetProperty("hex").GetString()!));
            string hex = b.TakeHex();
            Assert.Equal(items[greeting + 1].GetProperty("hex").GetString()!.Length, hex.Length);
            byte[] made = Octets(hex);
            int start = hex.Length / 2 - 512;
            Assert.True(SecretEnvelope.TryOpen(made.AsSpan(start), Identities.A.Key, Identities.B.Certificate.PublicKey, out SessionKey? key));
            if (greeting == 0)
                continue;
            var session = new PeerSession(key);
            b.Receive(Identities.A, session.Seal([PeerCode.Address]));
            string[] said = [.. b.Take().Select(static s => Payload(Convert.ToHexStringLower(s.Datagram.Span)))];
            Assert.Equal([Payload(items[5].GetProperty("hex").GetString()!)], said, StringComparer.Ordinal);
        }
    }

    [Fact]
    public void The_registry_beside_us_is_answered_and_what_is_for_others_goes_on_to_them()
    {
        string[] loopback = Datagrams("loopback");
        var node = new PeerWorld(PeerWorld.Registry, Start.AddMilliseconds(-5), advertised: Addresses("192.0.2.0"));
        node.Publish(new VersionLearned(Version(5)));
        node.Publish(new TunnelStatus(new DataPlane.TunnelIndex(1), Identities.B.Prefix, IsClient: true, TunnelState.Up, TunnelPathKind.Stream, null, null, IsGone: false));
        node.Publish(new TunnelStatus(new DataPlane.TunnelIndex(2), PeerWorld.C.Prefix, IsClient: false, TunnelState.Up, TunnelPathKind.Stream, null, null, IsGone: false));
        Local(node, loopback[0]);
        Assert.Empty(node.Take());
        node.Heard.ExpectMsg<ParametersOutdated>(TimeSpan.Zero);
        foreach (int question in (ReadOnlySpan<int>)[1, 3, 5])
        {
            Local(node, loopback[question]);
            SentDatagram answer = Assert.Single(node.Take());
            Assert.Equal((loopback[question + 1], Ipv6Address.Loopback, (ushort)40000), (Convert.ToHexStringLower(answer.Datagram.Span), answer.To, answer.Port));
        }

        foreach (int ignored in (ReadOnlySpan<int>)[7, 8, 9])
        {
            Local(node, loopback[ignored]);
            Assert.Empty(node.Take());
        }

        Assert.Equal((1, 2), (node[PeerCounter.UnknownCode], node[PeerCounter.LocalMalformed]));
        Local(node, loopback[10]);
        Assert.Equal(loopback[11], node.TakeHex());
        node.Kit.Advance(TimeSpan.FromMilliseconds(5));
        byte[] secret = Secret("loopback");
        node.Entropy.Secrets.Enqueue(secret[8..]);
        node.Receive(Identities.A, Octets(loopback[12]));
        AssertHello(loopback[13], node.TakeHex(), Identities.A, PeerWorld.Registry, secret);
        node.Receive(Identities.A, Octets(loopback[14]));
        // The recorded node had lost the question and was asked again. Ours had kept it.
        Assert.Equal([loopback[15], loopback[17]], node.Take().Select(static s => Convert.ToHexStringLower(s.Datagram.Span)), StringComparer.Ordinal);
        node.Receive(Identities.A, Octets(loopback[18]));
        Assert.Equal([loopback[19], loopback[20]], node.Take().Select(static s => Convert.ToHexStringLower(s.Datagram.Span)), StringComparer.Ordinal);
    }

    private static void Local(PeerWorld node, string hex) => node.Receive(Ipv6Address.Loopback, Octets(hex), port: 40000);

    // B after the recorded handshake.
    private static PeerWorld Asked()
    {
        string[] handshake = Datagrams("handshake");
        var b = new PeerWorld(Identities.B, Start, advertised: Addresses("192.0.2.2"));
        b.Publish(new VersionLearned(Version(5)));
        b.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(1, PeerWorld.Registry.Prefix)));
        b.Receive(Identities.A, Octets(handshake[0]));
        Assert.Equal(handshake[1], b.TakeHex());
        b.Receive(Identities.A, Octets(handshake[2]));
        Assert.Equal(handshake[3], b.TakeHex());
        b.Receive(Identities.A, Octets(handshake[4]));
        Assert.Empty(b.Take());
        Assert.Equal(PeerState.Connected, b.StateOf(Identities.A));
        return b;
    }

    private static void AssertHello(string recorded, string made, NodeIdentity receiver, NodeIdentity sender, byte[] secret)
    {
        const int Header = 10;   // number and protocol
        Assert.Equal((recorded[..Header], recorded.Length), (made[..Header], made.Length));
        foreach (string hex in (ReadOnlySpan<string>)[recorded, made])
        {
            Assert.True(Hello.TryDecode(Octets(hex), out Hello? hello));
            Assert.True(SecretEnvelope.TryOpen(hello.Envelope.Span, receiver.Key, sender.Certificate.PublicKey, out SessionKey? key));
            Assert.Equal(new SessionKey(secret).HeaderFor([]), key.HeaderFor([]), StringComparer.Ordinal);
        }
    }

    private static long Refusals(PeerWorld world) => world.Status.Counters.Where(static c => c.Key is
        PeerCounter.Malformed or PeerCounter.ForeignSource or PeerCounter.UnknownPeer or PeerCounter.BadMac or PeerCounter.Replayed or PeerCounter.CertificateRefused
        or PeerCounter.GreetingLimited or PeerCounter.SecretRefused or PeerCounter.SecretStale).Sum(static c => c.Value);

    private static string Payload(string hex) => hex.Length > 88 || hex.StartsWith("0000", StringComparison.Ordinal) ? hex[8..^40] : hex;

    private static AddressList Addresses(string host) => new(
        new AdvertisedAddress(host, 1194, AddressProtocol.Tcp, "FR"), new AdvertisedAddress(host, 1194, AddressProtocol.Udp, "FR"));

    private static NetworkVersion Version(ulong number) => Security.VersionSigner.Sign(Identities.Authority, number);

    private static byte[] Octets(string hex) => Convert.FromHexString(hex);

    private static byte[] Secret(string part) => Octets(Json.GetProperty(part).GetProperty("secret").GetString()!);

    private static string[] Datagrams(string part) => [.. Json.GetProperty(part).GetProperty("datagrams").EnumerateArray().Select(static d => d.GetProperty("hex").GetString()!)];
}
