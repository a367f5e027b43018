using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>Delivering costs no memory once the queues have grown.</summary>
public sealed class AllocationTests
{
    private const int Messages = 100_000;
    private static readonly object Ball = new();
    private static readonly object Key = new();

    private readonly ActorTestKit _kit = new();

    [Fact]
    public void Telling_and_delivering_allocates_nothing()
    {
        ActorRef left = _kit.ActorOf(Scripted.Props((self, m) => self.From.Tell(m)));
        ActorRef right = _kit.ActorOf(Scripted.Props((self, m) => self.From.Tell(m)));
        left.Tell(Ball, right);
        AssertAllocatesNothing(() => _kit.Loop.RunReady(Messages));
    }

    [Fact]
    public void Scheduled_messages_allocate_nothing()
    {
        for (int i = 0; i < 100; i++)
        {
            _kit.ActorOf(Scripted.Props((self, m) =>
            {
                EventLoop loop = self.Surroundings.System.Loop;
                loop.ScheduleTell(new TimeSpan(loop.Random.Next(10_000, 1_000_000)), self.Me, m, self.Me);
            })).Tell(Ball);
        }

        _kit.Advance(Seconds(1));
        AssertAllocatesNothing(() => RunUntilDelivered(Messages));
    }

    [Fact]
    public void Timers_that_are_put_off_and_timers_that_fire_allocate_nothing()
    {
        for (int i = 0; i < 100; i++)
        {
            double period = 1 + (i / 50.0);
            _kit.ActorOf(Scripted.Props(new Script
            {
                PreStart = self => self.Clockwork.StartPeriodic("period", Ball, Milliseconds(period)),
                Receive = (self, m) => self.Clockwork.StartSingle(Key, m, Seconds(30)),
            }));
        }

        _kit.Advance(Seconds(1));
        AssertAllocatesNothing(() => RunUntilDelivered(Messages));
    }

    private void RunUntilDelivered(int count)
    {
        long end = _kit.Loop.Delivered + count;
        while (_kit.Loop.Delivered < end)
            _kit.Loop.FireNext(TimeSpan.MaxValue);
    }

    private static void AssertAllocatesNothing(Action run)
    {
        run();   // queues and arrays grow, code is compiled
        long before = GC.GetAllocatedBytesForCurrentThread();
        run();
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 1_000, $"{allocated} bytes were allocated for {Messages} messages");   // the measurement's own
    }
}
