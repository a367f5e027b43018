using System.Text;
using Mesh.Actors.Persistence.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>Carries out appends and snapshots, as many as are waiting in one transaction: while the disk syncs one, the next one gathers.</summary>
/// <remarks>Not a thread itself: <see cref="SqliteJournal"/> calls <see cref="Carry"/> on the one thread that writes.</remarks>
internal sealed class JournalWriter : IDisposable
{
    private const int TypeCapacity = 4096;

    private readonly JournalFile _file;
    private readonly SqliteJournalOptions _options;
    private readonly Counters _counters;
    private readonly Action<LoadTicket> _load;
    private readonly SqliteConnection _connection;
    private readonly StreamHeads _heads;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _rollback;
    private readonly Statement _addEvent;
    private readonly Statement _addSnapshot;
    private readonly Statement _dropSnapshots;
    private readonly Dictionary<string, byte[]> _types = new(StringComparer.Ordinal);
    private JournalOutcome?[] _outcomes = new JournalOutcome?[256];
    private readonly List<LoadTicket> _loads = [];

    /// <summary>Makes a writer with a connection of its own.</summary>
    /// <param name="load">Gets each load once what was asked for before it is on the disk.</param>
    public JournalWriter(JournalFile file, SqliteJournalOptions options, Counters counters, Action<LoadTicket> load)
    {
        (_file, _options, _counters, _load) = (file, options, counters, load);
        _connection = file.Connect(SqliteOpenMode.ReadWrite);
        _heads = new StreamHeads(_connection);
        _begin = new Statement(_connection, "BEGIN IMMEDIATE");
        _commit = new Statement(_connection, "COMMIT");
        _rollback = new Statement(_connection, "ROLLBACK");
        _addEvent = new Statement(_connection, "INSERT INTO event(stream, seq, utc, type, version, payload, checksum, era) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
        _addSnapshot = new Statement(_connection, "INSERT OR REPLACE INTO snapshot(stream, seq, utc, type, version, payload, checksum, era) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
        _dropSnapshots = new Statement(
            _connection, "DELETE FROM snapshot WHERE stream = ?1 AND seq NOT IN (SELECT seq FROM snapshot WHERE stream = ?1 ORDER BY seq DESC LIMIT 2)");
    }

    /// <summary>Carries out requests in their order, in as many transactions as their size asks for, and tells their outcomes.</summary>
    public void Carry(ReadOnlySpan<object> requests)
    {
        while (!requests.IsEmpty)
        {
            int count = RequestBatch.CountThatFits(requests, _options.MaxBatchEvents, _options.MaxBatchBytes);
            Transact(requests[..count]);
            requests = requests[count..];
        }
    }

    public void Dispose()
    {
        _heads.Dispose();
        _begin.Dispose();
        _commit.Dispose();
        _rollback.Dispose();
        _addEvent.Dispose();
        _addSnapshot.Dispose();
        _dropSnapshots.Dispose();
        _connection.Dispose();
    }

    private void Transact(ReadOnlySpan<object> requests)
    {
        if (_outcomes.Length < requests.Length)
            _outcomes = new JournalOutcome?[Math.Max(requests.Length, _outcomes.Length * 2)];
        Span<JournalOutcome?> outcomes = _outcomes.AsSpan(0, requests.Length);
        try
        {
            Attempt(requests, outcomes);
        }
        catch (Exception e)
        {
            Undo();
            (JournalFailure failure, string clause) = e is SqliteException sqlite ? SqliteFailure.Describe(sqlite) : (JournalFailure.Unavailable, $"{e.GetType().Name}: {e.Message}");
            Refuse(requests, outcomes, failure, clause);
        }

        for (int i = 0; i < requests.Length; i++)
            RequestBatch.Tell(requests[i], outcomes[i], _counters);
        foreach (LoadTicket ticket in _loads)
            _load(ticket);
        _loads.Clear();
        outcomes.Clear();
    }

    private void Attempt(ReadOnlySpan<object> requests, Span<JournalOutcome?> outcomes)
    {
        bool writes = false;
        foreach (object request in requests)
            writes |= request is not LoadRequest;
        if (writes)
            _begin.Run();
        _heads.Refresh();
        (int appends, int events, int snapshots) = (0, 0, 0);
        for (int i = 0; i < requests.Length; i++)
        {
            switch (requests[i])
            {
                case AppendRequest append:
                    outcomes[i] = Append(append);
                    if (outcomes[i] is AppendCompleted)
                        (appends, events) = (appends + 1, events + append.Events.Count);
                    break;
                case SnapshotRequest snapshot:
                    outcomes[i] = Save(snapshot);
                    snapshots += outcomes[i] is SnapshotSaved ? 1 : 0;
                    break;
                case LoadRequest load:
                    // What is appended after it was asked for is not part of it, even where that is sooner on the disk than the load begins.
                    StreamHead head = _heads.Find(load.Stream);
                    _loads.Add(new LoadTicket(load, head.Name, head.Id, head.FirstEra, head.SequenceNr));
                    break;
                case PageLimit limit:
                    using (var pragma = new Statement(_connection, $"PRAGMA max_page_count = {limit.Pages}"))
                        pragma.Run();
                    break;
            }
        }

        if (!writes)
            return;
        _commit.Run();
        if (appends + snapshots > 0)
            _counters.Committed(appends, events, snapshots);
    }

    private JournalOutcome Append(AppendRequest request)
    {
        StreamHead head = _heads.Find(request.Stream);
        if (RequestBatch.ConflictOf(request, head.SequenceNr, _file.Path) is { } conflict)
            return conflict;
        IReadOnlyList<JournalEvent> events = request.Events;
        _heads.EnsureStored(head);
        for (int i = 0; i < events.Count; i++)
        {
            JournalEvent e = events[i];
            Insert(_addEvent, _heads.Era, head.Id, head.EventChecksum, e.SequenceNr, e.Utc, e.Type, e.Version, e.Payload.Span);
        }

        _heads.Advance(head, events.Count);
        return new AppendCompleted(request.Id);
    }

    private JournalOutcome Save(SnapshotRequest request)
    {
        StreamHead head = _heads.Find(request.Stream);
        if (RequestBatch.ConflictOf(request, head.SequenceNr, _file.Path) is { } conflict)
            return conflict;
        JournalSnapshot s = request.Snapshot;
        _heads.EnsureStored(head);
        long era = s.SequenceNr == head.SequenceNr ? _heads.Era : head.FirstEra;
        Insert(_addSnapshot, era, head.Id, RowChecksum.OfStream(RowKind.Snapshot, head.Name), s.SequenceNr, s.Utc, s.Type, s.Version, s.Payload.Span);
        _dropSnapshots.Bind(1, head.Id).Run();
        return new SnapshotSaved(request.Id);
    }

    private void Insert(
        Statement statement, long era, long stream, uint ofStream, long sequenceNr, DateTimeOffset utc, string type, int version, ReadOnlySpan<byte> payload)
    {
        if (!_types.TryGetValue(type, out byte[]? utf8))
        {
            if (_types.Count == TypeCapacity)
                _types.Clear();
            _types.Add(type, utf8 = Encoding.UTF8.GetBytes(type));
        }

        statement.Bind(1, stream).Bind(2, sequenceNr).Bind(3, utc.UtcTicks).BindText(4, utf8).Bind(5, version).BindBlob(6, payload)
            .Bind(7, RowChecksum.Of(ofStream, era, sequenceNr, utc.UtcTicks, version, utf8, payload)).Bind(8, era).Run();
    }

    private void Undo()
    {
        try
        {
            // Where the disk is full SQLite has rolled back already.
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
                _rollback.Run();
        }
        catch (SqliteException)
        {
            // The first failure is the one to report; the next BEGIN tells whether the connection is of use.
        }

        _heads.Forget();
        _loads.Clear();
    }

    // Writes of the batch fail; loads begin without knowing where the stream ends, and find out for themselves.
    private void Refuse(ReadOnlySpan<object> requests, Span<JournalOutcome?> outcomes, JournalFailure failure, string clause)
    {
        for (int i = 0; i < requests.Length; i++)
        {
            outcomes[i] = RequestBatch.Refusal(requests[i], failure, _file.Path, clause);
            if (requests[i] is LoadRequest load)
                _loads.Add(new LoadTicket(load, Encoding.UTF8.GetBytes(load.Stream), LoadTicket.Unknown, FirstEra: 0, Head: 0));
        }
    }
}

/// <summary>Limits the database's size from now on. For tests.</summary>
/// <param name="Pages">Of 4 KiB.</param>
internal sealed record PageLimit(int Pages);
