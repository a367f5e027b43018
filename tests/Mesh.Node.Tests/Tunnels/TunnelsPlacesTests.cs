using Mesh.DataPlane;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelsPlacesTests
{
    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(100), ClientCount = 2, MaxClients = 3 };

    [Fact]
    public void A_peer_whose_certificate_is_refused_gets_nothing()
    {
        var world = new TunnelsWorld(Options);
        world.Revoked.Add(TunnelsWorld.Node(1));
        StreamId stream = world.Call(1);
        Assert.Contains(stream, world.Streams.Closed);
        Assert.Empty(world.DataPlane.Tunnels);
    }

    [Fact]
    public void As_many_are_served_as_may_be_and_one_more_is_told_that_no_place_is_free()
    {
        var world = new TunnelsWorld(Options);
        StreamId[] served = [world.Call(1), world.Call(2), world.Call(3)];
        StreamId refused = world.Call(4, finishes: false);
        Assert.Equal(CloseReason.Busy, world.AskedToClose(refused)?.Reason);
        Assert.All(served, s => Assert.Null(world.AskedToClose(s)));
        Assert.Single(world.Sent(refused, PeerAddresses.Kind));
        world.AgreeToClose(refused);
        Assert.Contains(refused, world.Streams.Closed);
        // A place that becomes free is given away again.
        world.Close(served[1]);
        Assert.Null(world.AskedToClose(world.Call(5)));
    }

    [Fact]
    public void A_peer_that_comes_anew_gets_the_place_of_its_old_tunnel()
    {
        var world = new TunnelsWorld(Options);
        StreamId old = world.Call(1);
        world.Call(2);
        world.Call(3);
        StreamId fresh = world.Call(1);
        Assert.Equal(CloseReason.Duplicate, world.AskedToClose(old)?.Reason);
        Assert.Null(world.AskedToClose(fresh));
    }

    [Fact]
    public void A_full_node_makes_room_for_a_peer_that_has_no_other_tunnel()
    {
        var world = new TunnelsWorld(Options);
        StreamId first = world.Call(1, isOnly: true), second = world.Call(2), third = world.Call(3, isOnly: true);
        StreamId newcomer = world.Call(4, isOnly: true);
        Assert.Null(world.AskedToClose(newcomer));
        (StreamId doomed, DestroyTunnel order) = Assert.Single(world.TakeDoomed());
        Assert.Equal((second, CloseReason.Retired, true), (doomed, order.Reason, order.IsForced));
        // Until its routes have moved away it goes on as before.
        Assert.All((StreamId[])[first, second, third], stream => Assert.Null(world.AskedToClose(stream)));
        // Now all depend on us: nobody is sacrificed any more.
        StreamId another = world.Call(5, isOnly: true);
        Assert.Equal(CloseReason.Busy, world.AskedToClose(another)?.Reason);
        Assert.Empty(world.TakeDoomed());
        // Where they do not move, the killer says so.
        world.Manager.Tell(new DestructionForced(order.Tunnel.Index, order.Reason, order.Text));
        world.Kit.Settle();
        Assert.Equal(CloseReason.Retired, world.AskedToClose(second)?.Reason);
    }

    [Fact]
    public void A_peer_that_has_others_never_displaces_anybody()
    {
        var world = new TunnelsWorld(Options);
        StreamId[] served = [world.Call(1), world.Call(2), world.Call(3)];
        Assert.Equal(CloseReason.Busy, world.AskedToClose(world.Call(4))?.Reason);
        Assert.All(served, s => Assert.Null(world.AskedToClose(s)));
    }

    [Fact]
    public void Streams_whose_peers_do_not_greet_are_limited_per_peer_and_in_all()
    {
        var world = new TunnelsWorld(Options);
        for (int i = 0; i < 5; i++)
            Open(world, 1);
        Assert.Equal(2, world.DataPlane.Tunnels.Count);
        for (int peer = 2; peer < 60; peer++)
            Open(world, peer);
        Assert.Equal(32, world.DataPlane.Tunnels.Count);
        // They hold no place, and are given up after the time for the exchange.
        world.Kit.Advance(TimeSpan.FromSeconds(11));
        Assert.Empty(world.DataPlane.Tunnels);
        Assert.Null(world.AskedToClose(world.Call(61)));
    }

    [Fact]
    public void One_of_our_attempts_says_that_we_have_no_other_tunnel_until_one_is_up()
    {
        var world = new TunnelsWorld(Options with { ClientCount = 3 });
        world.Learn(1, 2, 3);
        Assert.False(Greet(world, 1, fails: false) == Greet(world, 2, fails: false));
        StreamId up = world.AnswerDial(3);
        Assert.False(SaysOnly(world, 3));
        world.Learn(4, 5);
        foreach (int peer in (int[])[1, 2])
            world.Close(world.DialTo(peer));
        world.Kit.AwaitCondition(() => world.Dialling.Contains(4), "another attempt");
        Assert.False(Greet(world, 4, fails: false));
        world.Close(up, "reset by the peer");
        world.Kit.AwaitCondition(() => world.Dialling.Contains(5), "another attempt");
        Assert.True(Greet(world, 5, fails: false));
    }

    [Fact]
    public void The_next_attempt_says_it_where_the_first_was_refused()
    {
        var world = new TunnelsWorld(Options with { ClientCount = 1 });
        world.Learn(1);
        for (int i = 1; i <= 3; i++)
        {
            Assert.True(Greet(world, 1, fails: true));
            world.Kit.AwaitCondition(() => world.Streams.Connects.Count > i, "another attempt", TimeSpan.FromMinutes(1));
        }
    }

    [Theory]
    [InlineData(CloseReason.Retired, true)]
    [InlineData(CloseReason.NotAllowed, true)]
    [InlineData(CloseReason.Duplicate, false)]
    [InlineData(CloseReason.ShuttingDown, false)]
    public void A_tunnel_that_the_peer_did_not_want_is_left_alone_for_a_while(CloseReason reason, bool isLeftAlone)
    {
        var world = new TunnelsWorld(Options with { MinRetryDelay = TimeSpan.FromSeconds(60) });
        world.Learn(1);
        StreamId stream = world.AnswerDial(1);
        world.Live(TimeSpan.FromMinutes(5), stream);
        world.Frame(stream, new CloseRequest(reason, "").Encode);
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(isLeftAlone ? 1 : 2, world.Streams.Connects.Count);
    }

    private static void Open(TunnelsWorld world, int peer)
    {
        world.Manager.Tell(new Ports.StreamOpened(world.Streams.NewStream(), TunnelWorld.CertificateOf(TunnelsWorld.Node(peer)), TunnelsWorld.At(peer), Accepted: true));
        world.Kit.Settle();
    }

    // The peer's end opens, and we greet. Returns whether our hello says that we have no other tunnel.
    private static bool Greet(TunnelsWorld world, int peer, bool fails)
    {
        StreamId stream = world.DialTo(peer);
        world.OwnerOf(stream).Tell(new Ports.StreamOpened(stream, TunnelWorld.CertificateOf(TunnelsWorld.Node(peer)), TunnelsWorld.At(peer), Accepted: false));
        world.Kit.Settle();
        bool says = SaysOnly(world, peer);
        if (fails)
            world.Frame(stream, new CloseRequest(CloseReason.Busy, "no place is free").Encode);
        return says;
    }

    private static bool SaysOnly(TunnelsWorld world, int peer)
    {
        var frame = Assert.Single(world.Sent(world.DialTo(peer), TunnelHello.Kind));
        Assert.True(TunnelHello.TryDecode(frame.Payload.Span, out TunnelHello? hello));
        return hello.Capabilities.HasFlag(TunnelCapabilities.OnlyTunnel);
    }
}
