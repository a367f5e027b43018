using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>Finds streams and their ends in the tables, on one thread.</summary>
internal sealed class StreamLookup(SqliteConnection connection) : IDisposable
{
    private readonly Statement _find = new(connection, "SELECT id, era FROM stream WHERE name = ?");
    private readonly Statement _lastEra = new(connection, "SELECT max(era) FROM event");
    private readonly Statement _eraBefore = new(connection, "SELECT max(era) FROM event WHERE era < ?");
    private readonly Statement _last = new(connection, "SELECT max(seq) FROM event WHERE era = ? AND stream = ?");

    /// <summary>A stream's id, or 0, and the era in which it began.</summary>
    public (long Id, long FirstEra) Find(ReadOnlySpan<byte> name)
    {
        if (!_find.BindText(1, name).Step())
            return (0, 0);
        (long, long) found = (_find.Int64(0), _find.Int64(1));
        _find.Reset();
        return found;
    }

    /// <summary>The newest era that has events, or 0.</summary>
    public long LastEra() => _lastEra.Scalar() ?? 0;

    /// <summary>Sequence number of a stream's last event, or 0. Two seeks for each era since then.</summary>
    public long LastSequenceNr(long stream)
    {
        // Down to the oldest era rather than to the stream's first one: if that is damaged, the stream has to show a gap and not be empty.
        for (long? era = _lastEra.Scalar(); era is { } present; era = _eraBefore.Bind(1, present).Scalar())
        {
            if (_last.Bind(1, present).Bind(2, stream).Scalar() is { } sequenceNr)
                return sequenceNr;
        }

        return 0;
    }

    public void Dispose()
    {
        _find.Dispose();
        _lastEra.Dispose();
        _eraBefore.Dispose();
        _last.Dispose();
    }
}
