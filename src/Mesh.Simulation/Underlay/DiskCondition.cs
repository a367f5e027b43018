using Mesh.Actors.Persistence;

namespace Mesh.Simulation.Underlay;

/// <summary>How a machine's disk is.</summary>
/// <param name="WriteDelay">How long a write takes until it is durable: what waits for it waits as long, and a crash meanwhile loses it.</param>
/// <param name="IsFull">Writes fail, as they do where no space is left. What is there can be read.</param>
public sealed record DiskCondition(TimeSpan WriteDelay, bool IsFull)
{
    /// <summary>An SSD with room: 2 ms.</summary>
    public static DiskCondition Good { get; } = new(TimeSpan.FromMilliseconds(2), IsFull: false);

    /// <summary>How long it keeps what it has reported as written in a cache that a power failure empties; zero: it does not lie.</summary>
    public TimeSpan CacheTime { get; init; }

    internal void ApplyTo(InMemoryJournal journal)
    {
        journal.WriteDelay = WriteDelay;
        journal.CacheTime = CacheTime;
        journal.WriteFault = IsFull ? JournalFailure.Full : null;
    }
}
