using Mesh.Actors;

namespace Mesh.Benchmarks.Kernel;

/// <summary>Named timers that are started again before they fire, as time-outs are.</summary>
internal static class Timers
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>Every actor puts its time-out off at each message; they take turns, so the one that is put off is always the next that would fire.</summary>
    public static double Rearm(BenchmarkOptions options, int actors, int count)
    {
        var system = new ActorSystem(new ActorSystemOptions { Seed = 1 });
        Props props = Props.Create<Watchdog>();
        ActorRef[] dogs = [.. Enumerable.Range(0, actors).Select(_ => system.ActorOf(props))];
        system.Loop.RunReady();
        int rounds = Math.Max(1, count / actors);
        Watch watch = Watch.Start(options);
        for (int round = 0; round < rounds; round++)
        {
            foreach (ActorRef dog in dogs)
            {
                system.Loop.Inject(dog, Alive.Instance);
                system.Loop.RunUntil(system.Loop.Now + new TimeSpan(1));
            }
        }

        return (double)rounds * actors / watch.Seconds;
    }

    private sealed class Alive
    {
        public static readonly Alive Instance = new();
    }

    private sealed class Watchdog : Actor
    {
        private static readonly object Key = new();

        protected override void Receive(object message) => Context.Timers.StartSingle(Key, message, Timeout);
    }
}
