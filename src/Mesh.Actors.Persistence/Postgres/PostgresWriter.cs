using System.Diagnostics;
using System.Text;
using Mesh.Actors.Persistence.Storage;
using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>A load whose turn has come.</summary>
/// <param name="Request">What was asked.</param>
/// <param name="Name">The stream's name, UTF-8.</param>
/// <param name="StreamId">Row of the stream, 0 where there is none, or <see cref="Unknown"/>.</param>
/// <param name="Head">Sequence number of the last event to load.</param>
internal readonly record struct LoadTicket(LoadRequest Request, byte[] Name, long StreamId, long Head)
{
    /// <summary>The writer could not find out where the stream is and where it ends.</summary>
    public const long Unknown = -1;
}

/// <summary>Carries out appends and snapshots, as many as are waiting in one transaction, over a connection that it makes anew when it is lost.</summary>
/// <remarks>
/// <para>Not a thread itself: <see cref="PostgresJournal"/> calls <see cref="Carry"/> on the one thread that writes.</para>
/// <code>
/// Closed --connected, epoch goes on, writer's lock taken--> Open --connection lost--> Closed, wait, again
///   any --the fence says that the epoch is over--> Fenced: every write from now on fails as Locked
/// </code>
/// <para>A connection that is lost while a transaction is on its way leaves it open whether it was committed. The next connection takes the writer's lock first, which the former
/// one holds until its backend has ended, and ends that backend where it has to. After that nothing can commit any more, so what is read then is final: either the
/// transaction is there, and its requests are told so, or it is not, and it is sent again.</para>
/// </remarks>
internal sealed class PostgresWriter : IDisposable
{
    private const int MaxAttempts = 4;   // of a transaction that meets keys of another writer
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(20);

    private readonly PostgresDatabase _database;
    private readonly long _epoch;
    private readonly Counters _counters;
    private readonly Action<LoadTicket> _load;
    private readonly ManualResetEventSlim _closing;
    private readonly StreamHeads _heads = new();
    private readonly PendingRows _rows = new();
    private readonly List<LoadTicket> _loads = [];
    private JournalOutcome?[] _outcomes = new JournalOutcome?[256];
    private NpgsqlConnection? _connection;
    private string? _fenced;
    private long? _downSince;
    private bool _isSent;

    /// <summary>Makes a writer for one epoch.</summary>
    /// <param name="load">Gets each load once what was asked for before it is committed.</param>
    /// <param name="closing">Set: there is no more waiting for a server that cannot be reached.</param>
    public PostgresWriter(PostgresDatabase database, long epoch, Counters counters, Action<LoadTicket> load, ManualResetEventSlim closing) =>
        (_database, _epoch, _counters, _load, _closing) = (database, epoch, counters, load, closing);

    /// <summary>Connects, so that whoever opens the journal learns at once what is wrong.</summary>
    public void Connect() => _ = Connection();

    /// <summary>Carries out requests in their order, in as many transactions as their size asks for, and tells their outcomes.</summary>
    public void Carry(ReadOnlySpan<object> requests)
    {
        while (!requests.IsEmpty)
        {
            int count = RequestBatch.CountThatFits(requests, _database.Options.MaxBatchEvents, _database.Options.MaxBatchBytes);
            Transact(requests[..count]);
            requests = requests[count..];
        }
    }

    public void Dispose() => _connection?.Dispose();

    private void Transact(ReadOnlySpan<object> requests)
    {
        if (_outcomes.Length < requests.Length)
            _outcomes = new JournalOutcome?[Math.Max(requests.Length, _outcomes.Length * 2)];
        Span<JournalOutcome?> outcomes = _outcomes.AsSpan(0, requests.Length);
        CarryOut(requests, outcomes);
        for (int i = 0; i < requests.Length; i++)
            RequestBatch.Tell(requests[i], outcomes[i], _counters);
        foreach (LoadTicket ticket in _loads)
            _load(ticket);
        _loads.Clear();
        outcomes.Clear();
    }

    // Tries until there is an outcome: committed, refused by the server, fenced, or the server cannot be reached for too long.
    private void CarryOut(ReadOnlySpan<object> requests, Span<JournalOutcome?> outcomes)
    {
        bool isUndecided = false;   // it is not known whether the transaction was committed
        int conflicts = 0;
        TimeSpan wait = ShortestWait;
        while (true)
        {
            try
            {
                if (_fenced is not null && !isUndecided)
                {
                    Refuse(requests, outcomes, JournalFailure.Locked, _fenced);
                    return;
                }

                NpgsqlConnection connection = Connection(evenIfFenced: isUndecided);
                if (isUndecided && IsCommitted(connection, requests, outcomes))
                {
                    Committed(outcomes, requests);
                    return;
                }

                isUndecided = false;
                if (_fenced is not null)
                    continue;
                Attempt(connection, requests, outcomes);
                return;
            }
            catch (Exception e)
            {
                _heads.Forget();
                _loads.Clear();
                bool wasSent = _isSent;
                _isSent = false;
                if (PostgresFailure.IsFenced(e))
                {
                    _fenced = PostgresFailure.Describe(e).Clause;
                    continue;
                }

                if (PostgresFailure.IsLostConnection(e))
                {
                    Disconnect();
                    isUndecided |= wasSent;
                    if (MayTryAgain(e, ref wait))
                        continue;
                }
                else if (e is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } && ++conflicts < MaxAttempts)
                {
                    continue;
                }

                (JournalFailure failure, string clause) = PostgresFailure.Describe(e);
                Refuse(requests, outcomes, failure, isUndecided ? $"{clause}; the events were on their way, so that it is not known whether they are stored" : clause);
                return;
            }
        }
    }

    private void Attempt(NpgsqlConnection connection, ReadOnlySpan<object> requests, Span<JournalOutcome?> outcomes)
    {
        _rows.Clear();
        _heads.Read(connection, requests);
        for (int i = 0; i < requests.Length; i++)
        {
            switch (requests[i])
            {
                case AppendRequest append:
                    outcomes[i] = Append(append);
                    break;
                case SnapshotRequest snapshot:
                    outcomes[i] = Save(snapshot);
                    break;
                case LoadRequest load:
                    // What is appended after it was asked for is not part of it, even where that is sooner committed than the load begins.
                    StreamHead head = _heads[load.Stream];
                    _loads.Add(new LoadTicket(load, head.Name, head.Id, head.SequenceNr));
                    break;
            }
        }

        if (!_rows.IsEmpty)
        {
            _isSent = true;
            _rows.Write(connection, _epoch);
            _isSent = false;
        }

        Committed(outcomes, requests);
    }

    private JournalOutcome Append(AppendRequest request)
    {
        StreamHead head = _heads[request.Stream];
        if (RequestBatch.ConflictOf(request, head.SequenceNr, _database.Place) is { } conflict)
            return conflict;
        EnsureStored(head);
        foreach (JournalEvent e in request.Events)
            _rows.AddEvent(head, e);
        head.SequenceNr += request.Events.Count;
        return new AppendCompleted(request.Id);
    }

    private JournalOutcome Save(SnapshotRequest request)
    {
        StreamHead head = _heads[request.Stream];
        if (RequestBatch.ConflictOf(request, head.SequenceNr, _database.Place) is { } conflict)
            return conflict;
        EnsureStored(head);
        _rows.AddSnapshot(head, request.Snapshot);
        return new SnapshotSaved(request.Id);
    }

    private void EnsureStored(StreamHead head)
    {
        if (head.Id != 0)
            return;
        head.Id = _heads.NextId();
        _rows.AddStream(head);
    }

    private void Committed(ReadOnlySpan<JournalOutcome?> outcomes, ReadOnlySpan<object> requests)
    {
        _downSince = null;
        (int appends, int events, int snapshots) = (0, 0, 0);
        for (int i = 0; i < requests.Length; i++)
        {
            if (outcomes[i] is AppendCompleted)
                (appends, events) = (appends + 1, events + ((AppendRequest)requests[i]).Events.Count);
            snapshots += outcomes[i] is SnapshotSaved ? 1 : 0;
        }

        if (appends + snapshots > 0)
            _counters.Committed(appends, events, snapshots);
    }

    // A transaction is there as a whole or not at all, so one of its events tells. Without any it is sent again: to store a snapshot twice does no harm.
    private bool IsCommitted(NpgsqlConnection connection, ReadOnlySpan<object> requests, ReadOnlySpan<JournalOutcome?> outcomes)
    {
        for (int i = 0; i < requests.Length; i++)
        {
            if (outcomes[i] is not AppendCompleted)
                continue;
            var append = (AppendRequest)requests[i];
            if (!PendingRows.IsStored(connection, append.Stream, append.Events[^1]))
                return false;
            foreach (object request in requests)
            {
                if (request is LoadRequest load)
                    _loads.Add(new LoadTicket(load, Encoding.UTF8.GetBytes(load.Stream), LoadTicket.Unknown, Head: 0));
            }

            return true;
        }

        return false;
    }

    // Writes of the batch fail; loads begin without knowing where the stream ends, and find out for themselves.
    private void Refuse(ReadOnlySpan<object> requests, Span<JournalOutcome?> outcomes, JournalFailure failure, string clause)
    {
        for (int i = 0; i < requests.Length; i++)
        {
            outcomes[i] = RequestBatch.Refusal(requests[i], failure, _database.Place, clause);
            if (requests[i] is LoadRequest load)
                _loads.Add(new LoadTicket(load, Encoding.UTF8.GetBytes(load.Stream), LoadTicket.Unknown, Head: 0));
        }
    }

    /// <summary>The connection that may write.</summary>
    /// <param name="evenIfFenced">To read is enough: the fence holds back whatever of an epoch that is over was still on its way.</param>
    private NpgsqlConnection Connection(bool evenIfFenced = false)
    {
        if (_connection is not null)
            return _connection;
        NpgsqlConnection connection = _database.Connect("mesh journal writer");
        try
        {
            PostgresLayout.CheckServer(connection);
            if (_fenced is null || !evenIfFenced)
                TakeLock(connection);
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (e is JournalException)   // what the server promises is too little: as bad as no server
                throw new NpgsqlException(e.Message, e);
            throw;
        }

        _heads.Forget();
        if (_downSince is not null)
            _database.Options.Warning?.Invoke($"journal '{_database.Place}': connected again");
        return _connection = connection;
    }

    private void TakeLock(NpgsqlConnection connection)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            using var batch = new NpgsqlBatch(connection);
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT fence($1)") { Parameters = { new NpgsqlParameter<long> { TypedValue = _epoch } } });
            var take = new NpgsqlBatchCommand("SELECT pg_try_advisory_lock($1, $2)");
            _database.Locks.Bind(take.Parameters, PostgresLocks.Writer);
            batch.BatchCommands.Add(take);

            // Within the fence's transaction: whoever holds the lock, no writer of a later epoch can be among them.
            var terminate = new NpgsqlBatchCommand($"SELECT pg_terminate_backend(pid) FROM ({PostgresLocks.Holders}) holders");
            _database.Locks.Bind(terminate.Parameters, PostgresLocks.Writer);
            batch.BatchCommands.Add(terminate);
            using (NpgsqlDataReader rows = batch.ExecuteReader())
            {
                _ = rows.NextResult();
                _ = rows.Read();
                if (rows.GetBoolean(0))
                    return;
            }

            if (Stopwatch.GetElapsedTime(start) > LockPatience)
                throw new NpgsqlException("the former writer's connection does not end");
            Thread.Sleep(LockPoll);
        }
    }

    private void Disconnect()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private bool MayTryAgain(Exception e, ref TimeSpan wait)
    {
        long now = Stopwatch.GetTimestamp();
        if (_downSince is null)
        {
            _downSince = now;
            _database.Options.Warning?.Invoke($"journal '{_database.Place}': {PostgresFailure.Describe(e).Clause}; trying again");
        }

        if (_closing.IsSet || Stopwatch.GetElapsedTime(_downSince.Value, now) >= _database.Options.ReconnectTimeout)
            return false;
        _ = _closing.Wait(wait);
        wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        return true;
    }
}
