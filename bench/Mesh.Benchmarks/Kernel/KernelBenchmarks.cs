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
        yield return Compare(sampler.Higher("messages_per_second_one_loop", "messages/s", () => Messages.OneLoop(options, options.Scale(20_000_000))), target: 25e6, peer: 5.2e6);
        yield return Compare(
            sampler.Higher("events_per_second_virtual_delay_10k", "events/s", () => VirtualDelays.Run(options, options.Scale(10_000), options.Scale(4_000_000))), target: 8e6, peer: 0.7e6);
        yield return Compare(sampler.Higher("messages_per_second_two_loops", "messages/s", () => Messages.TwoLoops(options.Scale(4_000_000))), target: 4e6, peer: 5.2e6);
        yield return Compare(sampler.Lower("bytes_per_idle_actor", "bytes", () => Actors.BytesPerIdleActor(options.Scale(500_000))), target: 160, peer: 1_730);
        yield return Compare(sampler.Higher("spawns_per_second", "actors/s", () => Actors.Spawn(options, options.Scale(500_000))), target: null, peer: 43_000);
        yield return sampler.Higher("timers_per_second", "timers/s", () => Timers.Rearm(options, options.Scale(10_000), options.Scale(4_000_000)));
        yield return Compare(sampler.Lower("allocated_bytes_per_message", "bytes", () => Messages.AllocatedBytesPerMessage(options.Scale(1_000_000))), target: 0, peer: null);
        yield return Compare(
            sampler.Higher("persisted_events_per_second_in_memory", "events/s", () => Persistence.InMemory(options, options.Scale(1_000), options.Scale(300_000))), target: null, peer: 66_000);
        if (options.JournalFactory is not { } factory)
            yield break;
        yield return Compare(
            sampler.Higher("persisted_events_per_second", "events/s", () => Persistence.Durable(factory, options.Directory, options.Scale(2_000), options.Scale(200_000))),
            target: 100e3,
            peer: 66_000);
    }

    private static Metric Compare(Metric metric, double? target, double? peer) => metric with { Target = target, Peer = peer is null ? null : Peer, PeerValue = peer };
}
