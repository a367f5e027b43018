namespace Mesh.Actors.Persistence.Storage;

/// <summary>What writers of every store do alike with the requests of one transaction.</summary>
internal static class RequestBatch
{
    /// <summary>How many of the requests, at least one, go into one transaction.</summary>
    public static int CountThatFits(ReadOnlySpan<object> requests, int maxEvents, int maxBytes)
    {
        long events = 0;
        long bytes = 0;
        for (int i = 0; i < requests.Length; i++)
        {
            switch (requests[i])
            {
                case AppendRequest append:
                    events += append.Events.Count;
                    for (int e = 0; e < append.Events.Count; e++)
                        bytes += append.Events[e].Payload.Length;
                    break;
                case SnapshotRequest snapshot:
                    bytes += snapshot.Snapshot.Payload.Length;
                    break;
            }

            if (events > maxEvents || bytes > maxBytes)
                return Math.Max(i, 1);
        }

        return requests.Length;
    }

    /// <summary>Null where the events continue a stream that ends with <paramref name="head"/>.</summary>
    public static AppendFailed? ConflictOf(AppendRequest request, long head, string journal)
    {
        IReadOnlyList<JournalEvent> events = request.Events;
        for (int i = 0; i < events.Count; i++)
        {
            if (events[i].SequenceNr != head + 1 + i)
            {
                return new AppendFailed(
                    request.Id,
                    JournalFailure.Conflict,
                    $"stream '{request.Stream}' ends with event {head + i}, and event {events[i].SequenceNr} was to follow: has another writer appended to it? (journal '{journal}')");
            }
        }

        return null;
    }

    /// <summary>Null where the snapshot is of events that a stream ending with <paramref name="head"/> has.</summary>
    public static SnapshotFailed? ConflictOf(SnapshotRequest request, long head, string journal) => request.Snapshot.SequenceNr <= head
        ? null
        : new SnapshotFailed(
            request.Id, JournalFailure.Conflict, $"stream '{request.Stream}' ends with event {head}, and the snapshot is of event {request.Snapshot.SequenceNr} (journal '{journal}')");

    /// <summary>The outcome of a write that failed with the rest of its transaction; null for what is no write.</summary>
    /// <param name="clause">Continues "journal '/x', stream 'y': ...".</param>
    public static JournalOutcome? Refusal(object request, JournalFailure failure, string journal, string clause) => request switch
    {
        AppendRequest append => new AppendFailed(append.Id, failure, $"journal '{journal}', stream '{append.Stream}': {clause}"),
        SnapshotRequest snapshot => new SnapshotFailed(snapshot.Id, failure, $"journal '{journal}', stream '{snapshot.Stream}': {clause}"),
        _ => null,
    };

    /// <summary>Counts the outcome of a write and tells it.</summary>
    public static void Tell(object request, JournalOutcome? outcome, Counters counters)
    {
        if (outcome is null)
            return;
        if (outcome is AppendFailed { Failure: JournalFailure.Conflict } or SnapshotFailed { Failure: JournalFailure.Conflict })
            counters.Conflicted();
        else if (outcome is AppendFailed or SnapshotFailed)
            counters.Failed();
        (request is AppendRequest append ? append.ReplyTo : ((SnapshotRequest)request).ReplyTo).Tell(outcome, sender: null);
    }
}
