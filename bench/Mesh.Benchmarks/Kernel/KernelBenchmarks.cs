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
        var sampler = new Sampler(options);
        yield return sampler.Higher("messages_per_second_one_loop", "messages/s", target: 25e6, peer: 5.2e6, () => Messages.OneLoop(options, options.Scale(20_000_000)));
        yield return sampler.Higher(
            "events_per_second_virtual_delay_10k", "events/s", target: 8e6, peer: 0.7e6, () => VirtualDelays.Run(options, options.Scale(10_000), options.Scale(4_000_000)));
        yield return sampler.Higher("messages_per_second_two_loops", "messages/s", target: 4e6, peer: 5.2e6, () => Messages.TwoLoops(options.Scale(4_000_000)));
        yield return sampler.Lower("bytes_per_idle_actor", "bytes", target: 160, peer: 1_730, () => Actors.BytesPerIdleActor(options.Scale(500_000)));
        yield return sampler.Higher("spawns_per_second", "actors/s", target: null, peer: 43_000, () => Actors.Spawn(options, options.Scale(500_000)));
        yield return sampler.Higher("timers_per_second", "timers/s", target: null, peer: null, () => Timers.Rearm(options, options.Scale(10_000), options.Scale(4_000_000)));
        yield return sampler.Lower("allocated_bytes_per_message", "bytes", target: 0, peer: null, () => Messages.AllocatedBytesPerMessage(options.Scale(1_000_000)));
        yield return sampler.Higher(
            "persisted_events_per_second_in_memory", "events/s", target: null, peer: 66_000, () => Persistence.InMemory(options, options.Scale(1_000), options.Scale(300_000)));
        if (options.JournalFactory is not { } factory)
            yield break;
        yield return sampler.Higher(
            "persisted_events_per_second",
            "events/s",
            target: 100e3,
            peer: 66_000,
            () => Persistence.Durable(factory, options.Directory, options.Scale(2_000), options.Scale(200_000)));
    }

    internal static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private sealed class Sampler(BenchmarkOptions options)
    {
        public Metric Higher(string name, string unit, double? target, double? peer, Func<double> sample) =>
            Measure(name, unit, Better.Higher, target, peer, sample);

        public Metric Lower(string name, string unit, double? target, double? peer, Func<double> sample) =>
            Measure(name, unit, Better.Lower, target, peer, sample);

        private Metric Measure(string name, string unit, Better better, double? target, double? peer, Func<double> sample)
        {
            // Warm-up: the first run is compiled in haste, and the tiers above it are compiled in the background while the second one runs.
            for (int i = 0; i < (options.IsQuick ? 1 : 2); i++)
                _ = sample();
            var samples = new double[options.MeasuredRuns];
            for (int i = 0; i < samples.Length; i++)
            {
                Collect();
                samples[i] = sample();
            }

            return Metric.Of(name, unit, better, samples) with { Target = target, Peer = peer is null ? null : Peer, PeerValue = peer };
        }
    }
}
