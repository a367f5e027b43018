using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.Node.Routing;

namespace Mesh.Node.Tests.Routing;

/// <summary>Others refuse the routes of a router that comes back with an older number: none may be used twice, whenever the power fails.</summary>
public sealed class RouterIdentityTests
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public void The_router_id_stays_and_numbers_go_on_behind_the_last_that_may_have_been_used()
    {
        RouterIdentity first = new Start(_disk).Identity;
        Assert.Equal(RouterIdentityActor.Step, first.Limit.DistanceFrom(first.First));
        RouterIdentity former = first;
        for (int i = 0; i < 3_000; i++)   // past the end of the numbers
        {
            RouterIdentity next = new Start(_disk, seed: (ulong)i + 2).Identity;
            Assert.Equal(first.RouterId, next.RouterId);
            Assert.Equal(former.Limit.Next, next.First);
            Assert.Equal(RouterIdentityActor.Step, next.Limit.DistanceFrom(next.First));
            former = next;
        }
    }

    [Fact]
    public void More_numbers_are_reserved_before_they_are_given()
    {
        var start = new Start(_disk);
        var seqno = new Seqno((ushort)(start.Identity.First.Value + 20));
        start.Actor.Tell(new ReserveSeqnos(seqno), start.Owner.Ref);
        start.Kit.Settle();
        RouterIdentity more = start.Owner.ExpectMsg<RouterIdentity>();
        Assert.Equal((start.Identity.RouterId, RouterIdentityActor.Step), (more.RouterId, more.Limit.DistanceFrom(seqno)));
        Assert.Equal(more.Limit.Next, new Start(_disk).Identity.First);
    }

    [Fact]
    public void What_could_not_be_stored_is_not_used()
    {
        var start = new Start(_disk);
        _disk.Crash(start.Kit.Now, new DeterministicRandom(1));   // what was not synced is lost, and so may not have been given
        Assert.Equal(start.Identity.Limit.Next, new Start(_disk).Identity.First);
    }

    [Fact]
    public void Another_node_has_another_router_id() =>
        Assert.NotEqual(new Start(_disk).Identity.RouterId, new Start(new SimulatedDisk(), seed: 5).Identity.RouterId);

    private sealed class Start
    {
        public Start(SimulatedDisk disk, ulong seed = 1)
        {
            Kit = new ActorTestKit(seed, RouterIdentityActor.AddTo(new EventSchema()), disk);
            Owner = Kit.CreateProbe("owner");
            Actor = Kit.ActorOf(Props.Create(() => new RouterIdentityActor(Owner.Ref)));
            Kit.Settle();
            Identity = Owner.ExpectMsg<RouterIdentity>();
        }

        public ActorTestKit Kit { get; }

        public TestProbe Owner { get; }

        public ActorRef Actor { get; }

        public RouterIdentity Identity { get; }
    }
}
