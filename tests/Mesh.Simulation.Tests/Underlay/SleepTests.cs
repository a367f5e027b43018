using System.Net;
using Mesh.Actors;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

/// <summary>Machines that are suspended, and parts of the Internet that are cut off.</summary>
public sealed class SleepTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly TestUnderlay _world = new();
    private readonly Machine _a;
    private readonly Machine _b;
    private readonly List<string> _received = [];
    private readonly TcpConnection _connection;

    public SleepTests()
    {
        _a = _world.AddPublic("198.18.0.1");
        _b = _world.AddPublic("198.18.0.2");
        Assert.True(_b.Tcp.Listen(80, accepted => accepted.Received = bytes => _received.Add($"{bytes.Span[0]}")));
        _connection = _a.Tcp.Connect(new IPEndPoint(_b.Address, 80));
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.True(_connection.IsOpen);
    }

    [Fact]
    public void A_sleeping_machine_loses_datagrams_and_gets_the_bytes_of_connections_when_it_wakes()
    {
        List<(IPEndPoint From, TimeSpan At, byte Octet)> datagrams = _world.Listen(_b, 9);
        _b.Sleep();
        _b.Sleep();   // twice is once
        _connection.Send([1]);
        _connection.Send([2]);
        TestUnderlay.SendUdp(_a, 9, new IPEndPoint(_b.Address, 9));
        _world.Run(Hour);
        Assert.Empty(_received);
        Assert.Equal(1, _world.Engine.Undelivered);
        _b.Wake();
        Assert.Equal(["1", "2"], _received);
        Assert.Empty(datagrams);
        TestUnderlay.SendUdp(_a, 9, new IPEndPoint(_b.Address, 9));
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Single(datagrams);
    }

    [Fact]
    public void What_a_sleeping_machine_was_to_do_it_does_when_it_wakes_and_its_clocks_have_gone_on()
    {
        TimeSpan done = TimeSpan.Zero;
        _b.After(TimeSpan.FromSeconds(1), () => done = _b.System!.Loop.Now);
        _b.Sleep();
        _world.Run(Hour);
        Assert.Equal(TimeSpan.Zero, done);
        _b.Wake();
        Assert.Equal(_world.Engine.Now, done);   // it was switched on when the world began
    }

    [Fact]
    public void A_timer_that_came_due_in_sleep_fires_when_the_machine_wakes_and_not_in_the_past()
    {
        List<(IPEndPoint From, TimeSpan At, byte Octet)> arrived = _world.Listen(_a, 9);
        _b.System!.ActorOf(Props.Create(() => new Alarm(() => TestUnderlay.SendUdp(_b, 9, new IPEndPoint(_a.Address, 9)))));
        _b.Settle();
        _b.Sleep();
        _world.Run(Hour);
        TimeSpan woken = _world.Engine.Now;
        _b.Wake();
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(woken + new InternetOptions().BaseLatency, Assert.Single(arrived).At);
    }

    [Fact]
    public void A_machine_that_is_switched_off_in_its_sleep_forgets_what_it_was_to_do()
    {
        bool isDone = false;
        _b.After(TimeSpan.FromSeconds(1), () => isDone = true);
        _b.Sleep();
        _world.Run(Hour);
        _b.Crash();
        Assert.False(_b.IsAsleep);
        _b.Wake();
        TestUnderlay.Boot(_b);
        _world.Run(Hour);
        Assert.False(isDone);
    }

    [Fact]
    public void An_island_goes_on_by_itself_and_TCP_gets_through_when_the_Internet_is_whole_again()
    {
        Machine neighbour = _world.AddPublic("198.18.0.3");
        List<(IPEndPoint From, TimeSpan At, byte Octet)> inside = _world.Listen(_b, 9), outside = _world.Listen(_a, 9);
        _world.Internet.Isolate([_b, neighbour]);
        _connection.Send([7]);
        TestUnderlay.SendUdp(neighbour, 9, new IPEndPoint(_b.Address, 9));
        TestUnderlay.SendUdp(neighbour, 9, new IPEndPoint(_a.Address, 9));
        _world.Run(TimeSpan.FromMinutes(1));
        Assert.Single(inside);
        Assert.Empty(outside);
        Assert.Empty(_received);
        _world.Internet.Isolate([]);
        _world.Run(TimeSpan.FromMinutes(2));
        Assert.Equal(["7"], _received);
    }

    [Fact]
    public void TCP_gives_up_after_as_many_repetitions_as_Linux()
    {
        _world.Internet.Isolate([_b]);
        _connection.Send([7]);
        _world.Run(Hour);
        _world.Internet.Isolate([]);
        _world.Run(Hour);
        Assert.Empty(_received);
        Assert.Equal(16, _world.Internet.Lost);
    }

    private sealed class Alarm(Action rings) : Actor
    {
        protected override void PreStart() => Context.Timers.StartSingle(nameof(Alarm), nameof(Alarm), TimeSpan.FromSeconds(1));

        protected override void Receive(object message) => rings();
    }
}
