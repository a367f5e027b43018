namespace Mesh.Actors.Persistence.Storage;

/// <summary>One load under way: finds the newest snapshot that is intact, tells the events after it in batches, and looks for gaps and damage.</summary>
/// <remarks>Where the store throws, <see cref="Run"/> may be called again: it goes on with the first event that was not told yet.</remarks>
internal sealed class StreamLoad(LoadRequest request, long head, string journal, int batchLength, Counters counters, Action<string>? warning)
{
    private readonly List<StoredRow> _batch = [];
    private JournalSnapshot? _snapshot;
    private bool _hasBegun;
    private bool _hasEnded;
    private long _at;

    /// <summary>What was asked for.</summary>
    public LoadRequest Request => request;

    /// <summary>Reads to the end and tells what it finds.</summary>
    /// <returns>Null, or what is wrong with the rows; to be told by the caller.</returns>
    public LoadFailed? Run(IStoredStream stream)
    {
        if (!_hasBegun)
        {
            // Nothing is read after a snapshot of the last event or of a later one, so that only the end of the stream tells whether it lost events.
            _snapshot = NewestSnapshot(stream, out long newest);
            if (newest >= head && newest > 0 && stream.LastSequenceNr() is var last && last < newest)
                return Corrupt($"event {last + 1} is missing: there is a snapshot of event {newest}, but events only up to {last}");
            _at = _snapshot?.SequenceNr ?? 0;
            _hasBegun = true;
        }

        while (!_hasEnded)
        {
            _batch.Clear();
            stream.ReadEvents(_at, head, batchLength, _batch);
            long at = _at;
            var events = new JournalEvent[_batch.Count];
            for (int i = 0; i < events.Length; i++)
            {
                StoredRow row = _batch[i];
                if (row.SequenceNr != at + 1)
                    return Corrupt($"event {at + 1} is missing, the next one is {row.SequenceNr}");
                if (!row.IsIntact)
                    return Corrupt($"event {row.SequenceNr}: the checksum does not fit, the row is corrupt");
                at++;
                events[i] = new JournalEvent(row.SequenceNr, row.Type, row.Version, row.Payload, row.Utc);
            }

            if (events.Length == 0 && at < head)
                return Corrupt($"event {at + 1} is missing, and so are all up to {head}");
            (_at, _hasEnded) = (at, at == head);
            if (_hasEnded)
                counters.Loaded();
            request.ReplyTo.Tell(new EventsLoaded(request.Id, _snapshot, events, IsLast: _hasEnded), sender: null);
            _snapshot = null;
        }

        return null;
    }

    // Beyond the head is what was taken since the load was asked for, or what lost its events.
    private JournalSnapshot? NewestSnapshot(IStoredStream stream, out long newest)
    {
        newest = 0;
        _batch.Clear();
        stream.ReadSnapshots(_batch);
        foreach (StoredRow row in _batch)
        {
            if (!row.IsIntact)
            {
                counters.SnapshotCorrupt();
                warning?.Invoke($"journal '{journal}', stream '{request.Stream}', snapshot {row.SequenceNr}: the checksum does not fit; an older snapshot or the events are used instead");
            }
            else
            {
                newest = Math.Max(newest, row.SequenceNr);
                if (row.SequenceNr > head)
                    continue;
                stream.BeginAt(row);
                return new JournalSnapshot(row.SequenceNr, row.Type, row.Version, row.Payload, row.Utc);
            }
        }

        return null;
    }

    private LoadFailed Corrupt(string what) =>
        new(request.Id, JournalFailure.Corrupt, $"stream '{request.Stream}', {what} (journal '{journal}')");
}
