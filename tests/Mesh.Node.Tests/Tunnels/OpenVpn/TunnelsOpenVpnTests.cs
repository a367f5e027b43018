using System.Net;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels.OpenVpn;

/// <summary>The manager of tunnels, and OpenVPN.</summary>
public sealed class TunnelsOpenVpnTests
{
    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(100), ClientCount = 2, MaxClients = 2 };
    private static readonly OpenVpnProcessId Server = new(99);

    private readonly RecordingOpenVpn _openVpn = new();
    private readonly TunnelsWorld _world;
    private readonly ActorTestKit _kit;

    public TunnelsOpenVpnTests()
    {
        _world = new TunnelsWorld(Options, openVpn: _openVpn.With());
        _kit = _world.Kit;
    }

    [Fact]
    public void A_peer_that_can_only_be_reached_by_OpenVPN_is_dialled_so_when_the_parameters_are_known()
    {
        _world.Learn(TunnelsWorld.Known(1, "host.example.org,1194,tcp"));
        Assert.Empty(_openVpn.Clients);
        Parameters();
        _kit.Advance(TimeSpan.FromSeconds(6));
        OpenVpnClientOrder order = Assert.Single(_openVpn.Clients).Order;
        Assert.Equal((TunnelsWorld.Node(1), "host.example.org,1194,tcp"), (order.Peer, order.Remote.ToString()));
        Assert.Empty(_world.Streams.Connects);
    }

    [Fact]
    public void Native_addresses_are_tried_first_and_OpenVPN_when_they_have_failed()
    {
        Parameters();
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp", "198.51.100.1,1326,mesh"));
        Assert.Equal([1], _world.Dialling);
        Assert.Empty(_openVpn.Clients);
        _world.Close(_world.DialTo(1));
        _kit.Advance(TimeSpan.FromSeconds(30));
        Assert.Single(_openVpn.Clients);
    }

    [Fact]
    public void Disabled_protocols_are_not_dialled()
    {
        Parameters();
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,udp"));
        _kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(_openVpn.Clients);
    }

    [Fact]
    public void Without_OpenVPN_its_addresses_are_no_candidates()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"));
        world.Kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(world.Streams.Connects);
        Assert.Equal(0, world.Kit.System.FailureCount);
    }

    [Fact]
    public void A_tunnel_that_is_up_counts_and_its_address_is_remembered()
    {
        Parameters();
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"), TunnelsWorld.Known(2, "198.51.100.2,1194,tcp"), TunnelsWorld.Known(3, "198.51.100.3,1194,tcp"));
        Assert.Equal(2, _openVpn.Clients.Count);
        NodePrefix peer = _openVpn.Clients[0].Order.Peer;
        Up(0);
        Assert.Equal(new AddressWorked(peer, _openVpn.Clients[0].Order.Remote), _world.AddressBook.FishForMsg<AddressWorked>());
        _kit.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(2, _openVpn.Clients.Count);
    }

    [Theory]
    [InlineData("1/16", 7, "its certificate has been revoked")]
    [InlineData("100/16", 8, "its certificate is none of another node")]
    [InlineData("", 8, "its certificate is none of another node")]
    [InlineData("nonsense", 8, "its certificate is none of another node")]
    public void Who_may_not_have_a_tunnel_is_refused(string commonName, ulong serial, string reason)
    {
        Parameters(revoked: 7);
        Ask(0, commonName, serial);
        Assert.Equal(reason, Assert.Single(_openVpn.Refused).Reason);
        Assert.Empty(_openVpn.Admitted);
    }

    [Fact]
    public void As_many_are_served_as_may_be_natively_and_by_OpenVPN_together()
    {
        Parameters();
        _world.Call(1);
        Ask(0, "2/16", 2);
        Ask(1, "3/16", 3);
        Assert.Single(_openVpn.Admitted);
        Assert.Equal("no place is free", Assert.Single(_openVpn.Refused).Reason);
        _openVpn.Admitted[0].Owner.Tell(new OpenVpnClientGone(Server, 0));
        _kit.Settle();
        Ask(2, "3/16", 3);
        Assert.Equal(2, _openVpn.Admitted.Count);
    }

    [Fact]
    public void A_client_that_is_revoked_while_it_is_connected_is_cut_off_alone()
    {
        Parameters();
        Ask(0, "1/16", 7);
        Ask(1, "2/16", 8);
        foreach ((OpenVpnClientAsks asks, ActorRef owner) in _openVpn.Admitted)
            owner.Tell(new OpenVpnClientIn(Server, asks.Client));
        _kit.Settle();
        Parameters(revoked: 7);
        Assert.Equal((Server, 0u), Assert.Single(_openVpn.Killed));
    }

    [Fact]
    public void A_server_that_is_revoked_is_left()
    {
        Parameters();
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"));
        Up(0, serial: 7);
        Parameters(revoked: 7);
        Assert.Equal(_openVpn.Clients[0].Process, Assert.Single(_openVpn.Stopped));
    }

    [Fact]
    public void Of_two_tunnels_between_two_nodes_the_one_that_the_smaller_prefix_opened_goes_and_the_node_that_opened_it_destroys_it()
    {
        Parameters();
        _world.Learn(TunnelsWorld.Known(200, "198.51.100.200,1194,tcp"), TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"));
        int smaller = _openVpn.Clients.FindIndex(static client => client.Order.Peer == TunnelsWorld.Node(1)), greater = 1 - smaller;
        Up(smaller);
        Up(greater);
        Serve(0, "200/16", 2);   // we are smaller than 200: we give up ours
        Serve(1, "1/16", 3);     // and greater than 1: its one goes, which it does itself
        _kit.Advance(TimeSpan.FromSeconds(1));
        DestroyTunnel order = Assert.Single(_world.Killer.ReceiveAll().OfType<DestroyTunnel>());
        Assert.Equal((_openVpn.Clients[greater].Owner, CloseReason.Duplicate, false), (order.Tunnel.Actor, order.Reason, order.IsForced));
        Assert.Empty(_openVpn.Stopped);
        Assert.Empty(_openVpn.Killed);
    }

    [Theory]
    [InlineData(null, false, true)]    // a node of re6st: what it opened
    [InlineData(false, false, true)]   // we serve it
    [InlineData(true, true, true)]     // its sender serves it
    [InlineData(null, true, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    public void A_peer_that_wants_its_tunnel_gone_means_one_of_two(bool? isPeersServer, bool haveOpened, bool isMeant)
    {
        Parameters();
        Serve(1, "5/16", 5);   // there is another way
        ActorRef owner = Connect(haveOpened);
        _kit.System.EventStream.Publish(new PeerKillRequested(TunnelsWorld.Node(1), isPeersServer is { } server ? new TunnelKill(44, CloseReason.Duplicate, server, Agrees: false) : null));
        _kit.Settle();
        PeerWantsDestruction[] wants = [.. _world.Killer.ReceiveAll().OfType<PeerWantsDestruction>()];
        Assert.Equal(isMeant ? [owner] : [], wants.Select(static w => w.Tunnel.Actor));
        if (isMeant)
            Assert.Equal(isPeersServer is null ? (Killer.NoRound, CloseReason.Retired) : (44u, CloseReason.Duplicate), (wants[0].Round, wants[0].Reason));
    }

    [Theory]
    [InlineData(false, true, true)]    // a node of re6st agrees that we close what we opened
    [InlineData(false, false, false)]
    [InlineData(true, true, true)]
    [InlineData(true, false, true)]
    public void An_answer_reaches_the_destruction_of_the_tunnel_that_it_means(bool isNumbered, bool haveOpened, bool isMeant)
    {
        Parameters();
        Connect(haveOpened);
        var answer = new PeerKillAnswered(TunnelsWorld.Node(1), isNumbered ? new TunnelKill(44, CloseReason.Retired, haveOpened, Agrees: false) : null);
        _kit.System.EventStream.Publish(answer);
        _kit.Settle();
        Assert.Empty(_world.Killer.ReceiveAll());   // nothing is being destroyed
        _kit.System.EventStream.Publish(new DestructionChanged(new TunnelIndex(1), KillerState.Locked));
        _kit.System.EventStream.Publish(answer);
        _kit.Settle();
        PeerAnsweredDestruction[] answers = [.. _world.Killer.ReceiveAll().OfType<PeerAnsweredDestruction>()];
        Assert.Equal(isMeant ? [new PeerAnsweredDestruction(new TunnelIndex(1), isNumbered ? 44 : null, Agrees: !isNumbered)] : [], answers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_whose_tunnel_we_need_is_refused_and_one_of_re6st_waits_in_vain(bool isNumbered)
    {
        TestProbe said = _kit.CreateProbe("said");
        _kit.System.EventStream.Subscribe<TellOfKill>(said.Ref);
        Parameters();
        Connect(haveOpened: false);   // there is no other tunnel
        _kit.System.EventStream.Publish(new PeerKillRequested(TunnelsWorld.Node(1), isNumbered ? new TunnelKill(44, CloseReason.Retired, IsServer: false, Agrees: false) : null));
        _kit.Settle();
        Assert.Empty(_world.Killer.ReceiveAll());
        Assert.Equal(isNumbered ? [new TunnelKill(44, CloseReason.Retired, IsServer: true, Agrees: false)] : [], said.ReceiveAll().Cast<TellOfKill>().Select(static t => t.Kill));
    }

    [Fact]
    public void A_client_that_makes_room_for_a_node_without_tunnels_is_destroyed_in_order_and_at_last_in_any_case()
    {
        Parameters();
        Serve(0, "1/16", 1);
        Serve(1, "2/16", 2);
        _world.Call(7, isOnly: true);
        DestroyTunnel order = Assert.Single(_world.Killer.ReceiveAll().OfType<DestroyTunnel>());
        Assert.Equal((CloseReason.Retired, true), (order.Reason, order.IsForced));
        Assert.Empty(_openVpn.Killed);
        _world.Manager.Tell(new DestructionForced(order.Tunnel.Index, order.Reason, order.Text));
        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(_openVpn.Killed);
    }

    [Fact]
    public void When_the_network_wants_tunnels_otherwise_those_that_we_opened_are_opened_anew()
    {
        Parameters(hello: 15);
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"));
        Up(0);
        Parameters(hello: 15, revoked: 70);
        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_openVpn.Stopped);
        Parameters(hello: 30);
        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(_openVpn.Stopped);
        _openVpn.Clients[0].Owner.Tell(new OpenVpnEnded(_openVpn.Clients[0].Process, "SIGTERM"));
        _kit.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(120), _openVpn.Clients[1].Order.Link.Silence);
    }

    [Fact]
    public void An_address_at_which_two_servers_see_us_is_where_our_own_servers_are_advertised()
    {
        Parameters();
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"), TunnelsWorld.Known(2, "198.51.100.2,1194,tcp"));
        Up(0, seenAt: "203.0.113.7");
        Assert.DoesNotContain(_world.Bootstrap.ReceiveAll(), static m => m is AdvertisedAddressesChanged);
        Up(1, seenAt: "203.0.113.7");
        Assert.Equal("203.0.113.7,1194,tcp", _world.Bootstrap.ReceiveAll().OfType<AdvertisedAddressesChanged>().Single().Addresses.ToString());
    }

    [Fact]
    public void One_server_is_enough_where_the_address_is_the_machines_own_and_another_address_takes_its_place()
    {
        TunnelsWorld world = WorldAt(AddressList.Empty, "203.0.113.7", "203.0.113.8");
        Up(0, seenAt: "203.0.113.7", kit: world.Kit);
        Assert.Equal("203.0.113.7,1194,tcp", world.Bootstrap.ReceiveAll().OfType<AdvertisedAddressesChanged>().Single().Addresses.ToString());
        Up(1, seenAt: "203.0.113.8", kit: world.Kit);
        Assert.Equal("203.0.113.8,1194,tcp", world.Bootstrap.ReceiveAll().OfType<AdvertisedAddressesChanged>().Single().Addresses.ToString());
    }

    [Theory]
    [InlineData("192.0.2.5,1194,tcp", false)]    // the operator has said it
    [InlineData("192.0.2.5,1326,mesh", true)]    // of native tunnels
    [InlineData("2001:db8::5,1194,tcp6", true)]  // of the other family
    public void What_is_advertised_already_is_not_put_beside_what_servers_say(string advertised, bool isAdded)
    {
        TunnelsWorld world = WorldAt(TunnelsWorld.Known(1, advertised).Addresses, "203.0.113.7");
        world.Bootstrap.ReceiveAll();
        Up(0, seenAt: "203.0.113.7", kit: world.Kit);
        Assert.Equal(isAdded ? [$"{advertised};203.0.113.7,1194,tcp"] : [], world.Bootstrap.ReceiveAll().OfType<AdvertisedAddressesChanged>().Select(static c => c.Addresses.ToString()), StringComparer.Ordinal);
    }

    [Fact]
    public void An_address_of_a_family_that_we_do_not_serve_is_not_advertised()
    {
        TunnelsWorld world = WorldAt(AddressList.Empty, "2001:db8::5");
        Up(0, seenAt: "2001:db8::5", kit: world.Kit);
        Assert.DoesNotContain(world.Bootstrap.ReceiveAll(), static m => m is AdvertisedAddressesChanged);
    }

    private TunnelsWorld WorldAt(AddressList advertised, params string[] local)
    {
        _openVpn.Clients.Clear();
        var world = new TunnelsWorld(Options with { Advertised = advertised, LocalAddresses = local.Select(static a => IPAddress.Parse(a)).ToHashSet() }, openVpn: _openVpn.With());
        Parameters(world.Kit, hello: 15);
        world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"), TunnelsWorld.Known(2, "198.51.100.2,1194,tcp"));
        return world;
    }

    private void Parameters(int hello = 15, params ulong[] revoked) => Parameters(_kit, hello, revoked);

    private static void Parameters(ActorTestKit kit, int hello, params ulong[] revoked)
    {
        var parameters = new NetworkParameters
        {
            Version = NetworkVersion.Initial,
            Protocol = 10,
            RegistryPrefix = TunnelsWorld.Node(0),
            Hello = TimeSpan.FromSeconds(hello),
            ClientCount = Options.ClientCount,
            MaxClients = Options.MaxClients,
            RevokedSerials = [.. revoked],
        };
        kit.System.EventStream.Publish(new NetworkParametersChanged(parameters));
        kit.Settle();
    }

    private void Up(int client, ulong serial = 5, string? seenAt = null, ActorTestKit? kit = null)
    {
        (OpenVpnProcessId process, OpenVpnClientOrder order, ActorRef owner) = _openVpn.Clients[client];
        owner.Tell(new OpenVpnUp(process, order.Link.Device, 10 + client, new OpenVpnPeer(order.Peer.CommonName, serial, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1194)), seenAt is null ? null : IPAddress.Parse(seenAt)));
        (kit ?? _kit).Settle();
    }

    private ActorRef Connect(bool haveOpened)
    {
        if (!haveOpened)
            return Serve(0, "1/16", 2);
        _world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1194,tcp"));
        Up(0);
        return _openVpn.Clients[0].Owner;
    }

    private ActorRef Serve(uint client, string commonName, ulong serial)
    {
        Ask(client, commonName, serial);
        ActorRef owner = _openVpn.Admitted[^1].Owner;
        owner.Tell(new OpenVpnClientIn(Server, client));
        _kit.Settle();
        return owner;
    }

    private void Ask(uint client, string commonName, ulong serial)
    {
        _world.Manager.Tell(new OpenVpnPeerAsks(RecordingOpenVpn.Asks(Server, client, commonName, serial), AddressProtocol.Tcp, Link: 7));
        _kit.Settle();
    }
}
