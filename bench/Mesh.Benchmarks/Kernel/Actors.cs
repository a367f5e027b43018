using Mesh.Actors;

namespace Mesh.Benchmarks.Kernel;

/// <summary>Making actors and keeping them.</summary>
internal static class Actors
{
    private const int Batch = 1_000;   // started in batches, so that the run queue's growth is not counted as the actors'

    /// <summary>What one started actor without state of its own keeps alive.</summary>
    public static double BytesPerIdleActor(int count)
    {
        var system = new ActorSystem(new ActorSystemOptions());
        Make(system, Batch);
        Sampler.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Make(system, count);
        Sampler.Collect();
        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(system);
        return (after - before) / (double)count;
    }

    /// <summary>Makes and starts actors.</summary>
    public static double Spawn(BenchmarkOptions options, int count)
    {
        var system = new ActorSystem(new ActorSystemOptions());
        Watch watch = Watch.Start(options);
        Make(system, count);
        return count / watch.Seconds;
    }

    private static void Make(ActorSystem system, int count)
    {
        Props props = Props.Create<Idle>();
        for (int made = 0; made < count; made += Batch)
        {
            for (int i = made; i < Math.Min(count, made + Batch); i++)
                system.ActorOf(props);
            system.Loop.RunReady();
        }
    }

    private sealed class Idle : Actor
    {
        protected override void Receive(object message) => Unhandled(message);
    }
}
