using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.Persistence.Tests.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

internal sealed class SqliteStore : JournalStore
{
    private readonly TempFolder _folder = new();

    public override string Place => _folder.Journal;

    public override OpenJournal Open(int maxBatchEvents = 8192, int maxBatchBytes = 4 << 20)
    {
        SqliteJournal journal = SqliteJournal.Open(
            _folder.Journal,
            new SqliteJournalOptions { MaxBatchEvents = maxBatchEvents, MaxBatchBytes = maxBatchBytes, BusyTimeout = TimeSpan.FromSeconds(30), Warning = Warnings.Enqueue });
        return new OpenJournal(journal, () => journal.Statistics);
    }

    public override int Edit(string sql) => _folder.Edit(sql);

    public override long Count(string sql)
    {
        using SqliteConnection connection = _folder.Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    public override int Forge() => _folder.Edit("INSERT INTO event SELECT era, stream, seq + 1, utc, type, version, payload, checksum FROM event ORDER BY seq DESC LIMIT 1");

    public override IDisposable HoldWrites()
    {
        SqliteConnection other = _folder.Connect();
        using SqliteCommand begin = other.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        begin.ExecuteNonQuery();
        return other;
    }

    public override void Dispose() => _folder.Dispose();
}

public sealed class SqliteAppendTests() : JournalAppendTests(new SqliteStore());

public sealed class SqliteLoadTests() : JournalLoadTests(new SqliteStore());

public sealed class SqlitePersistentActorTests() : PersistentActorTests(new SqliteStore());
