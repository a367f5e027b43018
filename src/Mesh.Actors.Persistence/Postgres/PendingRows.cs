using System.Runtime.InteropServices;
using System.Text;
using Mesh.Actors.Persistence.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>The rows of one transaction. They go to the server in one message and are committed by its end, so that a transaction costs one round trip, and a writer that
/// is frozen does not leave one open.</summary>
internal sealed class PendingRows
{
    private const int TypeCapacity = 4096;

    private readonly List<long> _streamIds = [];
    private readonly List<byte[]> _streamNames = [];
    private readonly Columns _events = new();
    private readonly Columns _snapshots = new();
    private readonly Dictionary<(long Stream, long SequenceNr), int> _snapshotPlaces = [];
    private readonly Dictionary<string, byte[]> _types = new(StringComparer.Ordinal);

    public bool IsEmpty => _events.Count == 0 && _snapshots.Count == 0;

    public void Clear()
    {
        _streamIds.Clear();
        _streamNames.Clear();
        _events.Clear();
        _snapshots.Clear();
        _snapshotPlaces.Clear();
    }

    public void AddStream(StreamHead head)
    {
        _streamIds.Add(head.Id);
        _streamNames.Add(head.Name);
    }

    public void AddEvent(StreamHead head, JournalEvent e) =>
        _events.Add(head.Id, e.SequenceNr, e.Utc.UtcTicks, TypeOf(e.Type), e.Version, Bytes(e.Payload), ChecksumOf(head, e, TypeOf(e.Type)));

    public void AddSnapshot(StreamHead head, JournalSnapshot s)
    {
        byte[] type = TypeOf(s.Type);
        uint checksum = RowChecksum.Of(RowChecksum.OfStream(RowKind.Snapshot, head.Name), era: 0, s.SequenceNr, s.Utc.UtcTicks, s.Version, type, s.Payload.Span);
        int place = _snapshots.Add(head.Id, s.SequenceNr, s.Utc.UtcTicks, type, s.Version, Bytes(s.Payload), checksum);

        // One statement must not write one row twice; the later snapshot counts.
        if (!_snapshotPlaces.TryAdd((head.Id, s.SequenceNr), place))
        {
            _snapshots.Move(place, _snapshotPlaces[(head.Id, s.SequenceNr)]);
        }
    }

    /// <summary>Commits the rows if the epoch is not over.</summary>
    /// <exception cref="NpgsqlException">Nothing was written; or, where <see cref="PostgresFailure.IsLostConnection"/>, perhaps everything.</exception>
    public void Write(NpgsqlConnection connection, long epoch)
    {
        // Without BEGIN the statements of one batch are one transaction, which ends with the batch (the manual, 55.2.3 and 55.2.4).
        using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT fence($1)") { Parameters = { new NpgsqlParameter<long> { TypedValue = epoch } } });
        if (_streamIds.Count > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("INSERT INTO stream(id, name) SELECT * FROM unnest($1, $2)")
            {
                Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. _streamIds] }, new NpgsqlParameter<byte[][]> { TypedValue = [.. _streamNames] } },
            });
        }

        if (_events.Count > 0)
            batch.BatchCommands.Add(_events.Bind(new NpgsqlBatchCommand("INSERT INTO event(stream, seq, utc, type, version, payload, checksum) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)")));
        if (_snapshots.Count > 0)
        {
            batch.BatchCommands.Add(_snapshots.Bind(new NpgsqlBatchCommand("""
                INSERT INTO snapshot(stream, seq, utc, type, version, payload, checksum) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (stream, seq) DO UPDATE SET utc = excluded.utc, type = excluded.type, version = excluded.version, payload = excluded.payload, checksum = excluded.checksum
                """)));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("""
                DELETE FROM snapshot old WHERE stream = ANY ($1)
                    AND seq < (SELECT seq FROM snapshot kept WHERE kept.stream = old.stream ORDER BY seq DESC OFFSET 1 LIMIT 1)
                """) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = _snapshots.Streams } } });
        }

        _ = batch.ExecuteNonQuery();
    }

    /// <summary>Whether this event, and not another one, is in the journal.</summary>
    public static bool IsStored(NpgsqlConnection connection, string stream, JournalEvent e)
    {
        var head = new StreamHead(Encoding.UTF8.GetBytes(stream));
        using var command = new NpgsqlCommand(
            "SELECT count(*) FROM event JOIN stream ON stream.id = event.stream WHERE name = $1 AND seq = $2 AND utc = $3 AND checksum = $4 AND payload = $5", connection)
        {
            Parameters =
            {
                new NpgsqlParameter<byte[]> { TypedValue = head.Name },
                new NpgsqlParameter<long> { TypedValue = e.SequenceNr },
                new NpgsqlParameter<long> { TypedValue = e.Utc.UtcTicks },
                new NpgsqlParameter<long> { TypedValue = ChecksumOf(head, e, Encoding.UTF8.GetBytes(e.Type)) },
                new NpgsqlParameter<byte[]> { TypedValue = Bytes(e.Payload) },
            },
        };
        return (long)command.ExecuteScalar()! == 1;
    }

    private static uint ChecksumOf(StreamHead head, JournalEvent e, ReadOnlySpan<byte> type) =>
        RowChecksum.Of(head.EventChecksum, era: 0, e.SequenceNr, e.Utc.UtcTicks, e.Version, type, e.Payload.Span);

    private static byte[] Bytes(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment) && segment.Array is { } array && segment.Offset == 0 && segment.Count == array.Length ? array : memory.ToArray();

    private byte[] TypeOf(string type)
    {
        if (!_types.TryGetValue(type, out byte[]? utf8))
        {
            if (_types.Count == TypeCapacity)
                _types.Clear();
            _types.Add(type, utf8 = Encoding.UTF8.GetBytes(type));
        }

        return utf8;
    }

    /// <summary>Rows of events or snapshots, column by column.</summary>
    private sealed class Columns
    {
        private readonly List<long> _streams = [];
        private readonly List<long> _sequenceNrs = [];
        private readonly List<long> _ticks = [];
        private readonly List<byte[]> _typeNames = [];
        private readonly List<long> _versions = [];
        private readonly List<byte[]> _payloads = [];
        private readonly List<long> _checksums = [];

        public int Count => _streams.Count;

        public long[] Streams => [.. _streams];

        public int Add(long stream, long sequenceNr, long ticks, byte[] type, int version, byte[] payload, uint checksum)
        {
            _streams.Add(stream);
            _sequenceNrs.Add(sequenceNr);
            _ticks.Add(ticks);
            _typeNames.Add(type);
            _versions.Add(version);
            _payloads.Add(payload);
            _checksums.Add(checksum);
            return _streams.Count - 1;
        }

        /// <summary>Puts the last row in place of another one.</summary>
        public void Move(int last, int place)
        {
            Move(_streams, last, place);
            Move(_sequenceNrs, last, place);
            Move(_ticks, last, place);
            Move(_typeNames, last, place);
            Move(_versions, last, place);
            Move(_payloads, last, place);
            Move(_checksums, last, place);
        }

        public void Clear()
        {
            _streams.Clear();
            _sequenceNrs.Clear();
            _ticks.Clear();
            _typeNames.Clear();
            _versions.Clear();
            _payloads.Clear();
            _checksums.Clear();
        }

        public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command)
        {
            foreach (List<long> numbers in new[] { _streams, _sequenceNrs, _ticks })
                Add(command, numbers);
            Add(command, _typeNames);
            Add(command, _versions);
            Add(command, _payloads);
            Add(command, _checksums);
            return command;
        }

        private static void Move<T>(List<T> column, int last, int place)
        {
            column[place] = column[last];
            column.RemoveAt(last);
        }

        private static void Add(NpgsqlBatchCommand command, List<long> column) =>
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. column], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });

        private static void Add(NpgsqlBatchCommand command, List<byte[]> column) =>
            command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. column], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
    }
}
