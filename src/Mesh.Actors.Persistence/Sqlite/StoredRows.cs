using System.Text;
using Mesh.Actors.Persistence.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>Reads and checks rows, on one thread.</summary>
internal sealed class StoredRows(SqliteConnection connection) : IDisposable
{
    private readonly Statement _events = new(connection, "SELECT seq, utc, type, version, payload, checksum, era FROM event WHERE era = ? AND stream = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?");
    private readonly Statement _eraAfter = new(connection, "SELECT min(era) FROM event WHERE era > ?");
    private readonly Statement _snapshots = new(connection, "SELECT seq, utc, type, version, payload, checksum, era FROM snapshot WHERE stream = ? AND seq <= ? ORDER BY seq DESC");
    private byte[] _typeBytes = [];
    private string _type = "";

    /// <summary>Events after <paramref name="after"/> and up to <paramref name="upTo"/>, at most <paramref name="limit"/> of them, in order.</summary>
    /// <param name="era">The era to begin with; then the one to go on with.</param>
    public void ReadEvents(long stream, ReadOnlySpan<byte> name, ref long era, long after, long upTo, int limit, List<StoredRow> into)
    {
        uint ofStream = RowChecksum.OfStream(RowKind.Event, name);
        while (true)
        {
            Read(_events.Bind(1, era).Bind(2, stream).Bind(3, after).Bind(4, upTo).Bind(5, limit - into.Count), ofStream, into);
            if (into.Count > 0)
                after = into[^1].SequenceNr;
            if (into.Count == limit || after == upTo || _eraAfter.Bind(1, era).Scalar() is not { } next)
                return;
            era = next;
        }
    }

    /// <summary>Snapshots up to <paramref name="upTo"/>, the newest first.</summary>
    public void ReadSnapshots(long stream, ReadOnlySpan<byte> name, long upTo, List<StoredRow> into) =>
        Read(_snapshots.Bind(1, stream).Bind(2, upTo), RowChecksum.OfStream(RowKind.Snapshot, name), into);

    public void Dispose()
    {
        _events.Dispose();
        _eraAfter.Dispose();
        _snapshots.Dispose();
    }

    private void Read(Statement rows, uint ofStream, List<StoredRow> into)
    {
        while (rows.Step())
        {
            ReadOnlySpan<byte> type = rows.Bytes(2);
            into.Add(StoredRow.Check(
                ofStream, rows.Int64(6), rows.Int64(0), rows.Int64(1), TypeOf(type), type, rows.Int64(3), rows.Bytes(4).ToArray(), rows.Int64(5)));
        }
    }

    // A stream's events are mostly of few types, and neighbours often of the same.
    private string TypeOf(ReadOnlySpan<byte> type)
    {
        if (!type.SequenceEqual(_typeBytes))
        {
            _typeBytes = type.ToArray();
            _type = Encoding.UTF8.GetString(type);
        }

        return _type;
    }
}
