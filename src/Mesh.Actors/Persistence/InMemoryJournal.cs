namespace Mesh.Actors.Persistence;

/// <summary>A journal on a simulated disk. It takes virtual time, can be full or locked, and loses in a crash what was not yet on the disk.</summary>
/// <remarks>The disk outlives the journal: after a simulated crash make a new system with a new journal on the same <see cref="SimulatedDisk"/>.</remarks>
public sealed class InMemoryJournal(SimulatedDisk disk) : IJournal
{
    private readonly Dictionary<string, TimeSpan> _busyUntil = new(StringComparer.Ordinal);

    /// <summary>How long an append or a snapshot takes. Default 2 ms, an SSD with its write cache flushed.</summary>
    public TimeSpan WriteDelay { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>How long the disk keeps what it has reported as written in a cache that it loses with its power. Default 0: it does not lie.</summary>
    public TimeSpan CacheTime { get; set; }

    /// <summary>How long a load takes. Default 1 ms.</summary>
    public TimeSpan ReadDelay { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Writes fail in this way while it is set.</summary>
    public JournalFailure? WriteFault { get; set; }

    /// <summary>Loads fail in this way while it is set.</summary>
    public JournalFailure? ReadFault { get; set; }

    /// <summary>How many events one <see cref="EventsLoaded"/> holds at most. Default 512.</summary>
    public int LoadBatchLength { get; set; } = 512;

    /// <inheritdoc/>
    public void Append(AppendRequest request)
    {
        EventLoop loop = EventLoop.Of(request.ReplyTo);
        TimeSpan delay = Delay(loop, request.Stream, WriteDelay);
        JournalOutcome outcome;
        if (WriteFault is { } fault)
            outcome = new AppendFailed(request.Id, fault, $"stream '{request.Stream}': {Describe(fault)}");
        else if (!disk.TryAppend(request.Stream, request.Events, loop.Now + delay, loop.Now + delay + CacheTime, out string problem))
            outcome = new AppendFailed(request.Id, JournalFailure.Conflict, problem);
        else
            outcome = new AppendCompleted(request.Id);
        loop.ScheduleTell(delay, request.ReplyTo, outcome);
    }

    /// <inheritdoc/>
    public void Load(LoadRequest request)
    {
        EventLoop loop = EventLoop.Of(request.ReplyTo);
        TimeSpan delay = Delay(loop, request.Stream, ReadDelay);
        if (ReadFault is { } fault)
        {
            loop.ScheduleTell(delay, request.ReplyTo, new LoadFailed(request.Id, fault, $"stream '{request.Stream}': {Describe(fault)}"));
            return;
        }

        (JournalSnapshot? snapshot, IReadOnlyList<JournalEvent> events, long corruptAt) = disk.Read(request.Stream);
        if (corruptAt > 0)
        {
            loop.ScheduleTell(delay, request.ReplyTo, new LoadFailed(request.Id, JournalFailure.Corrupt, $"stream '{request.Stream}', event {corruptAt}: the checksum does not fit, the row is corrupt"));
            return;
        }

        int at = 0;
        do
        {
            int count = Math.Min(LoadBatchLength, events.Count - at);
            bool isLast = at + count == events.Count;
            loop.ScheduleTell(delay, request.ReplyTo, new EventsLoaded(request.Id, at == 0 ? snapshot : null, events.Skip(at).Take(count).ToArray(), isLast));
            at += count;
        }
        while (at < events.Count);
    }

    /// <inheritdoc/>
    public void SaveSnapshot(SnapshotRequest request)
    {
        EventLoop loop = EventLoop.Of(request.ReplyTo);
        TimeSpan delay = Delay(loop, request.Stream, WriteDelay);
        JournalOutcome outcome;
        if (WriteFault is { } fault)
        {
            outcome = new SnapshotFailed(request.Id, fault, $"stream '{request.Stream}': {Describe(fault)}");
        }
        else
        {
            disk.SetSnapshot(request.Stream, request.Snapshot, loop.Now, loop.Now + delay, loop.Now + delay + CacheTime);
            outcome = new SnapshotSaved(request.Id);
        }

        loop.ScheduleTell(delay, request.ReplyTo, outcome);
    }

    // Requests of one stream are carried out in order, whatever each of them takes.
    private TimeSpan Delay(EventLoop loop, string stream, TimeSpan duration)
    {
        TimeSpan end = loop.Now + duration;
        if (_busyUntil.TryGetValue(stream, out TimeSpan busy) && busy > end)
            end = busy;
        _busyUntil[stream] = end;
        return end - loop.Now;
    }

    private static string Describe(JournalFailure fault) => fault switch
    {
        JournalFailure.Full => "no space left on the simulated disk",
        JournalFailure.Locked => "the simulated journal is locked by another process",
        _ => $"the simulated disk fails ({fault})",
    };
}
