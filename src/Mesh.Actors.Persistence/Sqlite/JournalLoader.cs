using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>A load whose turn has come.</summary>
/// <param name="Request">What was asked.</param>
/// <param name="Name">The stream's name, UTF-8.</param>
/// <param name="StreamId">Row of the stream, 0 where there is none, or <see cref="Unknown"/>.</param>
/// <param name="FirstEra">The era in which the stream began.</param>
/// <param name="Head">Sequence number of the last event to load.</param>
internal readonly record struct LoadTicket(LoadRequest Request, byte[] Name, long StreamId, long FirstEra, long Head)
{
    /// <summary>The writer could not find out where the stream is and where it ends.</summary>
    public const long Unknown = -1;
}

/// <summary>Reads streams back on a connection of its own, so that writing goes on meanwhile.</summary>
/// <remarks>Not a thread itself: <see cref="SqliteJournal"/> calls <see cref="Carry"/> on the one thread that reads. Each batch is a transaction of its own, so a long load
/// does not keep the write-ahead log from being cut; events do not change once they are there.</remarks>
internal sealed class JournalLoader : IDisposable
{
    private readonly JournalFile _file;
    private readonly SqliteJournalOptions _options;
    private readonly Counters _counters;
    private readonly SqliteConnection _connection;
    private readonly StoredRows _rows;
    private readonly StreamLookup _lookup;
    private readonly List<StoredRow> _batch = [];

    public JournalLoader(JournalFile file, SqliteJournalOptions options, Counters counters)
    {
        (_file, _options, _counters) = (file, options, counters);
        _connection = file.Connect(SqliteOpenMode.ReadOnly);
        _rows = new StoredRows(_connection);
        _lookup = new StreamLookup(_connection);
    }

    public void Carry(LoadTicket ticket)
    {
        LoadRequest request = ticket.Request;
        LoadFailed? failed;
        try
        {
            failed = Load(ticket);
        }
        catch (SqliteException e)
        {
            (JournalFailure failure, string clause) = SqliteFailure.Describe(e);
            failed = new LoadFailed(request.Id, failure, $"journal '{_file.Path}', stream '{request.Stream}': {clause}");
        }

        if (failed is null)
        {
            _counters.Loaded();
            return;
        }

        _counters.Failed();
        request.ReplyTo.Tell(failed, sender: null);
    }

    public void Dispose()
    {
        _rows.Dispose();
        _lookup.Dispose();
        _connection.Dispose();
    }

    private LoadFailed? Load(LoadTicket ticket)
    {
        LoadRequest request = ticket.Request;
        if (ticket.StreamId == LoadTicket.Unknown)
        {
            (long id, long firstEra) = _lookup.Find(ticket.Name);
            ticket = ticket with { StreamId = id, FirstEra = firstEra, Head = id == 0 ? 0 : _lookup.LastSequenceNr(id) };
        }

        long era = ticket.FirstEra;
        JournalSnapshot? snapshot = NewestSnapshot(ticket, ref era, out long beyond);
        if (beyond > 0 && _lookup.LastSequenceNr(ticket.StreamId) is var last && last < beyond)
            return Corrupt(request, $"event {last + 1} is missing: there is a snapshot of event {beyond}, but events only up to {last}");
        long at = snapshot?.SequenceNr ?? 0;
        do
        {
            _batch.Clear();
            _rows.ReadEvents(ticket.StreamId, ticket.Name, ref era, at, ticket.Head, _options.LoadBatchLength, _batch);
            var events = new JournalEvent[_batch.Count];
            for (int i = 0; i < events.Length; i++)
            {
                StoredRow row = _batch[i];
                if (row.SequenceNr != at + 1)
                    return Corrupt(request, $"event {at + 1} is missing, the next one is {row.SequenceNr}");
                if (!row.IsIntact)
                    return Corrupt(request, $"event {row.SequenceNr}: the checksum does not fit, the row is corrupt");
                at++;
                events[i] = new JournalEvent(row.SequenceNr, row.Type, row.Version, row.Payload, row.Utc);
            }

            if (events.Length == 0 && at < ticket.Head)
                return Corrupt(request, $"event {at + 1} is missing, and so are all up to {ticket.Head}");
            request.ReplyTo.Tell(new EventsLoaded(request.Id, snapshot, events, IsLast: at == ticket.Head), sender: null);
            snapshot = null;
        }
        while (at < ticket.Head);
        return null;
    }

    // Beyond the ticket's head is what was taken since the load was asked for, or what lost its events.
    private JournalSnapshot? NewestSnapshot(LoadTicket ticket, ref long era, out long beyond)
    {
        beyond = 0;
        _batch.Clear();
        _rows.ReadSnapshots(ticket.StreamId, ticket.Name, long.MaxValue, _batch);
        foreach (StoredRow row in _batch)
        {
            if (!row.IsIntact)
            {
                _counters.SnapshotCorrupt();
                _options.Warning?.Invoke($"journal '{_file.Path}', stream '{ticket.Request.Stream}', snapshot {row.SequenceNr}: the checksum does not fit; an older snapshot or the events are used instead");
            }
            else if (row.SequenceNr <= ticket.Head)
            {
                era = row.Era;
                return new JournalSnapshot(row.SequenceNr, row.Type, row.Version, row.Payload, row.Utc);
            }
            else
            {
                beyond = row.SequenceNr;
            }
        }

        return null;
    }

    private LoadFailed Corrupt(LoadRequest request, string what) =>
        new(request.Id, JournalFailure.Corrupt, $"stream '{request.Stream}', {what} (journal '{_file.Path}')");
}
