using Mesh.Actors.Persistence.Storage;
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
            return;

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

        var stream = new Stream(_rows, _lookup, ticket);
        return new StreamLoad(request, ticket.Head, _file.Path, _options.LoadBatchLength, _counters, _options.Warning).Run(stream);
    }

    /// <summary>The stream of one load.</summary>
    private sealed class Stream(StoredRows rows, StreamLookup lookup, LoadTicket ticket) : IStoredStream
    {
        private long _era = ticket.FirstEra;

        public void ReadSnapshots(List<StoredRow> into) => rows.ReadSnapshots(ticket.StreamId, ticket.Name, long.MaxValue, into);

        public void ReadEvents(long after, long upTo, int limit, List<StoredRow> into) =>
            rows.ReadEvents(ticket.StreamId, ticket.Name, ref _era, after, upTo, limit, into);

        public void BeginAt(StoredRow snapshot) => _era = snapshot.Era;

        public long LastSequenceNr() => lookup.LastSequenceNr(ticket.StreamId);
    }
}
