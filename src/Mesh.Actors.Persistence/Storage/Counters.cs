namespace Mesh.Actors.Persistence.Storage;

/// <summary>The numbers behind <see cref="JournalStatistics"/>. Each of the journal's threads adds, any thread reads.</summary>
internal sealed class Counters
{
    private long _appends;
    private long _events;
    private long _snapshots;
    private long _transactions;
    private int _largestBatch;
    private long _conflicts;
    private long _failures;
    private long _loads;
    private long _corruptSnapshots;

    public void Committed(int appends, int events, int snapshots)
    {
        Interlocked.Add(ref _appends, appends);
        Interlocked.Add(ref _events, events);
        Interlocked.Add(ref _snapshots, snapshots);
        Interlocked.Increment(ref _transactions);
        if (events > _largestBatch)
            Volatile.Write(ref _largestBatch, events);   // only the writer's thread writes it
    }

    public void Conflicted() => Interlocked.Increment(ref _conflicts);

    public void Failed() => Interlocked.Increment(ref _failures);

    public void Loaded() => Interlocked.Increment(ref _loads);

    public void SnapshotCorrupt() => Interlocked.Increment(ref _corruptSnapshots);

    public JournalStatistics Read() => new(
        Interlocked.Read(ref _appends),
        Interlocked.Read(ref _events),
        Interlocked.Read(ref _snapshots),
        Interlocked.Read(ref _transactions),
        Volatile.Read(ref _largestBatch),
        Interlocked.Read(ref _conflicts),
        Interlocked.Read(ref _failures),
        Interlocked.Read(ref _loads),
        Interlocked.Read(ref _corruptSnapshots));
}
