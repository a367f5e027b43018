using System.Text;
using Mesh.Actors.Persistence.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>What a stream holds.</summary>
/// <param name="Name">The persistence id.</param>
/// <param name="EventCount">Events stored.</param>
/// <param name="LastSequenceNr">Sequence number of the last event, 0 where there is none. Differs from the count where events are missing.</param>
/// <param name="SnapshotCount">Snapshots stored, at most two.</param>
public sealed record StreamSummary(string Name, long EventCount, long LastSequenceNr, int SnapshotCount);

/// <summary>A stored event and whether it is still what was written.</summary>
/// <param name="Event">As found. Its version and time are zero where it is not intact.</param>
/// <param name="IsIntact">False where the checksum does not fit.</param>
public sealed record DumpedEvent(JournalEvent Event, bool IsIntact);

/// <summary>Looks into a <see cref="SqliteJournal"/>'s file without changing it, also while a process has it open.</summary>
/// <remarks>For one thread at a time. SQLite keeps an index of the write-ahead log beside the file while it reads, so a journal on a read-only medium has to be copied first.</remarks>
public sealed class JournalReader : IDisposable
{
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(5);
    private const int BatchLength = 512;

    private readonly SqliteConnection _connection;
    private readonly StoredRows _rows;
    private readonly StreamLookup _lookup;

    private JournalReader(string path, SqliteConnection connection) =>
        (Path, _connection, _rows, _lookup) = (path, connection, new StoredRows(connection), new StreamLookup(connection));

    /// <summary>The database file, absolute.</summary>
    public string Path { get; }

    /// <summary>Opens a journal for reading.</summary>
    /// <exception cref="JournalException">There is no such file, or it is no journal.</exception>
    public static JournalReader Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = System.IO.Path.GetFullPath(path);
        if (!File.Exists(path))
            throw new JournalException(JournalFailure.Unavailable, $"journal '{path}': there is no such file");
        SqliteConnection? connection = null;
        try
        {
            connection = JournalFile.Connect(path, SqliteOpenMode.ReadOnly, BusyTimeout);
            if (!JournalFile.Identify(connection, path))
                throw new JournalException(JournalFailure.Unavailable, $"journal '{path}': it is empty");
            return new JournalReader(path, connection);
        }
        catch (SqliteException e)
        {
            connection?.Dispose();
            throw Failure(path, e);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>All streams, ordered by name (by UTF-8 bytes).</summary>
    /// <exception cref="JournalException">The file cannot be read.</exception>
    public IReadOnlyList<StreamSummary> Streams()
    {
        try
        {
            using var rows = new Statement(_connection, """
                SELECT s.name, coalesce(e.count, 0), coalesce(e.last, 0), (SELECT count(*) FROM snapshot WHERE stream = s.id)
                FROM stream s LEFT JOIN (SELECT stream, count(*) AS count, max(seq) AS last FROM event GROUP BY stream) e ON e.stream = s.id ORDER BY s.name
                """);
            var streams = new List<StreamSummary>();
            while (rows.Step())
                streams.Add(new StreamSummary(Encoding.UTF8.GetString(rows.Bytes(0)), rows.Int64(1), rows.Int64(2), (int)rows.Int64(3)));
            return streams;
        }
        catch (SqliteException e)
        {
            throw Failure(Path, e);
        }
    }

    /// <summary>Events of a stream in order, none where there is no such stream. Read in batches while they are enumerated.</summary>
    /// <param name="stream">The persistence id.</param>
    /// <param name="from">Sequence number to begin with.</param>
    /// <exception cref="JournalException">The file cannot be read.</exception>
    public IEnumerable<DumpedEvent> Events(string stream, long from = 1)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] name = Encoding.UTF8.GetBytes(stream);
        long era = 0;
        long at = from - 1;
        var batch = new List<StoredRow>();
        do
        {
            batch.Clear();
            Read(id => _rows.ReadEvents(id, name, ref era, at, long.MaxValue, BatchLength, batch), name);
            foreach (StoredRow row in batch)
                yield return new DumpedEvent(new JournalEvent(row.SequenceNr, row.Type, row.Version, row.Payload, row.Utc), row.IsIntact);
            if (batch.Count > 0)
                at = batch[^1].SequenceNr;
        }
        while (batch.Count == BatchLength);
    }

    /// <summary>The intact snapshots of a stream, the newest first.</summary>
    /// <exception cref="JournalException">The file cannot be read.</exception>
    public IReadOnlyList<JournalSnapshot> Snapshots(string stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] name = Encoding.UTF8.GetBytes(stream);
        var found = new List<StoredRow>();
        Read(id => _rows.ReadSnapshots(id, name, long.MaxValue, found), name);
        return [.. found.Where(row => row.IsIntact).Select(row => new JournalSnapshot(row.SequenceNr, row.Type, row.Version, row.Payload, row.Utc))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _lookup.Dispose();
        _connection.Dispose();
    }

    private void Read(Action<long> read, byte[] name)
    {
        try
        {
            read(_lookup.Find(name).Id);
        }
        catch (SqliteException e)
        {
            throw Failure(Path, e);
        }
    }

    private static JournalException Failure(string path, SqliteException e)
    {
        (JournalFailure failure, string clause) = SqliteFailure.Describe(e);
        return new JournalException(failure, $"journal '{path}': {clause}", e);
    }
}
