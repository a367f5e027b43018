using Mesh.Actors;
using Mesh.Actors.RealTime;

namespace Mesh.Benchmarks.Kernel;

/// <summary>Messages without delay.</summary>
internal static class Messages
{
    private const int InFlight = 512;   // per direction: as many conversations as a busy node has
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Two actors on one loop pass one message to and fro.</summary>
    public static double OneLoop(BenchmarkOptions options, int count)
    {
        ActorSystem system = PingPong();
        Watch watch = Watch.Start(options);
        long delivered = system.Loop.RunReady(count);
        return delivered / watch.Seconds;
    }

    /// <summary>Allocated by this thread while two actors pass a message to and fro.</summary>
    public static double AllocatedBytesPerMessage(int count)
    {
        ActorSystem system = PingPong();
        _ = system.Loop.RunReady(1_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long delivered = system.Loop.RunReady(count);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)delivered;
    }

    /// <summary>Two loops, each on its own thread, whose actors answer each other; counts messages that crossed, both ways.</summary>
    public static double TwoLoops(int count)
    {
        var left = new ActorSystem(new ActorSystemOptions { Name = "left" });
        var right = new ActorSystem(new ActorSystemOptions { Name = "right" });
        using var done = new ManualResetEventSlim();
        ActorRef echo = right.ActorOf(Props.Create(() => new Echo()));
        ActorRef counter = left.ActorOf(Props.Create(() => new Counter(echo, count / 2, done)));
        using RealTimeDriver leftDriver = RealTimeDriver.Start(left);
        using RealTimeDriver rightDriver = RealTimeDriver.Start(right);
        Watch watch = Watch.StartElapsed();
        for (int i = 0; i < InFlight; i++)
            counter.Tell(Ball.Instance, echo);
        if (!done.Wait(Patience))
            throw new InvalidOperationException($"the two loops did not exchange {count} messages within {Patience}");
        return count / watch.Seconds;
    }

    private static ActorSystem PingPong()
    {
        var system = new ActorSystem(new ActorSystemOptions());
        ActorRef left = system.ActorOf(Props.Create<Echo>());
        ActorRef right = system.ActorOf(Props.Create<Echo>());
        left.Tell(Ball.Instance, right);
        return system;
    }

    private sealed class Ball
    {
        public static readonly Ball Instance = new();
    }

    private sealed class Echo : Actor
    {
        protected override void Receive(object message) => Sender.Tell(message);
    }

    private sealed class Counter(ActorRef echo, int rounds, ManualResetEventSlim done) : Actor
    {
        private int _rounds;

        protected override void Receive(object message)
        {
            if (++_rounds == rounds)
                done.Set();
            else if (_rounds < rounds)
                echo.Tell(message);
        }
    }
}
