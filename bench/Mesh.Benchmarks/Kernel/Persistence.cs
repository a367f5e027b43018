using System.Diagnostics;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.RealTime;

namespace Mesh.Benchmarks.Kernel;

/// <summary>Many persistent actors that each store one event at a time.</summary>
internal static class Persistence
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>In virtual time on a simulated disk: what the kernel itself costs.</summary>
    public static double InMemory(BenchmarkOptions options, int actors, int events)
    {
        ActorSystem system = System(new InMemoryJournal(new SimulatedDisk()));
        var progress = new Progress(events);
        Start(system, actors, progress);
        Watch watch = Watch.Start(options);
        while (!progress.Done.IsSet)
            system.Loop.RunUntil(system.Loop.Now + TimeSpan.FromMilliseconds(1));
        return events / watch.Seconds;
    }

    /// <summary>In real time on a durable journal; the time runs from the first event to the last, without the recovery before it.</summary>
    public static double Durable(Func<string, IJournal> factory, string parent, int actors, int events)
    {
        string directory = Path.Combine(parent, $"mesh-benchmark-{Guid.NewGuid():n}");
        Directory.CreateDirectory(directory);
        IJournal journal = factory(directory);
        try
        {
            ActorSystem system = System(journal);
            var progress = new Progress(events);
            Start(system, actors, progress);
            using RealTimeDriver driver = RealTimeDriver.Start(system);
            if (!progress.Done.Wait(Patience))
                throw new InvalidOperationException($"{events} events were not stored within {Patience}; {system.LastFailure}");
            return events / Stopwatch.GetElapsedTime(progress.Began).TotalSeconds;
        }
        finally
        {
            (journal as IDisposable)?.Dispose();
            Directory.Delete(directory, recursive: true);
        }
    }

    private static ActorSystem System(IJournal journal) =>
        new(new ActorSystemOptions { Journal = journal, Schema = new EventSchema().Add<Counted>("benchmark.counted") });

    private static void Start(ActorSystem system, int actors, Progress progress)
    {
        for (int i = 0; i < actors; i++)
        {
            int number = i;
            system.ActorOf(Props.Create(() => new Account($"account-{number}", progress))).Tell(Next.Instance);
        }
    }

    private sealed record Counted(long Number);

    private sealed class Next
    {
        public static readonly Next Instance = new();
    }

    // Written by one loop only; the measuring thread reads it after Done.
    private sealed class Progress(int events)
    {
        private int _stored;

        public ManualResetEventSlim Done { get; } = new();

        public long Began { get; private set; }

        public void Handled()
        {
            if (Began == 0)
                Began = Stopwatch.GetTimestamp();
        }

        public bool Stored()
        {
            if (++_stored == events)
                Done.Set();
            return _stored < events;
        }
    }

    private sealed class Account(string id, Progress progress) : PersistentActor
    {
        private long _number;

        public override string PersistenceId => id;

        protected override void ReceiveCommand(object message)
        {
            progress.Handled();
            Persist(new Counted(_number + 1), counted =>
            {
                _number = counted.Number;
                if (progress.Stored())
                    Self.Tell(Next.Instance);
            });
        }

        protected override void ReceiveRecover(object message)
        {
            if (message is Counted counted)
                _number = counted.Number;
        }
    }
}
