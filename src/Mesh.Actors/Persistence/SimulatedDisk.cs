namespace Mesh.Actors.Persistence;

/// <summary>What a machine's journal holds, and which part of it a crash would lose.</summary>
public sealed class SimulatedDisk
{
    private readonly SortedDictionary<string, Stream> _streams = new(StringComparer.Ordinal);

    /// <summary>Names of the streams that hold something.</summary>
    public IReadOnlyCollection<string> Streams => _streams.Keys;

    /// <summary>Number of events stored in a stream, durable or not.</summary>
    public int CountOf(string stream) => _streams.TryGetValue(stream, out Stream? found) ? found.Events.Count : 0;

    /// <summary>The program dies at <paramref name="now"/>, by itself or with the power. Appends that were under way survive wholly or not at all, earlier ones rather than later ones, as the
    /// draw of <paramref name="random"/> says; what was reported as completed survives, but in the cache of a disk that lies.</summary>
    /// <param name="now">When.</param>
    /// <param name="random">Decides what survives of that which need not.</param>
    /// <param name="isPowerLost">Whether the disk has lost its power, too: then appends that it has reported as completed, but held in its cache, fare as those that were under way. See <see cref="InMemoryJournal.CacheTime"/>.</param>
    /// <returns>How many events were lost.</returns>
    public int Crash(TimeSpan now, DeterministicRandom random, bool isPowerLost = false)
    {
        ArgumentNullException.ThrowIfNull(random);
        int lost = 0;
        foreach (Stream stream in _streams.Values)
        {
            int keep = stream.Events.Count;
            while (keep > 0 && SafeAt(stream.Events[keep - 1]) > now)
                keep--;
            while (keep < stream.Events.Count && random.Next(2) == 0)
            {
                TimeSpan append = SafeAt(stream.Events[keep]);
                while (keep < stream.Events.Count && SafeAt(stream.Events[keep]) == append)
                    keep++;
            }

            lost += stream.Events.Count - keep;
            stream.Events.RemoveRange(keep, stream.Events.Count - keep);
            if ((isPowerLost ? stream.SnapshotOnDiskAt : stream.SnapshotDurableAt) > now)
                stream.Snapshot = stream.PreviousSnapshot;
            stream.Settle(now, isPowerLost);
            if (stream.Snapshot is { } snapshot && snapshot.SequenceNr > stream.Events.Count)
                stream.Snapshot = null;
        }

        return lost;

        TimeSpan SafeAt(in Cell cell) => isPowerLost ? cell.OnDiskAt : cell.DurableAt;
    }

    /// <summary>The machine shuts down in order: everything is written. Without this or <see cref="Crash"/> a later machine's clock would be taken for this one's.</summary>
    public void Sync()
    {
        foreach (Stream stream in _streams.Values)
            stream.Settle(TimeSpan.Zero, isCacheEmpty: true);
    }

    /// <summary>Damages a stored event, so that the next load of the stream reports it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such event.</exception>
    public void Corrupt(string stream, long sequenceNr)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequenceNr, CountOf(stream));
        Stream found = _streams[stream];
        Cell cell = found.Events[(int)sequenceNr - 1];
        cell.IsCorrupt = true;
        found.Events[(int)sequenceNr - 1] = cell;
    }

    /// <summary>Replaces a stored event by what a newer or older program might have written.</summary>
    public void Replace(string stream, JournalEvent replacement)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        Stream found = _streams[stream];
        Cell cell = found.Events[(int)replacement.SequenceNr - 1];
        cell.Event = replacement;
        found.Events[(int)replacement.SequenceNr - 1] = cell;
    }

    internal bool TryAppend(string name, IReadOnlyList<JournalEvent> events, TimeSpan durableAt, TimeSpan onDiskAt, out string problem)
    {
        Stream stream = Find(name);
        if (events[0].SequenceNr != stream.Events.Count + 1)
        {
            problem = $"stream '{name}' has {stream.Events.Count} events, and event {events[0].SequenceNr} was to follow: another writer has appended to the stream";
            return false;
        }

        foreach (JournalEvent @event in events)
            stream.Events.Add(new Cell { Event = @event, DurableAt = durableAt, OnDiskAt = onDiskAt });
        problem = "";
        return true;
    }

    internal void SetSnapshot(string name, JournalSnapshot snapshot, TimeSpan now, TimeSpan durableAt, TimeSpan onDiskAt)
    {
        Stream stream = Find(name);
        if (stream.SnapshotOnDiskAt <= now)
            stream.PreviousSnapshot = stream.Snapshot;
        stream.Snapshot = snapshot;
        (stream.SnapshotDurableAt, stream.SnapshotOnDiskAt) = (durableAt, onDiskAt);
    }

    internal (JournalSnapshot? Snapshot, IReadOnlyList<JournalEvent> Events, long CorruptAt) Read(string name)
    {
        if (!_streams.TryGetValue(name, out Stream? stream))
            return (null, [], 0);
        int from = (int)(stream.Snapshot?.SequenceNr ?? 0);
        var events = new List<JournalEvent>(stream.Events.Count - from);
        for (int i = from; i < stream.Events.Count; i++)
        {
            if (stream.Events[i].IsCorrupt)
                return (null, [], i + 1);
            events.Add(stream.Events[i].Event);
        }

        return (stream.Snapshot, events, 0);
    }

    private Stream Find(string name)
    {
        if (!_streams.TryGetValue(name, out Stream? stream))
            _streams.Add(name, stream = new Stream());
        return stream;
    }

    private struct Cell
    {
        public JournalEvent Event;
        public TimeSpan DurableAt;   // when it is reported as completed, and survives the death of the program
        public TimeSpan OnDiskAt;    // when it survives a power failure: later, where the disk lies
        public bool IsCorrupt;
    }

    private sealed class Stream
    {
        public List<Cell> Events { get; } = [];

        public JournalSnapshot? Snapshot { get; set; }

        public JournalSnapshot? PreviousSnapshot { get; set; }

        public TimeSpan SnapshotDurableAt { get; set; } = TimeSpan.MinValue;

        public TimeSpan SnapshotOnDiskAt { get; set; } = TimeSpan.MinValue;

        /// <summary>Everything is durable, and was so before the next machine's clock began. What the cache holds it goes on to hold for what is left of its time; time in which no program runs does not count.</summary>
        public void Settle(TimeSpan now, bool isCacheEmpty)
        {
            foreach (ref Cell cell in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Events))
                (cell.DurableAt, cell.OnDiskAt) = (TimeSpan.MinValue, isCacheEmpty || cell.OnDiskAt <= now ? TimeSpan.MinValue : cell.OnDiskAt - now);
            (SnapshotDurableAt, SnapshotOnDiskAt) = (TimeSpan.MinValue, isCacheEmpty || SnapshotOnDiskAt <= now ? TimeSpan.MinValue : SnapshotOnDiskAt - now);
        }
    }
}
