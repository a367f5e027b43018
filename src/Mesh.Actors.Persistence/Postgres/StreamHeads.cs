using System.Text;
using Mesh.Actors.Persistence.Storage;
using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Where a stream ends, as the writer sees it within its transaction.</summary>
internal sealed class StreamHead(byte[] name)
{
    /// <summary>UTF-8.</summary>
    public byte[] Name => name;

    /// <summary>Row in the table of streams, or 0 where the stream is not there yet.</summary>
    public long Id { get; set; }

    /// <summary>Sequence number of the last event, or 0.</summary>
    public long SequenceNr { get; set; }

    /// <summary>What the checksums of the stream's events begin with.</summary>
    public uint EventChecksum { get; } = RowChecksum.OfStream(RowKind.Event, name);
}

/// <summary>The ends of the streams that were used lately, for the writer's thread.</summary>
/// <remarks>Good for as long as nobody else writes, which the fence and the writer's lock see to. Where somebody did it all the same, an insert meets a key that is there: then all is forgotten and read again.</remarks>
internal sealed class StreamHeads
{
    private const int Capacity = 100_000;   // some 20 MB; beyond it all are read again

    private readonly Dictionary<string, StreamHead> _heads = new(StringComparer.Ordinal);
    private readonly List<StreamHead> _unknown = [];
    private long _lastId = -1;

    /// <summary>To be called when a transaction was undone, or may have been.</summary>
    public void Forget()
    {
        _heads.Clear();
        _lastId = -1;
    }

    /// <summary>Reads all that the requests need and that is not known, in one go. <see cref="this"/> then has them.</summary>
    public void Read(NpgsqlConnection connection, ReadOnlySpan<object> requests)
    {
        if (_heads.Count > Capacity)
            Forget();
        _unknown.Clear();
        foreach (object request in requests)
        {
            string? stream = request switch
            {
                AppendRequest append => append.Stream,
                SnapshotRequest snapshot => snapshot.Stream,
                LoadRequest load => load.Stream,
                _ => null,
            };
            if (stream is null || _heads.ContainsKey(stream))
                continue;
            var head = new StreamHead(Encoding.UTF8.GetBytes(stream));
            _heads.Add(stream, head);
            _unknown.Add(head);
        }

        if (_unknown.Count == 0 && _lastId >= 0)
            return;
        using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT coalesce(max(id), 0) FROM stream"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT n.place, s.id, coalesce((SELECT max(seq) FROM event WHERE event.stream = s.id), 0)
            FROM unnest($1) WITH ORDINALITY AS n(name, place) JOIN stream s ON s.name = n.name
            """)
        {
            Parameters = { new NpgsqlParameter<byte[][]> { TypedValue = [.. _unknown.Select(static head => head.Name)] } },
        });
        using NpgsqlDataReader rows = batch.ExecuteReader();
        _ = rows.Read();
        if (_lastId < 0)
            _lastId = rows.GetInt64(0);
        _ = rows.NextResult();
        while (rows.Read())
        {
            StreamHead head = _unknown[(int)rows.GetInt64(0) - 1];
            (head.Id, head.SequenceNr) = (rows.GetInt64(1), rows.GetInt64(2));
        }
    }

    /// <summary>A stream that <see cref="Read"/> has read.</summary>
    public StreamHead this[string stream] => _heads[stream];

    /// <summary>An id for a stream that has none.</summary>
    public long NextId() => ++_lastId;
}
