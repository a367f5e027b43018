using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Simulation.Tests.Underlay;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Engine;

public sealed class SimulationEngineTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Script_actions_happen_in_order_of_time_and_then_of_their_making()
    {
        var world = new TestUnderlay();
        var happened = new List<string>();
        world.Engine.At(Second * 2, () => happened.Add("late"));
        world.Engine.At(Second, () => happened.Add("first"));
        world.Engine.At(Second, () => happened.Add("second"));
        world.Engine.At(Second, () => world.Engine.At(TimeSpan.Zero, () => happened.Add("made meanwhile, for a time that has passed")));
        world.Engine.RunUntil(Second);
        Assert.Equal(["first", "second", "made meanwhile, for a time that has passed"], happened, StringComparer.Ordinal);
        world.Engine.RunUntil(Second * 3);
        Assert.Equal("late", happened[^1]);
        Assert.Equal(Second * 3, world.Engine.Now);
    }

    [Fact]
    public void At_one_instant_packets_arrive_in_the_order_of_their_sources_and_then_of_their_sending()
    {
        var world = new TestUnderlay();
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2"), to = world.AddPublic("198.18.0.3");
        var arrived = world.Listen(to, 9);
        var target = new IPEndPoint(to.Address, 9);
        TestUnderlay.SendUdp(b, 1, target, 3);
        TestUnderlay.SendUdp(a, 1, target, 1);
        TestUnderlay.SendUdp(b, 1, target, 4);
        TestUnderlay.SendUdp(a, 1, target, 2);
        world.Run(Second);
        Assert.Equal([1, 2, 3, 4], arrived.Select(p => p.Octet));
        Assert.Single(arrived.Select(p => p.At).Distinct());
    }

    [Fact]
    public void A_packet_never_arrives_at_the_instant_at_which_it_was_sent()
    {
        var world = new TestUnderlay(new InternetOptions { BaseLatency = TimeSpan.Zero, Jitter = TimeSpan.Zero });
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2");
        var arrived = world.Listen(b, 9);
        world.Engine.At(Second, () => TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9)));
        world.Run(Second * 2);
        Assert.Equal(Second + new TimeSpan(1), Assert.Single(arrived).At);
    }

    [Fact]
    public void A_machine_first_gets_what_arrives_and_then_fires_its_timers()
    {
        var world = new TestUnderlay();
        Machine a = world.AddPublic("198.18.0.1");
        var b = world.AddPublic("198.18.0.2");
        b.Crash();
        var happened = new List<string>();
        b.Boot(new EventSchema(), log: null, system => system.ActorOf(Props.Create(() => new Alarm(TimeSpan.FromMilliseconds(1), happened))));
        b.ListenUdp(9, _ => happened.Add("packet"));
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        world.Run(Second);
        Assert.Equal(["packet", "timer"], happened, StringComparer.Ordinal);
    }

    [Fact]
    public void Latency_is_the_distance()
    {
        var world = new TestUnderlay();
        Machine a = world.AddPublic("198.18.0.1", new Place(0, 0)), b = world.AddPublic("198.18.0.2", new Place(30, 40));
        var arrived = world.Listen(b, 9);
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        world.Run(Second);
        Assert.Equal(TimeSpan.FromMilliseconds(51), Assert.Single(arrived).At);
    }

    [Fact]
    public void A_condition_is_awaited_up_to_the_limit()
    {
        var world = new TestUnderlay();
        bool isTrue = false;
        world.Engine.At(Second * 3, () => isTrue = true);
        Assert.False(world.Engine.RunUntil(() => isTrue, Second * 2, Second / 10));
        Assert.Equal(Second * 2, world.Engine.Now);
        Assert.True(world.Engine.RunUntil(() => isTrue, Second * 2, Second / 10));
        Assert.Equal(Second * 3, world.Engine.Now);
    }

    [Fact]
    public void What_reaches_nobody_is_counted()
    {
        var world = new TestUnderlay();
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2");
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(IPAddress.Parse("198.18.9.9"), 9));
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        world.Run(Second);
        Assert.Equal(2, world.Engine.Undelivered);
        b.Crash();
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        world.Run(Second);
        Assert.Equal(3, world.Engine.Undelivered);
    }

    [Fact]
    public void A_cut_way_loses_everything_until_it_is_mended()
    {
        var world = new TestUnderlay();
        Machine a = world.AddPublic("198.18.0.1"), b = world.AddPublic("198.18.0.2");
        var arrived = world.Listen(b, 9);
        world.Internet.SetCut(b, a, isCut: true);
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        world.Run(Second);
        Assert.Empty(arrived);
        Assert.Equal(1, world.Internet.Lost);
        world.Internet.SetCut(a, b, isCut: false);
        TestUnderlay.SendUdp(a, 1, new IPEndPoint(b.Address, 9));
        world.Run(Second);
        Assert.Single(arrived);
    }

    private sealed class Alarm(TimeSpan after, List<string> happened) : Actor
    {
        protected override void PreStart() => Context.Timers.StartSingle(nameof(Alarm), nameof(Alarm), after);

        protected override void Receive(object message) => happened.Add("timer");
    }
}
