using System.Text;
using Mesh.Actors.Persistence.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Sqlite;

/// <summary>Where a stream ends, as the writer sees it within its transaction.</summary>
internal sealed class StreamHead(byte[] name)
{
    /// <summary>UTF-8.</summary>
    public byte[] Name => name;

    /// <summary>Row in the table of streams, or 0 where the stream is not there yet.</summary>
    public long Id { get; set; }

    /// <summary>The era in which the stream began.</summary>
    public long FirstEra { get; set; }

    /// <summary>Sequence number of the last event, or 0.</summary>
    public long SequenceNr { get; set; }

    /// <summary>What the checksums of the stream's events begin with.</summary>
    public uint EventChecksum { get; } = RowChecksum.OfStream(RowKind.Event, name);
}

/// <summary>The ends of the streams that were used lately and the present era, for the writer's thread.</summary>
/// <remarks>All of this is what the open transaction sees. So it is forgotten when a transaction is undone, and when <c>PRAGMA data_version</c> tells that another connection wrote.</remarks>
internal sealed class StreamHeads(SqliteConnection connection) : IDisposable
{
    private const int Capacity = 100_000;   // some 20 MB; beyond it all are read again

    private readonly Dictionary<string, StreamHead> _heads = new(StringComparer.Ordinal);
    private readonly Statement _dataVersion = new(connection, "PRAGMA data_version");
    private readonly Statement _countOfEra = new(connection, "SELECT count(*) FROM event WHERE era = ?");
    private readonly Statement _add = new(connection, "INSERT INTO stream(name, era) VALUES(?, ?) RETURNING id");
    private readonly StreamLookup _lookup = new(connection);
    private long _seenVersion = -1;
    private long _countInEra;
    private bool _forgotten;

    /// <summary>The era into which events go now.</summary>
    public long Era { get; private set; }

    /// <summary>To be called at the start of each transaction.</summary>
    public void Refresh()
    {
        long version = _dataVersion.Scalar() ?? 0;
        if (version != _seenVersion || _forgotten)
        {
            _heads.Clear();
            Era = _lookup.LastEra();
            _countInEra = _countOfEra.Bind(1, Era).Scalar() ?? 0;
        }
        else if (_heads.Count > Capacity)
        {
            _heads.Clear();
        }

        (_seenVersion, _forgotten) = (version, false);
        if (_countInEra >= JournalFile.EraLength)
            (Era, _countInEra) = (Era + 1, 0);
    }

    /// <summary>To be called when the transaction was undone.</summary>
    public void Forget() => _forgotten = true;

    public StreamHead Find(string stream)
    {
        if (_heads.TryGetValue(stream, out StreamHead? head))
            return head;
        head = new StreamHead(Encoding.UTF8.GetBytes(stream));
        (head.Id, head.FirstEra) = _lookup.Find(head.Name);
        if (head.Id != 0)
            head.SequenceNr = _lookup.LastSequenceNr(head.Id);
        _heads.Add(stream, head);
        return head;
    }

    /// <summary>Gives the stream an id where it has none.</summary>
    public void EnsureStored(StreamHead head)
    {
        if (head.Id == 0)
            (head.Id, head.FirstEra) = (_add.BindText(1, head.Name).Bind(2, Era).Scalar()!.Value, Era);
    }

    /// <summary>Notes that the stream has got so many events in this era.</summary>
    public void Advance(StreamHead head, int count)
    {
        head.SequenceNr += count;
        _countInEra += count;
    }

    public void Dispose()
    {
        _dataVersion.Dispose();
        _countOfEra.Dispose();
        _add.Dispose();
        _lookup.Dispose();
    }
}
