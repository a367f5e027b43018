using System.Net;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelGreetingTests
{
    [Fact]
    public void A_client_connects_where_it_was_told()
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        var connect = Assert.Single(world.Streams.Connects);
        Assert.Equal((TunnelWorld.Remote, new TunnelOptions().ConnectTimeout, world.Tunnel), (connect.Remote, connect.Timeout, connect.Owner));
        Assert.Same(world.Tunnel, world.DataPlane.Tunnels[TunnelWorld.Index]);
        Assert.Empty(world.Streams.Sent);
        Assert.Equal("Connecting", world.LastState);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_ends_greet_at_once_with_an_index_and_a_key(bool isClient)
    {
        TunnelWorld world = Greeting(isClient);
        SentFrame frame = Assert.Single(world.Streams.Sent);
        Assert.Equal((world.Stream, TunnelHello.Kind), (frame.Stream, frame.Kind));
        Assert.True(TunnelHello.TryDecode(frame.Payload.Span, out TunnelHello? hello));
        Assert.Equal(new TunnelHello
        {
            Capabilities = TunnelCapabilities.PacketsInStream | TunnelCapabilities.Roaming | TunnelCapabilities.OrderlyClose,
            ReceiverIndex = 7,
            Key = TunnelWorld.Key(1),
            Ciphers = [SealingCipher.Aes256Gcm, SealingCipher.ChaCha20Poly1305],
            UdpPort = 1326,
            LinkMtu = 1500,
            ReceiverSeenAt = ObservedEndpoint.Ipv4(0xC6336402, 1326),
        }, hello);
        Assert.Equal("Greeting", world.LastState);
        if (!isClient)
            Assert.Equal((world.Stream, world.Tunnel), Assert.Single(world.Streams.Handovers));
    }

    [Theory]
    [InlineData("2001:db8::5", EndpointFamily.Ipv6)]
    [InlineData("::ffff:198.51.100.2", EndpointFamily.Ipv4)]
    public void A_peer_is_told_where_it_is_seen(string address, EndpointFamily family)
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        world.Tell(new StreamOpened(world.Stream, TunnelWorld.CertificateOf(TunnelWorld.Peer), new IPEndPoint(IPAddress.Parse(address), 1326), Accepted: false));
        Assert.True(TunnelHello.TryDecode(world.Streams.Sent[0].Payload.Span, out TunnelHello? hello));
        Assert.Equal((family, (ushort)1326), (hello.ReceiverSeenAt.Family, hello.ReceiverSeenAt.Port));
    }

    [Fact]
    public void A_client_refuses_another_peer_than_it_wants()
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        world.Opened(NodePrefix.ParseCommonName("3/16"));
        world.ExpectEnded($"is {NodePrefix.ParseCommonName("3/16")}, expected {TunnelWorld.Peer}", wasUp: false);
        Assert.Empty(world.Streams.Sent);
        Assert.Equal(world.Stream, Assert.Single(world.Streams.Closed));
    }

    [Fact]
    public void A_client_refuses_a_peer_whose_certificate_is_refused()
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        world.Opened(NodePrefix.ParseCommonName("666/16"));
        world.ExpectEnded("it has been revoked", wasUp: false);
        Assert.Empty(world.Streams.Sent);
    }

    [Fact]
    public void A_client_chooses_its_favourite_of_the_ciphers_that_the_server_has()
    {
        TunnelWorld world = Greeting(isClient: true);
        world.TakeSent();
        world.Frame(TunnelWorld.PeerHello([SealingCipher.ChaCha20Poly1305, SealingCipher.Aes256Gcm]).Encode);
        SentFrame ready = Assert.Single(world.TakeSent());
        Assert.True(ready.Kind == TunnelReady.Kind && TunnelReady.TryDecode(ready.Payload.Span, out TunnelReady said) && said.Cipher == SealingCipher.Aes256Gcm);
        Assert.Empty(world.DataPlane.Keys);
        world.Frame(new TunnelReady(SealingCipher.Aes256Gcm).Encode);
        ExpectUp(world, isClient: true, SealingCipher.Aes256Gcm);
    }

    [Theory]
    [InlineData(SealingCipher.Aes256Gcm)]
    [InlineData(SealingCipher.ChaCha20Poly1305)]
    public void A_server_takes_and_confirms_the_clients_choice(SealingCipher cipher)
    {
        TunnelWorld world = Greeting(isClient: false);
        world.TakeSent();
        world.Frame(TunnelWorld.PeerHello([SealingCipher.Aes256Gcm, SealingCipher.ChaCha20Poly1305]).Encode);
        Assert.Empty(world.TakeSent());
        world.Frame(new TunnelReady(cipher).Encode);
        SentFrame ready = Assert.Single(world.TakeSent());
        Assert.True(ready.Kind == TunnelReady.Kind && TunnelReady.TryDecode(ready.Payload.Span, out TunnelReady said) && said.Cipher == cipher);
        ExpectUp(world, isClient: false, cipher);
    }

    [Fact]
    public void A_client_refuses_a_server_without_a_common_cipher()
    {
        TunnelWorld world = Greeting(isClient: true);
        world.Frame(TunnelWorld.PeerHello([SealingCipher.Aes256Gmac]).Encode);
        world.ExpectEnded("no cipher that we have", wasUp: false);
    }

    [Fact]
    public void A_client_refuses_a_server_that_confirms_another_cipher()
    {
        TunnelWorld world = Greeting(isClient: true);
        world.Frame(TunnelWorld.PeerHello().Encode);
        world.Frame(new TunnelReady(SealingCipher.ChaCha20Poly1305).Encode);
        world.ExpectEnded("not agreed", wasUp: false);
        Assert.Empty(world.DataPlane.Keys);
    }

    [Fact]
    public void A_server_refuses_a_cipher_that_it_does_not_have()
    {
        TunnelWorld world = Greeting(isClient: false);
        world.Frame(TunnelWorld.PeerHello([SealingCipher.Aes256Gmac]).Encode);
        world.Frame(new TunnelReady(SealingCipher.Aes256Gmac).Encode);
        world.ExpectEnded("not agreed", wasUp: false);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_truncated_hello_is_refused(bool isClient)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        TunnelWorld.PeerHello().Encode(buffer);
        byte[] hello = buffer.WrittenSpan[Frame.HeaderLength..].ToArray();
        for (int length = 0; length < hello.Length; length++)
        {
            TunnelWorld world = Greeting(isClient);
            world.Frame(TunnelHello.Kind, hello[..length]);
            world.ExpectEnded("hello is malformed", wasUp: false);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_malformed_choice_is_refused(bool isClient)
    {
        foreach (byte[] body in (byte[][])[[], [0], [1, 1]])
        {
            TunnelWorld world = Greeting(isClient);
            world.Frame(TunnelWorld.PeerHello().Encode);
            world.Frame(TunnelReady.Kind, body);
            world.ExpectEnded("choice of a cipher is malformed", wasUp: false);
        }
    }

    [Theory]
    [InlineData(KeepAlive.Kind)]
    [InlineData(PeerAddresses.Kind)]
    [InlineData(PathReport.Kind)]
    [InlineData(Rekey.Kind)]
    [InlineData(TunnelReady.Kind)]
    [InlineData((byte)0x40)]
    [InlineData((byte)0x7F)]
    public void Any_other_frame_before_the_hello_is_refused(byte kind)
    {
        TunnelWorld world = Greeting(isClient: false);
        world.Frame(kind, 1, 2, 3);
        world.ExpectEnded($"frame of kind {kind} before", wasUp: false);
    }

    [Fact]
    public void A_second_hello_is_refused()
    {
        TunnelWorld world = Greeting(isClient: true);
        world.Frame(TunnelWorld.PeerHello().Encode);
        world.Frame(TunnelWorld.PeerHello().Encode);
        world.ExpectEnded("frame of kind 1 before", wasUp: false);
    }

    [Fact]
    public void A_connection_that_is_neither_opened_nor_refused_is_given_up()
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        world.Kit.Advance(TimeSpan.FromSeconds(14.999));
        Assert.Equal("Connecting", world.LastState);
        world.Kit.Advance(TimeSpan.FromMilliseconds(1));
        world.ExpectEnded($"no connection to {TunnelWorld.Remote} in time", wasUp: false);
        Assert.Equal(world.Stream, Assert.Single(world.Streams.Closed));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void A_peer_that_does_not_finish_the_exchange_is_given_up(bool isClient, bool greets)
    {
        TunnelWorld world = Greeting(isClient);
        world.Kit.Advance(TimeSpan.FromSeconds(9));
        if (greets)
            world.Frame(TunnelWorld.PeerHello().Encode);   // must not win more time
        world.Kit.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal("Greeting", world.LastState ?? "Greeting");
        world.Kit.Advance(TimeSpan.FromMilliseconds(1));
        world.ExpectEnded("did not finish the exchange of keys in time", wasUp: false);
    }

    [Fact]
    public void What_comes_too_early_is_passed_over()
    {
        TunnelWorld world = new TunnelWorld().StartClient();
        world.Tell(new RoutingPacket(TunnelWorld.Index, new byte[] { 1 }));
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(1));
        world.Opened();
        world.TakeSent();
        world.Datagram(InnerKind.Probe, TunnelWorld.Number(1));
        world.Tell(new RoutingPacket(TunnelWorld.Index, new byte[] { 1 }));
        Assert.Empty(world.TakeSent());
        Assert.Empty(world.DataPlane.Sent);
        Assert.Equal(0, world.Kit.System.UnhandledCount);
    }

    [Fact]
    public void A_peer_that_refuses_may_tell_of_others_to_try()
    {
        TunnelWorld world = Greeting(isClient: true);
        world.Frame(TunnelWorld.PeerHello().Encode);
        var others = new PeerAddresses([new PeerAddressEntry(NodePrefix.ParseCommonName("5/16"), new AddressList(new AdvertisedAddress("198.51.100.5", 1326, AddressProtocol.Mesh)))]);
        world.Frame(others.Encode);
        Assert.Equal(others, world.Manager.FishForMsg<PeersLearned>().Addresses);
        world.Frame(new CloseRequest(CloseReason.Busy, "no place is free").Encode);
        world.ExpectEnded("no place is free", wasUp: false);
    }

    [Fact]
    public void The_manager_hears_at_which_address_the_peer_sees_us()
    {
        TunnelWorld world = Greeting(isClient: true);
        world.Frame(TunnelWorld.PeerHello().Encode);
        Assert.Equal(ObservedEndpoint.Ipv4(0xC6336401, 1326), world.Manager.FishForMsg<SeenAt>().Endpoint);
    }

    private static TunnelWorld Greeting(bool isClient) => isClient ? new TunnelWorld().StartClient().Opened() : new TunnelWorld().StartServer();

    private static void ExpectUp(TunnelWorld world, bool isClient, SealingCipher cipher)
    {
        var set = Assert.Single(world.DataPlane.Keys);
        Assert.Equal(TunnelWorld.Index, set.Tunnel);
        Assert.Equal((99u, cipher.ToString()), (set.Keys.ReceiverIndex, set.Keys.Cipher.ToString()));
        Assert.Equal(TunnelWorld.Key(0xEE), new TunnelKey(set.Keys.SendKey.Span));
        Assert.Equal(TunnelWorld.Key(1), new TunnelKey(set.Keys.ReceiveKey.Span));
        Assert.Equal((TunnelWorld.Index, world.Stream), Assert.Single(world.DataPlane.Bindings));
        Assert.Equal((TunnelWorld.Index, new DataPath.Stream(world.Stream)), Assert.Single(world.DataPlane.Paths));
        TunnelUp up = world.Manager.FishForMsg<TunnelUp>();
        Assert.Equal((TunnelWorld.Index, TunnelWorld.Peer, isClient), (up.Index, up.Peer, up.IsClient));
        RoutingLinkUp link = world.Router.ExpectMsg<RoutingLinkUp>();
        Assert.Equal((TunnelWorld.Index, TunnelWorld.Peer, world.Tunnel), (link.Tunnel, link.Peer, link.Actor));
        Assert.Equal("Up", world.LastState);
    }
}
