using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

/// <summary>With whom there are tunnels, which is replaced, and what is answered to a peer that wants one gone.</summary>
public sealed class TunnelsChoiceTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private const int Registry = 9;
    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(100), Network = Network, ClientCount = 3, MaxClients = 5 };

    [Fact]
    public void A_node_that_nobody_reaches_opens_two_tunnels_and_as_many_as_it_should_when_somebody_does()
    {
        var world = new TunnelsWorld(Options);
        Connect(world, clientCount: 5);
        world.Learn(1, 2, 3, 4, 6, 7, 8);
        Assert.Equal(2, world.Streams.Connects.Count);
        world.Call(Registry);
        world.Kit.Advance(Options.Tick);
        Assert.Equal(5, world.Streams.Connects.Count);
    }

    [Fact]
    public void Whoever_is_routed_and_no_neighbour_comes_first_then_others_that_are_known()
    {
        var world = new TunnelsWorld(Options);
        Connect(world, clientCount: 3, (1, 2), (1, 7));
        world.Call(Registry);
        world.Learn(1, 2, 3, 4, 6, 7, 8, Registry);
        Assert.Equal(3, world.Dialled.Count);
        Assert.Equal([TunnelsWorld.Node(2), TunnelsWorld.Node(7)], world.Dialled.Take(2).Order());
        Assert.DoesNotContain(TunnelsWorld.Node(Registry), world.Dialled);
    }

    [Fact]
    public void Who_is_a_neighbour_on_the_LAN_needs_no_tunnel_and_with_a_way_to_the_registry_there_nobody_is_alone()
    {
        var world = new TunnelsWorld(Options);
        TestProbe peers = world.Kit.CreateProbe("peers");
        world.Kit.System.EventStream.Subscribe<AskPeerAddress>(peers.Ref);
        Connect(world, clientCount: 3);   // by which the registry is known
        world.Kit.System.EventStream.Publish(new RoutesPublished([OnLan(2, 2), OnLan(7, 2), OnLan(Registry, Registry)]));
        world.Kit.Settle();
        world.Bootstrap.ReceiveAll();
        world.Learn(Registry, 2, 7);
        Assert.Equal([TunnelsWorld.Node(7)], world.Dialled);   // behind 2
        Assert.DoesNotContain(TunnelsWorld.Node(2), peers.ReceiveAll().OfType<AskPeerAddress>().Select(static a => a.Peer));
        world.Kit.Advance(TimeSpan.FromMinutes(2));
        Assert.InRange(world.Bootstrap.ReceiveAll().OfType<BootstrapWanted>().Count(), 0, 6);   // less and less often

        world.Kit.System.EventStream.Publish(new RoutesPublished([]));   // the cable is pulled
        world.Kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains(TunnelsWorld.Node(2), world.Dialled);
    }

    [Fact]
    public void Configured_neighbours_come_before_all_others()
    {
        var world = new TunnelsWorld(Options with { Neighbours = new HashSet<NodePrefix> { TunnelsWorld.Node(8) } });
        Connect(world, clientCount: 2, (1, 2), (1, 7));
        world.Learn(1, 2, 3, 4, 6, 7, 8);
        Assert.Equal(TunnelsWorld.Node(8), world.Dialled[0]);
    }

    [Fact]
    public void Nodes_that_are_routed_and_whose_address_nobody_has_told_are_asked_once_in_a_while()
    {
        var world = new TunnelsWorld(Options);
        TestProbe peers = world.Kit.CreateProbe("peers");
        world.Kit.System.EventStream.Subscribe<AskPeerAddress>(peers.Ref);
        StreamId server = world.Call(Registry);
        Connect(world, clientCount: 3, (1, 2), (1, 7), (1, 8));
        Assert.Equal([2, 7, 8], peers.ReceiveAll().OfType<AskPeerAddress>().Select(static a => (int)a.Peer.Value).Order());
        Live(world, TimeSpan.FromMinutes(4), server);
        Assert.Empty(peers.ReceiveAll());
        // One tells its address: that one is taken.
        world.Learn(7);
        Assert.Equal([TunnelsWorld.Node(7)], world.Dialled);
        Live(world, TimeSpan.FromMinutes(2), server);
        Assert.Equal([2, 8], peers.ReceiveAll().OfType<AskPeerAddress>().Select(static a => (int)a.Peer.Value).Distinct().Order());
    }

    [Fact]
    public void As_many_are_asked_as_there_are_places_and_then_others_one_by_one()
    {
        var world = new TunnelsWorld(Options);
        TestProbe peers = world.Kit.CreateProbe("peers");
        world.Kit.System.EventStream.Subscribe<AskPeerAddress>(peers.Ref);
        StreamId server = world.Call(Registry);
        Connect(world, clientCount: 10, [.. Enumerable.Range(20, 60).Select(static node => (1, node))]);
        Assert.Equal(10, peers.ReceiveAll().OfType<AskPeerAddress>().Count());
        for (int change = 0; change < 5; change++)
        {
            world.Kit.Advance(TimeSpan.FromMilliseconds(150));
            world.Learn([.. Enumerable.Range(3, change + 1)]);   // what others tell meanwhile
        }

        Assert.InRange(peers.ReceiveAll().OfType<AskPeerAddress>().Count(), 0, 1);
        Live(world, TimeSpan.FromMinutes(1), server);
        Assert.InRange(peers.ReceiveAll().OfType<AskPeerAddress>().Count(), 8, 14);
    }

    [Fact]
    public void Addresses_that_come_one_by_one_are_looked_at_together()
    {
        var world = new TunnelsWorld(Options);
        StreamId server = world.Call(Registry);
        Connect(world, clientCount: 3);
        Live(world, TimeSpan.FromSeconds(1), server);
        world.Learn(1);
        Assert.Single(world.Dialled);
        world.Learn(1, 2);
        world.Learn(1, 2, 3);
        Assert.Single(world.Dialled);
        world.Kit.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(3, world.Dialled.Count);
    }

    [Fact]
    public void Where_most_addresses_are_known_few_are_asked_for()
    {
        var world = new TunnelsWorld(Options);
        TestProbe peers = world.Kit.CreateProbe("peers");
        world.Kit.System.EventStream.Subscribe<AskPeerAddress>(peers.Ref);
        world.Call(Registry);
        world.Learn(1, 2, 3, 4, 6);
        Assert.Equal(3, world.Dialling.Count);
        foreach (int node in world.Dialling.ToArray())
            world.Close(world.DialTo(node));
        world.Kit.Advance(TimeSpan.FromMilliseconds(500));
        peers.ReceiveAll();
        Connect(world, clientCount: 3, (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 7));
        Assert.Equal(TunnelsWorld.Node(7), Assert.IsType<AskPeerAddress>(Assert.Single(peers.ReceiveAll())).Peer);
    }

    [Fact]
    public void The_tunnel_with_fewest_nodes_behind_it_is_replaced_when_it_is_time_to()
    {
        var world = new TunnelsWorld(Options with { ClientCount = 2 });
        StreamId server = world.Call(Registry);
        world.Learn(1, 2);
        StreamId first = world.AnswerDial(1), second = world.AnswerDial(2);
        Connect(world, clientCount: 2, (IndexOf(world, 1), 1), (IndexOf(world, 1), 6), (IndexOf(world, 2), 2));
        Live(world, TimeSpan.FromSeconds(290), first, second, server);
        Assert.Empty(world.TakeDoomed());
        Live(world, TimeSpan.FromSeconds(20), first, second, server);
        (StreamId doomed, DestroyTunnel order) = Assert.Single(world.TakeDoomed());
        Assert.Equal((second, CloseReason.Retired, false), (doomed, order.Reason, order.IsForced));
        world.Kit.System.EventStream.Publish(new DestructionChanged(order.Tunnel.Index, KillerState.SoftLocking));
        Live(world, TimeSpan.FromMinutes(2), first, second, server);
        // When it is gone somebody else comes first, though the old peer is known, too.
        world.Learn(1, 2, 3);
        world.Cut(second);
        world.Kit.Advance(Options.Tick);
        Assert.Equal(TunnelsWorld.Node(3), world.Dialled[^1]);
    }

    [Fact]
    public void Nothing_is_replaced_while_there_are_free_places_or_where_the_operator_does_not_want_it()
    {
        var world = new TunnelsWorld(Options);
        StreamId server = world.Call(Registry);
        world.Learn(1, 2);
        StreamId first = world.AnswerDial(1), second = world.AnswerDial(2);
        Connect(world, clientCount: 3);
        Live(world, TimeSpan.FromMinutes(11), first, second, server);
        Assert.Empty(world.TakeDoomed());

        world = new TunnelsWorld(Options with { Refresh = false });
        server = world.Call(Registry);
        world.Learn(1, 2);
        (first, second) = (world.AnswerDial(1), world.AnswerDial(2));
        Connect(world, clientCount: 2);
        Live(world, TimeSpan.FromMinutes(11), first, second, server);
        Assert.Empty(world.TakeDoomed());
    }

    [Fact]
    public void The_only_tunnel_is_not_replaced()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        StreamId only = world.AnswerDial(1);
        Connect(world, clientCount: 1);
        Live(world, TimeSpan.FromMinutes(11), only);
        Assert.Empty(world.TakeDoomed());
        StreamId another = world.Call(2);
        Live(world, TimeSpan.FromMinutes(6), only, another);
        Assert.Equal(only, Assert.Single(world.TakeDoomed()).Stream);
    }

    [Theory]
    [InlineData(true, false, CloseReason.Retired, true)]
    [InlineData(false, false, CloseReason.Retired, false)]    // it is the only one
    [InlineData(true, true, CloseReason.Retired, false)]      // a neighbour is kept
    [InlineData(false, false, CloseReason.Duplicate, true)]   // its routes will show
    public void A_peer_that_wants_its_tunnel_gone_is_refused_where_it_is_needed(bool hasOther, bool isNeighbour, CloseReason reason, bool isTaken)
    {
        var world = new TunnelsWorld(Options with { Neighbours = isNeighbour ? new HashSet<NodePrefix> { TunnelsWorld.Node(1) } : [] });
        StreamId stream = world.Call(1);
        if (hasOther)
            world.Call(2);
        world.Frame(stream, new CloseRequest(reason, "x") { Round = 4 }.Encode);
        PeerWantsDestruction? passedOn = world.Killer.ReceiveAll().OfType<PeerWantsDestruction>().SingleOrDefault();
        Assert.Equal(isTaken, passedOn is { Round: 4 });
        Assert.Equal(isTaken ? 0 : 1, world.Sent(stream, CloseAnswer.Kind).Count);
        if (!isTaken)
            Assert.True(CloseAnswer.TryDecode(world.Sent(stream, CloseAnswer.Kind)[0].Payload.Span, out CloseAnswer? answer) && answer is { Round: 4, Agrees: false });
    }

    [Fact]
    public void Two_tunnels_between_two_nodes_are_looked_at_again_where_the_loser_could_not_go()
    {
        var world = new TunnelsWorld(Options with { ClientCount = 1 });
        world.Learn(200);
        StreamId own = world.AnswerDial(200), accepted = world.Call(200);
        Live(world, Options.Tick * 1.5, own, accepted);
        (StreamId doomed, DestroyTunnel order) = Assert.Single(world.TakeDoomed());
        Assert.Equal(own, doomed);
        Live(world, Options.Tick * 2, own, accepted);
        Assert.Empty(world.TakeDoomed());
        world.Kit.System.EventStream.Publish(new DestructionChanged(order.Tunnel.Index, null));
        Live(world, Options.Tick, own, accepted);
        Assert.Equal(own, Assert.Single(world.TakeDoomed()).Stream);
    }

    [Theory]
    [InlineData("DE", "FR", false)]
    [InlineData("FR", "DE", false)]
    [InlineData("FR", "FR", true)]
    [InlineData("FR", "fr", true)]
    [InlineData("FR", "CN", false)]   // both are listed, and differ
    [InlineData("DE", "US", true)]    // neither is
    [InlineData("FR", null, true)]
    [InlineData(null, "FR", true)]
    public void A_listed_country_has_tunnels_inside_itself_only(string? own, string? other, bool isAllowed)
    {
        var address = new AdvertisedAddress("198.51.100.1", 1326, AddressProtocol.Mesh, other);
        Assert.Equal(isAllowed, new CountryRule(["FR", "CN"], own).Allows(address));
        Assert.True(new CountryRule([], own).Allows(address));
        Assert.True(default(CountryRule).Allows(address));
    }

    [Fact]
    public void Where_countries_matter_the_registry_is_asked_for_ours_and_others_are_told()
    {
        var world = new TunnelsWorld(Options with { Listen = new System.Net.IPEndPoint(System.Net.IPAddress.Any, 1326), Advertised = TunnelsWorld.Known(100).Addresses });
        Connect(world, 3, sameCountry: ["FR"]);
        Assert.Equal("198.51.100.100", world.Bootstrap.FishForMsg<CountryWanted>().Address);
        world.Manager.Tell(new CountryFound("DE"));
        world.Kit.Settle();
        Assert.Equal("198.51.100.100,1326,mesh,DE", world.Bootstrap.FishForMsg<AdvertisedAddressesChanged>().Addresses.ToString());
        world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1326,mesh,FR"), TunnelsWorld.Known(2, "198.51.100.2,1326,mesh,US"));
        world.Kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([TunnelsWorld.Node(2)], world.Dialled.Distinct());

        world = new TunnelsWorld(Options with { Country = "FR" });
        Connect(world, 3, sameCountry: ["FR"]);
        Assert.DoesNotContain(world.Bootstrap.ReceiveAll(), static m => m is CountryWanted);
        world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1326,mesh,FR"), TunnelsWorld.Known(2, "198.51.100.2,1326,mesh,US"));
        Assert.Equal([TunnelsWorld.Node(1)], world.Dialled);
    }

    private static NodeRoute OnLan(int node, int via) => new(TunnelsWorld.Node(node).Subnet(Network), default, TunnelsWorld.Node(via), 96) { Device = "eth0" };

    private static void Live(TunnelsWorld world, TimeSpan duration, params StreamId[] streams) => world.Live(duration, streams);

    private static int IndexOf(TunnelsWorld world, int peer) => world.DataPlane.Tunnels.Single(t => t.Value == world.OwnerOf(world.DialTo(peer))).Key.Value;

    // The registry's node is routed, and so are others: (tunnel, node).
    private static void Connect(TunnelsWorld world, int clientCount, params (int Tunnel, int Node)[] routed) => Connect(world, clientCount, sameCountry: null, routed);

    private static void Connect(TunnelsWorld world, int clientCount, string[]? sameCountry, params (int Tunnel, int Node)[] routed)
    {
        world.Kit.System.EventStream.Publish(new NetworkParametersChanged(
            new NetworkParameters { Version = NetworkVersion.Create(1, []), Protocol = 10, RegistryPrefix = TunnelsWorld.Node(Registry), ClientCount = clientCount, MaxClients = 5, SameCountry = sameCountry is null ? null : [.. sameCountry] }));
        (int Tunnel, int Node)[] all = [(1, Registry), .. routed];
        world.Kit.System.EventStream.Publish(new RoutesPublished(
            [.. all.Select(r => new NodeRoute(TunnelsWorld.Node(r.Node).Subnet(Network), new TunnelIndex(r.Tunnel), TunnelsWorld.Node(Registry), 96)).OrderBy(static route => route.Destination)]));
        world.Kit.Advance(Options.Tick);
    }
}
