using System.Net;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels.OpenVpn;

public sealed class OpenVpnTunnelActorTests
{
    private const int Link = 7;

    private static readonly TunnelIndex Index = new(3);
    private static readonly NodePrefix Peer = TunnelsWorld.Node(9);

    private readonly ActorTestKit _kit = new();
    private readonly RecordingOpenVpn _openVpn = new();
    private readonly TestProbe _manager;
    private readonly TestProbe _router;
    private readonly TestProbe _statuses;
    private readonly TunnelPorts _ports;

    public OpenVpnTunnelActorTests()
    {
        (_manager, _router, _statuses) = (_kit.CreateProbe("manager"), _kit.CreateProbe("router"), _kit.CreateProbe("statuses"));
        _kit.System.EventStream.Subscribe<TunnelStatus>(_statuses.Ref);
        _ports = new TunnelPorts(new RecordingStreams(), new RecordingDataPlane(), new CountingEntropy(), _manager.Ref, _router.Ref, TunnelWorld.Identify) { OpenVpn = _openVpn.With() };
    }

    [Fact]
    public void A_client_that_is_in_joins_the_routing_on_a_link_of_its_own()
    {
        ActorRef tunnel = Client();
        OpenVpnClientOrder order = Assert.Single(_openVpn.Clients).Order;
        Assert.Equal((Peer, "mesh-3", TimeSpan.FromSeconds(60), true), (order.Peer, order.Link.Device, order.Link.Silence, order.Link.Encrypt));
        tunnel.Tell(Up("9/16"));
        _kit.Settle();
        Assert.Equal([new KernelLinkUp(Link, IsShared: false), new KernelPeerUp(Link, Peer, Index)], _router.ReceiveAll());
        Assert.Equal([new OpenVpnTunnelUp(Index, Peer, 5, IPAddress.Parse("203.0.113.7"))], _manager.ReceiveAll());
        Assert.Equal([TunnelState.Connecting, TunnelState.Up], _statuses.ReceiveAll().OfType<TunnelStatus>().Select(static status => status.State));
    }

    [Theory]
    [InlineData("8/16")]
    [InlineData("")]   // a certificate with two names
    public void A_server_that_is_somebody_else_is_left_at_once(string commonName)
    {
        ActorRef tunnel = Client();
        tunnel.Tell(Up(commonName));
        _kit.Settle();
        Assert.Equal(_openVpn.Clients[0].Process, Assert.Single(_openVpn.Stopped));
        Assert.Empty(_router.ReceiveAll());
        Assert.False(Ended().WasUp);
    }

    [Fact]
    public void A_process_that_ends_ends_the_tunnel_with_its_reason()
    {
        ActorRef tunnel = Client();
        tunnel.Tell(new OpenVpnEnded(_openVpn.Clients[0].Process, "connection refused"));
        _kit.Settle();
        TunnelEnded ended = Ended();
        Assert.Equal((Index, Peer, true, false, "connection refused"), (ended.Index, ended.Peer, ended.IsClient, ended.WasUp, ended.Reason));
        Assert.Empty(_openVpn.Stopped);   // there is nothing to stop
        Assert.True(_statuses.ReceiveAll().OfType<TunnelStatus>().Last().IsGone);
    }

    [Fact]
    public void A_lost_tunnel_leaves_the_routing()
    {
        ActorRef tunnel = Client();
        tunnel.Tell(Up("9/16"));
        _kit.Settle();
        _router.ReceiveAll();
        tunnel.Tell(new OpenVpnEnded(_openVpn.Clients[0].Process, "ping-exit"));
        _kit.Settle();
        Assert.Equal([new KernelPeerDown(Link, Peer, Index), new KernelLinkDown(Link)], _router.ReceiveAll());
        Assert.True(Ended().WasUp);
    }

    [Fact]
    public void One_that_takes_too_long_is_ended()
    {
        Client();
        _kit.Advance(new OpenVpnOptions().ConnectTimeout + TimeSpan.FromSeconds(1));
        Assert.Single(_openVpn.Stopped);
        _openVpn.Clients[0].Owner.Tell(new OpenVpnEnded(_openVpn.Clients[0].Process, "SIGTERM"));
        _kit.Settle();
        Assert.Equal("it did not come up in time", Ended().Reason);
    }

    [Fact]
    public void An_orderly_end_first_leaves_the_routes_and_lets_what_is_under_way_arrive()
    {
        ActorRef tunnel = Client();
        tunnel.Tell(Up("9/16"));
        _kit.Settle();
        _router.ReceiveAll();
        tunnel.Tell(new CloseTunnel(CloseReason.Duplicate, "another one stays"));
        _kit.Settle();
        Assert.Equal(2, _router.ReceiveAll().Count);
        Assert.Empty(_openVpn.Stopped);
        _kit.Advance(new OpenVpnOptions().DrainTime);
        Assert.Single(_openVpn.Stopped);
        tunnel.Tell(new OpenVpnEnded(_openVpn.Clients[0].Process, "SIGTERM"));
        _kit.Settle();
        Assert.Equal("another one stays", Ended().Reason);
        Assert.Single(_openVpn.Stopped);
    }

    [Fact]
    public void Where_the_process_does_not_say_that_it_has_ended_the_tunnel_ends_all_the_same()
    {
        ActorRef tunnel = Client();
        tunnel.Tell(new CloseTunnel(CloseReason.NotAllowed, "revoked"));
        _kit.Settle();
        Assert.Single(_openVpn.Stopped);
        _kit.Advance(new OpenVpnOptions().ClosingTimeout + TimeSpan.FromSeconds(1));
        Assert.Equal("revoked", Ended().Reason);
    }

    [Fact]
    public void A_served_client_is_up_when_OpenVPN_says_so_and_is_known_on_the_servers_link()
    {
        ActorRef tunnel = Server();
        Assert.Equal(tunnel, Assert.Single(_openVpn.Admitted).Owner);
        tunnel.Tell(new OpenVpnClientIn(ServerProcess, 4));
        _kit.Settle();
        Assert.Equal([new KernelPeerUp(Link, Peer, Index)], _router.ReceiveAll());
        Assert.Equal([new OpenVpnTunnelUp(Index, Peer, 5, SeenAt: null)], _manager.ReceiveAll());
        tunnel.Tell(new OpenVpnClientGone(ServerProcess, 4));
        _kit.Settle();
        Assert.Equal([new KernelPeerDown(Link, Peer, Index)], _router.ReceiveAll());
        Assert.Empty(_openVpn.Killed);
        Assert.Empty(_openVpn.Stopped);   // the process serves others
        Assert.True(Ended().WasUp);
    }

    [Fact]
    public void A_served_client_that_may_not_stay_is_cut_off_at_once_and_alone()
    {
        ActorRef tunnel = Server();
        tunnel.Tell(new OpenVpnClientIn(ServerProcess, 4));
        tunnel.Tell(new CloseTunnel(CloseReason.NotAllowed, "revoked"));
        _kit.Settle();
        Assert.Equal((ServerProcess, 4u), Assert.Single(_openVpn.Killed));
        Assert.Empty(_openVpn.Stopped);
    }

    [Theory]
    [InlineData("9/16", 5, true)]
    [InlineData("9/16", 6, false)]
    [InlineData("8/16", 5, false)]
    public void Fresh_keys_are_for_the_same_certificate_only(string commonName, ulong serial, bool isGood)
    {
        ActorRef tunnel = Server();
        tunnel.Tell(new OpenVpnClientIn(ServerProcess, 4));
        tunnel.Tell(RecordingOpenVpn.Asks(ServerProcess, 4, commonName, serial, key: 2));
        _kit.Settle();
        Assert.Equal(isGood ? [1u, 2u] : [1u], _openVpn.Admitted.Select(static admitted => admitted.Asks.Key));
        Assert.Equal(isGood ? 0 : 1, _openVpn.Refused.Count);
    }

    [Fact]
    public void A_router_that_was_restarted_hears_of_it_again()
    {
        ActorRef tunnel = Client();
        tunnel.Tell(Up("9/16"));
        _kit.Settle();
        IReadOnlyList<object> first = _router.ReceiveAll();
        tunnel.Tell(new RoutingLinksWanted());
        _kit.Settle();
        Assert.Equal(first, _router.ReceiveAll());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_both_ends_have_to_agree_on_is_said_in_messages_between_nodes(bool isClient)
    {
        TestProbe said = _kit.CreateProbe("said");
        _kit.System.EventStream.Subscribe<TellOfKill>(said.Ref);
        ActorRef tunnel = isClient ? Client() : Server();
        TimeSpan until = TimeSpan.FromSeconds(100);
        tunnel.Tell(new AskToClose(CloseReason.Retired, "too early", 6, until));
        tunnel.Tell(isClient ? Up("9/16") : new OpenVpnClientIn(ServerProcess, 4));
        tunnel.Tell(new AskToClose(CloseReason.Retired, "a better one", 7, until));
        tunnel.Tell(new TakeBackRequest(CloseReason.Retired, 7, until));
        tunnel.Tell(new AnswerToClose(CloseReason.Duplicate, "", 8, Agrees: false, until));
        tunnel.Tell(new AnswerToClose(CloseReason.Duplicate, "", 9, Agrees: true, until));
        tunnel.Tell(new AnswerToClose(CloseReason.Retired, "", Killer.NoRound, Agrees: false, until));   // a node of re6st would take it for the contrary
        tunnel.Tell(new AnswerToClose(CloseReason.Retired, "", Killer.NoRound, Agrees: true, until));
        _kit.Settle();
        Assert.Equal(
            [
                new TellOfKill(Peer, PeerCode.KillRequest, new TunnelKill(7, CloseReason.Retired, !isClient, Agrees: false), until),
                new TellOfKill(Peer, PeerCode.KillAnswer, new TunnelKill(7, CloseReason.Retired, !isClient, Agrees: false), until),
                new TellOfKill(Peer, PeerCode.KillAnswer, new TunnelKill(8, CloseReason.Duplicate, !isClient, Agrees: false), until),
                new TellOfKill(Peer, PeerCode.KillAnswer, new TunnelKill(9, CloseReason.Duplicate, !isClient, Agrees: true), until),
                new TellOfKill(Peer, PeerCode.KillAnswer, null, until),
            ],
            said.ReceiveAll());
        Assert.Empty(_openVpn.Stopped);
        Assert.Empty(_openVpn.Killed);
    }

    [Fact]
    public void When_both_ends_agree_it_leaves_the_routes_and_is_cut_a_little_later()
    {
        ActorRef tunnel = Client();
        tunnel.Tell(Up("9/16"));
        _kit.Settle();
        _router.ReceiveAll();
        tunnel.Tell(new CutTunnel("a better one"));
        _kit.Settle();
        Assert.Equal([new KernelPeerDown(Link, Peer, Index), new KernelLinkDown(Link)], _router.ReceiveAll());
        Assert.Empty(_openVpn.Stopped);
        _kit.Advance(new OpenVpnOptions().DrainTime);
        Assert.Single(_openVpn.Stopped);
        tunnel.Tell(new OpenVpnEnded(_openVpn.Clients[0].Process, "SIGTERM"));
        _kit.Settle();
        Assert.Equal(("a better one", null), Ended() is var ended ? (ended.Reason, ended.PeerReason) : default);
    }

    [Fact]
    public void A_client_that_goes_after_we_have_agreed_has_closed_it()
    {
        ActorRef tunnel = Server();
        tunnel.Tell(new OpenVpnClientIn(ServerProcess, 4));
        tunnel.Tell(new AnswerToClose(CloseReason.Retired, "", 9, Agrees: true, TimeSpan.MaxValue));
        tunnel.Tell(new OpenVpnClientGone(ServerProcess, 4));
        _kit.Settle();
        Assert.Equal(("closed by the peer, as agreed", CloseReason.Retired), Ended() is var ended ? (ended.Reason, ended.PeerReason) : default);
    }

    private static OpenVpnProcessId ServerProcess => new(77);

    private ActorRef Client()
    {
        var order = new OpenVpnClientOrder(Peer, new AdvertisedAddress("192.0.2.1", 1194, AddressProtocol.Tcp), _ports.OpenVpn!.LinkOf("3", TimeSpan.FromSeconds(15), encrypt: true));
        ActorRef tunnel = _kit.ActorOf(OpenVpnTunnelActor.Client(Index, order, _ports));
        _kit.Settle();
        return tunnel;
    }

    private ActorRef Server()
    {
        var asks = new OpenVpnPeerAsks(RecordingOpenVpn.Asks(ServerProcess, 4, "9/16", 5), AddressProtocol.Tcp, Link);
        ActorRef tunnel = _kit.ActorOf(OpenVpnTunnelActor.Server(Index, Peer, asks, _ports));
        _kit.Settle();
        return tunnel;
    }

    private OpenVpnUp Up(string commonName) =>
        new(_openVpn.Clients[0].Process, "mesh-3", Link, new OpenVpnPeer(commonName, 5, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1194)), IPAddress.Parse("203.0.113.7"));

    private TunnelEnded Ended() => _manager.ReceiveAll().OfType<TunnelEnded>().Single();
}
