namespace Mesh.Benchmarks.Kernel;

/// <summary>The actor kernel: delivery, timers, creation, persistence, memory.</summary>
public sealed class KernelBenchmarks : BenchmarkArea
{
    // Measured in its core as of 2024-10, on the 2-processor virtual machine that the targets are meant for.
    private const string Peer = "Akka.NET 2024-10";

    /// <inheritdoc/>
    public override string Name => "kernel";

    /// <inheritdoc/>
    public override string Summary => "messages, virtual time, timers, actors' creation and size, persistence";

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        yield return Higher(options, "messages_per_second_one_loop", "messages/s", () => Messages.OneLoop(options, options.Scale(20_000_000)))
            with { Target = 25e6, Peer = Peer, PeerValue = 5.2e6 };
        yield return Higher(options, "events_per_second_virtual_delay_10k", "events/s", () => VirtualDelays.Run(options, options.Scale(10_000), options.Scale(4_000_000)))
            with { Target = 8e6, Peer = Peer, PeerValue = 0.7e6 };
        yield return Higher(options, "messages_per_second_two_loops", "messages/s", () => Messages.TwoLoops(options.Scale(4_000_000)))
            with { Target = 4e6, Peer = Peer, PeerValue = 5.2e6 };
        yield return Lower(options, "bytes_per_idle_actor", "bytes", () => Actors.BytesPerIdleActor(options.Scale(500_000)))
            with { Target = 160, Peer = Peer, PeerValue = 1_730 };
        yield return Higher(options, "spawns_per_second", "actors/s", () => Actors.Spawn(options, options.Scale(500_000)))
            with { Peer = Peer, PeerValue = 43_000 };
        yield return Higher(options, "timers_per_second", "timers/s", () => Timers.Rearm(options, options.Scale(10_000), options.Scale(4_000_000)));
        yield return Lower(options, "allocated_bytes_per_message", "bytes", () => Messages.AllocatedBytesPerMessage(options.Scale(1_000_000)))
            with { Target = 0 };
        yield return Higher(options, "persisted_events_per_second_in_memory", "events/s", () => Persistence.InMemory(options, options.Scale(1_000), options.Scale(300_000)))
            with { Peer = Peer, PeerValue = 66_000 };
        if (options.JournalFactory is { } factory)
        {
            yield return Higher(options, "persisted_events_per_second", "events/s", () => Persistence.Durable(factory, options.Directory, options.Scale(2_000), options.Scale(200_000)))
                with { Target = 100e3, Peer = Peer + ", in memory", PeerValue = 66_000 };
        }
    }

    private static Metric Higher(BenchmarkOptions options, string name, string unit, Func<double> sample) =>
        Metric.Of(name, unit, Better.Higher, Sample(options, sample));

    private static Metric Lower(BenchmarkOptions options, string name, string unit, Func<double> sample) =>
        Metric.Of(name, unit, Better.Lower, Sample(options, sample));

    private static double[] Sample(BenchmarkOptions options, Func<double> sample)
    {
        // Warm-up: the first run is interpreted in part, and the tiers above it are compiled in the background while the second one runs.
        for (int i = 0; i < (options.IsQuick ? 1 : 2); i++)
            _ = sample();
        var samples = new double[options.MeasuredRuns];
        for (int i = 0; i < samples.Length; i++)
        {
            Collect();
            samples[i] = sample();
        }

        return samples;
    }

    internal static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
