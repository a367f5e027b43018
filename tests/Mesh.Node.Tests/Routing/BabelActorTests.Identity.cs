using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.Babel.Wire;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;

namespace Mesh.Node.Tests.Routing;

public sealed partial class BabelActorTests
{
    [Fact]
    public void Newer_numbers_are_given_as_long_as_somebody_asks_and_a_restart_goes_on_behind_them()
    {
        StartWithMemory("first");
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join();
        RouteSnapshot first = peer.RouteTo(Subnet(100))!.Value;
        Seqno last = first.Seqno;
        for (int i = 0; i < 3 * RouterIdentityActor.Step; i++)
        {
            peer.Request(new SeqnoRequestTlv(Subnet(100), last.Next, 10, first.RouterId));
            RouteSnapshot next = peer.RouteTo(Subnet(100))!.Value;
            Assert.Equal((first.RouterId, last.Next), (next.RouterId, next.Seqno));
            last = next.Seqno;
        }

        _kit.System.Stop(_babel);
        _kit.Settle();
        StartWithMemory("second");
        peer.Join();
        RouteSnapshot after = peer.RouteTo(Subnet(100))!.Value;
        Assert.Equal(first.RouterId, after.RouterId);
        Assert.InRange(after.Seqno.DistanceFrom(last), 1, RouterIdentityActor.Step + 1);
        Assert.True(after.IsSelected);
    }

    [Fact]
    public void What_comes_before_the_identity_is_known_is_handled_then()
    {
        _kit.Journal.ReadDelay = TimeSpan.FromSeconds(3);
        StartWithMemory("slow");
        TestProbe tunnel = _kit.CreateProbe(), asker = _kit.CreateProbe();
        _babel.Tell(new RoutingLinkUp(new TunnelIndex(5), Node(9), tunnel.Ref));
        _babel.Tell(new GetNeighbours(), asker.Ref);
        _kit.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(tunnel.ReceiveAll());
        Assert.Empty(asker.ReceiveAll());
        Assert.Equal(RouteKind.Unreachable, Lookup(Table, "2001:db8:42:9::1"));   // meanwhile nothing leaks
        _kit.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains(tunnel.ReceiveAll(), static message => message is RoutingPacket);
        asker.ExpectMsg<NeighboursStatus>();
    }

    private void StartWithMemory(string name)
    {
        var options = new RoutingOptions { Network = Network, Self = Self, HelloInterval = TimeSpan.FromSeconds(4), IsIdentityKept = true };
        _babel = _kit.ActorOf(Props.Create(() => new BabelActor(options, _dataPlane)), name);
        _kit.Settle();
    }
}
