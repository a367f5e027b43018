using Mesh.DataPlane;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelUpTests
{
    private static readonly TunnelOptions NoDatagrams = new() { UdpPort = 0 };

    [Fact]
    public void It_asks_for_life_at_each_interval_and_measures_the_round_trip()
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: true);
        for (uint sequence = 1; sequence <= 3; sequence++)
        {
            world.Kit.Advance(sequence == 1 ? NoDatagrams.KeepAliveInterval : NoDatagrams.KeepAliveInterval - TimeSpan.FromMilliseconds(30));
            SentFrame frame = Assert.Single(world.TakeSent());
            Assert.True(KeepAlive.TryDecode(frame.Payload.Span, out KeepAlive asked));
            Assert.Equal(new KeepAlive(sequence, IsEcho: false), asked);
            world.Kit.Advance(TimeSpan.FromMilliseconds(30));
            world.Frame(new KeepAlive(sequence, IsEcho: true).Encode);
            Assert.Equal(TimeSpan.FromMilliseconds(30), world.Status.FishForMsg<TunnelStatus>().RoundTrip);
        }
    }

    [Fact]
    public void It_echoes_the_peers_question_and_does_not_answer_answers()
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: false);
        world.Frame(new KeepAlive(77, IsEcho: false).Encode);
        SentFrame frame = Assert.Single(world.TakeSent());
        Assert.True(KeepAlive.TryDecode(frame.Payload.Span, out KeepAlive echo));
        Assert.Equal(new KeepAlive(77, IsEcho: true), echo);
        world.Frame(new KeepAlive(77, IsEcho: true).Encode);
        Assert.Empty(world.TakeSent());
    }

    [Fact]
    public void A_silent_peer_is_given_up_after_the_missed_keep_alives_and_not_before()
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: true);
        world.Kit.Advance(NoDatagrams.KeepAliveInterval * NoDatagrams.MissedKeepAlives);
        Assert.Null(world.LastState);
        world.Kit.Advance(NoDatagrams.KeepAliveInterval);
        world.ExpectEnded("nothing heard for 40 s", wasUp: true);
        Assert.Equal(TunnelWorld.Index, world.Router.FishForMsg<RoutingLinkDown>().Tunnel);
    }

    [Theory]
    [InlineData("keep-alive")]
    [InlineData("a frame nobody knows")]
    [InlineData("probe")]
    [InlineData("routing packet")]
    public void A_sign_of_life_keeps_it(string sign)
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: false);
        for (int i = 0; i < 6; i++)
        {
            world.Kit.Advance(NoDatagrams.KeepAliveInterval * NoDatagrams.MissedKeepAlives);
            switch (sign)
            {
                case "keep-alive":
                    world.Frame(new KeepAlive(1, IsEcho: false).Encode);
                    break;
                case "a frame nobody knows":
                    world.Frame(0x7E, 1);
                    break;
                case "probe":
                    world.Datagram(InnerKind.Probe, TunnelWorld.Number(1));
                    break;
                default:
                    world.Datagram(InnerKind.Babel, new byte[] { 42 });
                    break;
            }
        }

        Assert.Empty(world.DataPlane.Removed);
    }

    [Theory]
    [InlineData(KeepAlive.Kind)]
    [InlineData(PeerAddresses.Kind)]
    [InlineData(PathReport.Kind)]
    [InlineData(Rekey.Kind)]
    [InlineData(CloseRequest.Kind)]
    [InlineData(CertificateRenewal.Kind)]
    public void A_malformed_frame_ends_it(byte kind)
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: true);
        world.Frame(kind, 0xFF);
        world.ExpectEnded($"the peer sent a malformed frame of kind {kind}", wasUp: true);
    }

    [Fact]
    public void Frames_of_kinds_that_nobody_knows_yet_are_passed_over()
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: true);
        foreach (byte kind in (byte[])[TunnelHello.Kind, TunnelReady.Kind, 0x41, 0x7F, 0xFF])
            world.Frame(kind, 1, 2, 3);
        Assert.Empty(world.DataPlane.Removed);
        Assert.Empty(world.TakeSent());
    }

    [Fact]
    public void Addresses_go_both_ways()
    {
        TunnelWorld world = new TunnelWorld(NoDatagrams).Up(isClient: true);
        var addresses = new PeerAddresses([new PeerAddressEntry(TunnelWorld.Peer, new AddressList(new AdvertisedAddress("198.51.100.2", 1326, AddressProtocol.Mesh)))]);
        world.Frame(addresses.Encode);
        PeersLearned learned = world.Manager.FishForMsg<PeersLearned>();
        Assert.Equal((TunnelWorld.Peer, addresses), (learned.From, learned.Addresses));
        world.Tell(new TellPeers(addresses));
        SentFrame frame = Assert.Single(world.TakeSent());
        Assert.True(frame.Kind == PeerAddresses.Kind && PeerAddresses.TryDecode(frame.Payload.Span, out PeerAddresses? sent) && sent.Equals(addresses));
    }

    [Fact]
    public void Hostile_frames_end_the_tunnel_or_are_passed_over_but_never_make_it_fail()
    {
        var random = new Random(7);
        for (int run = 0; run < 300; run++)
        {
            TunnelWorld world = run % 3 == 0 ? new TunnelWorld(NoDatagrams).StartServer() : new TunnelWorld(NoDatagrams).Up(isClient: run % 3 == 1);
            for (int i = 0; i < 10 && world.Kit.System.Find("/user/tunnel") is not null; i++)
            {
                byte[] payload = new byte[random.Next(0, 80)];
                random.NextBytes(payload);
                if (random.Next(4) == 0)
                    world.Datagram((InnerKind)random.Next(0, 6), payload);
                else
                    world.Frame((byte)random.Next(0, 13), payload);
            }

            Assert.Equal(0, world.Kit.System.FailureCount);
        }
    }
}
