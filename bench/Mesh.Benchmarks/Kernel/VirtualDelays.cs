using Mesh.Actors;

namespace Mesh.Benchmarks.Kernel;

/// <summary>What a simulation mostly does: messages that arrive after a virtual delay.</summary>
internal static class VirtualDelays
{
    private const int MinDelayTicks = 10_000;      // 1 ms
    private const int MaxDelayTicks = 1_000_000;   // 100 ms

    /// <summary>Each actor has one message in flight and sends it on to itself with a random delay.</summary>
    public static double Run(BenchmarkOptions options, int actors, int events)
    {
        var system = new ActorSystem(new ActorSystemOptions { Seed = 1 });
        Props props = Props.Create<Delayer>();
        for (int i = 0; i < actors; i++)
            system.ActorOf(props).Tell(Tick.Instance);
        system.Loop.RunReady();
        long before = system.Loop.Delivered;
        Watch watch = Watch.Start(options);
        TimeSpan step = TimeSpan.FromMilliseconds(10);
        while (system.Loop.Delivered - before < events)
            system.Loop.RunUntil(system.Loop.Now + step);
        return (system.Loop.Delivered - before) / watch.Seconds;
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed class Delayer : Actor
    {
        protected override void Receive(object message)
        {
            EventLoop loop = Context.System.Loop;
            loop.ScheduleTell(new TimeSpan(loop.Random.Next(MinDelayTicks, MaxDelayTicks)), Self, message, Self);
        }
    }
}
