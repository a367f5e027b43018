using System.Text.RegularExpressions;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.Persistence.Tests.Storage;
using Npgsql;

namespace Mesh.Actors.Persistence.Tests.Postgres;

internal sealed partial class PostgresStore : JournalStore
{
    private readonly PostgresServer _server = PostgresServer.Shared;

    public string Schema { get; } = PostgresServer.NewSchema();

    public PostgresOptions Options => new() { ConnectionString = _server.ConnectionString, Schema = Schema, StatementTimeout = TimeSpan.FromSeconds(30), Warning = Warnings.Enqueue };

    public override string Place => $"postgresql://127.0.0.1:{_server.Port}/postgres#{Schema}";

    public override OpenJournal Open(int maxBatchEvents = 8192, int maxBatchBytes = 4 << 20)
    {
        PostgresJournal journal = PostgresJournal.Open(Options with { MaxBatchEvents = maxBatchEvents, MaxBatchBytes = maxBatchBytes }, epoch: 0);
        return new OpenJournal(journal, () => journal.Statistics);
    }

    public override int Edit(string sql) => _server.Execute(Schema, Octets().Replace(sql, @"'\x${octets}'"));

    public override long Count(string sql) => _server.Scalar<long>(Schema, sql);

    /// <summary>For how many connections that may write here the expression is not null. It may have effects.</summary>
    public long CountOfWriters(string expression)
    {
        using NpgsqlConnection other = _server.Connect(Schema);
        using var count = new NpgsqlCommand($"SELECT count({expression}) FROM ({PostgresLocks.Holders}) holders", other);
        new PostgresLocks(Schema).Bind(count.Parameters, PostgresLocks.Writer);
        return (long)count.ExecuteScalar()!;
    }

    public override int Forge() => Edit("INSERT INTO event SELECT stream, seq + 1, utc, type, version, payload, checksum FROM event ORDER BY seq DESC LIMIT 1");

    public override IDisposable HoldWrites()
    {
        NpgsqlConnection other = _server.Connect(Schema);
        using var hold = new NpgsqlCommand("BEGIN; SELECT * FROM leadership FOR UPDATE", other);
        hold.ExecuteNonQuery();
        return other;
    }

    public override void Dispose() => _server.Execute(Schema, $"DROP SCHEMA IF EXISTS {Schema} CASCADE");

    [GeneratedRegex("x'(?<octets>[0-9a-f]*)'", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Octets();
}

public sealed class PostgresAppendTests() : JournalAppendTests(new PostgresStore());

public sealed class PostgresLoadTests() : JournalLoadTests(new PostgresStore());

public sealed class PostgresPersistentActorTests() : PersistentActorTests(new PostgresStore());
