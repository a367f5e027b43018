using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelDiallingTests
{
    private static readonly IPEndPoint[] Addresses = [IPEndPoint.Parse("[2001:db8::9]:1326"), IPEndPoint.Parse("198.51.100.2:1326"), IPEndPoint.Parse("203.0.113.2:1326")];
    private static readonly NodePrefix Stranger = NodePrefix.ParseCommonName("3/16");

    [Fact]
    public void Addresses_are_tried_a_moment_after_each_other_and_the_first_answer_is_taken()
    {
        TunnelWorld world = new TunnelWorld().StartClient(Addresses);
        Assert.Equal(Addresses[..1], world.Streams.Connects.Select(static c => c.Remote));
        world.Kit.Advance(TimeSpan.FromMilliseconds(250));
        world.Kit.Advance(TimeSpan.FromMilliseconds(249));
        Assert.Equal(Addresses[..2], world.Streams.Connects.Select(static c => c.Remote));
        Open(world, 1);
        Assert.Equal([world.Streams.Connects[0].Stream], world.Streams.Closed);
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, world.Streams.Connects.Count);
        // The other one was open already when it was closed; its end is not the tunnel's.
        Open(world, 0);
        world.Tell(new StreamClosed(world.Streams.Connects[0].Stream, "closed"));
        Assert.Equal(nameof(TunnelState.Greeting), world.LastState);
        Assert.All(world.Streams.Sent, frame => Assert.Equal(world.Streams.Connects[1].Stream, frame.Stream));
    }

    [Fact]
    public void An_address_that_refuses_lets_the_next_be_tried_at_once()
    {
        TunnelWorld world = new TunnelWorld().StartClient(Addresses);
        world.Tell(new StreamClosed(world.Streams.Connects[0].Stream, "connection refused"));
        world.Tell(new StreamClosed(world.Streams.Connects[1].Stream, "connection refused"));
        Assert.Equal(3, world.Streams.Connects.Count);
        world.Tell(new StreamClosed(world.Streams.Connects[2].Stream, "no route"));
        world.ExpectEnded("no route", wasUp: false);
    }

    [Fact]
    public void Whoever_else_answers_at_an_address_is_passed_over()
    {
        TunnelWorld world = new TunnelWorld().StartClient(Addresses[..2]);
        Open(world, 0, Stranger);
        Assert.Equal([world.Streams.Connects[0].Stream], world.Streams.Closed);
        Assert.Equal(2, world.Streams.Connects.Count);
        Open(world, 1);
        Assert.Equal(nameof(TunnelState.Greeting), world.LastState);
    }

    [Fact]
    public void All_that_was_opened_is_closed_when_the_tunnel_ends()
    {
        TunnelWorld world = new TunnelWorld().StartClient(Addresses);
        world.Kit.Advance(TimeSpan.FromSeconds(20));
        world.ExpectEnded("no connection", wasUp: false);
        Assert.Equal(world.Streams.Connects.Select(static c => c.Stream).Order(Comparer<StreamId>.Create(static (x, y) => x.Value.CompareTo(y.Value))), world.Streams.Closed);
        Assert.Throws<ArgumentException>(static () => TunnelActor.Client(TunnelWorld.Index, TunnelWorld.Peer, [], new TunnelOptions(), null!));
    }

    private static void Open(TunnelWorld world, int index, NodePrefix? peer = null)
    {
        (IPEndPoint remote, _, ActorRef _, StreamId stream) = world.Streams.Connects[index];
        world.Tell(new StreamOpened(stream, TunnelWorld.CertificateOf(peer ?? TunnelWorld.Peer), remote, Accepted: false));
    }
}
