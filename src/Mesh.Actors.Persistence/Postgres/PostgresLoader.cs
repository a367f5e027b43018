using System.Diagnostics;
using System.Text;
using Mesh.Actors.Persistence.Storage;
using Npgsql;

namespace Mesh.Actors.Persistence.Postgres;

/// <summary>Reads streams back on a connection of its own, so that writing goes on meanwhile.</summary>
/// <remarks>Not a thread itself: <see cref="PostgresJournal"/> calls <see cref="Carry"/> on the one thread that reads. Each batch is a transaction of its own; events do not change
/// once they are there. A load whose connection is lost goes on over the next one.</remarks>
internal sealed class PostgresLoader(PostgresDatabase database, Counters counters, ManualResetEventSlim closing) : IDisposable
{
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(200);

    private NpgsqlConnection? _connection;

    public void Carry(LoadTicket ticket)
    {
        LoadRequest request = ticket.Request;
        LoadFailed? failed;
        try
        {
            failed = Load(ticket);
        }
        catch (Exception e) when (e is PostgresException or JournalException || PostgresFailure.IsLostConnection(e))
        {
            (JournalFailure failure, string clause) = PostgresFailure.Describe(e);
            failed = new LoadFailed(request.Id, failure, $"journal '{database.Place}', stream '{request.Stream}': {clause}");
        }

        if (failed is null)
            return;

        counters.Failed();
        request.ReplyTo.Tell(failed, sender: null);
    }

    public void Dispose() => _connection?.Dispose();

    private LoadFailed? Load(LoadTicket ticket)
    {
        PostgresOptions options = database.Options;
        StreamLoad? load = null;
        long? downSince = null;
        while (true)
        {
            try
            {
                _connection ??= database.Connect("mesh journal loader");
                if (ticket.StreamId == LoadTicket.Unknown)
                    ticket = Find(_connection, ticket);
                load ??= new StreamLoad(ticket.Request, ticket.Head, database.Place, options.LoadBatchLength, counters, options.Warning);
                return load.Run(new Stream(_connection, ticket));
            }
            catch (Exception e) when (PostgresFailure.IsLostConnection(e))
            {
                _connection?.Dispose();
                _connection = null;
                downSince ??= Stopwatch.GetTimestamp();
                if (closing.IsSet || Stopwatch.GetElapsedTime(downSince.Value) >= options.ReconnectTimeout)
                    throw;
                _ = closing.Wait(Wait);
            }
        }
    }

    private static LoadTicket Find(NpgsqlConnection connection, LoadTicket ticket)
    {
        using var command = new NpgsqlCommand("SELECT id, coalesce((SELECT max(seq) FROM event WHERE stream = id), 0) FROM stream WHERE name = $1", connection)
        {
            Parameters = { new NpgsqlParameter<byte[]> { TypedValue = ticket.Name } },
        };
        using NpgsqlDataReader row = command.ExecuteReader();
        return row.Read() ? ticket with { StreamId = row.GetInt64(0), Head = row.GetInt64(1) } : ticket with { StreamId = 0, Head = 0 };
    }

    /// <summary>The stream of one load, over one connection.</summary>
    private sealed class Stream(NpgsqlConnection connection, LoadTicket ticket) : IStoredStream
    {
        private byte[] _typeBytes = [];
        private string _type = "";

        public void ReadSnapshots(List<StoredRow> into)
        {
            using var command = new NpgsqlCommand("SELECT seq, utc, type, version, payload, checksum FROM snapshot WHERE stream = $1 ORDER BY seq DESC", connection)
            {
                Parameters = { new NpgsqlParameter<long> { TypedValue = ticket.StreamId } },
            };
            Read(command, RowKind.Snapshot, into);
        }

        public void ReadEvents(long after, long upTo, int limit, List<StoredRow> into)
        {
            using var command = new NpgsqlCommand(
                "SELECT seq, utc, type, version, payload, checksum FROM event WHERE stream = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4", connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<long> { TypedValue = ticket.StreamId },
                    new NpgsqlParameter<long> { TypedValue = after },
                    new NpgsqlParameter<long> { TypedValue = upTo },
                    new NpgsqlParameter<long> { TypedValue = limit },
                },
            };
            Read(command, RowKind.Event, into);
        }

        public void BeginAt(StoredRow snapshot)
        {
            // Events are found by their number alone.
        }

        public long LastSequenceNr()
        {
            using var command = new NpgsqlCommand("SELECT coalesce(max(seq), 0) FROM event WHERE stream = $1", connection)
            {
                Parameters = { new NpgsqlParameter<long> { TypedValue = ticket.StreamId } },
            };
            return (long)command.ExecuteScalar()!;
        }

        private void Read(NpgsqlCommand command, RowKind kind, List<StoredRow> into)
        {
            uint ofStream = RowChecksum.OfStream(kind, ticket.Name);
            using NpgsqlDataReader row = command.ExecuteReader();
            while (row.Read())
            {
                byte[] type = row.GetFieldValue<byte[]>(2);
                into.Add(StoredRow.Check(
                    ofStream, era: 0, row.GetInt64(0), row.GetInt64(1), TypeOf(type), type, row.GetInt64(3), row.GetFieldValue<byte[]>(4), row.GetInt64(5)));
            }
        }

        // A stream's events are mostly of few types, and neighbours often of the same.
        private string TypeOf(byte[] type)
        {
            if (!type.AsSpan().SequenceEqual(_typeBytes))
                (_typeBytes, _type) = (type, Encoding.UTF8.GetString(type));
            return _type;
        }
    }
}
