using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.Persistence.Tests.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

public sealed class EraTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Collector _replies = new();

    [Fact]
    public void Streams_that_span_eras_come_back_whole_also_from_a_snapshot_on()
    {
        const int Rounds = 10;
        const int Count = JournalFile.EraLength / 4;
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal))
        {
            _replies.AppendAndWait(journal, "quiet", 1);
            for (int round = 0; round < Rounds; round++)
            {
                _replies.AppendAndWait(journal, "a", 1 + (round * Count), Count);
                _replies.AppendAndWait(journal, "b", 1 + round);
                if (round == 6)
                    _replies.SaveSnapshot(journal, "b", 7, "seven");
            }

            _replies.SaveSnapshot(journal, "b", 3, "late");   // the third event is of an older era
        }

        Assert.Equal(3L, Scalar("SELECT count(DISTINCT era) FROM event"));
        Assert.Equal(2, _folder.Edit("UPDATE snapshot SET seq = seq WHERE stream = 3"));
        using SqliteJournal reopened = SqliteJournal.Open(_folder.Journal);
        Assert.Equal(Enumerable.Range(1, Rounds * Count).Select(i => $"x{i}"), _replies.Load(reopened, "a").Events.Select(Collector.Text), StringComparer.Ordinal);
        (JournalSnapshot? snapshot, List<JournalEvent> events) = _replies.Load(reopened, "b");
        Assert.Equal(7, snapshot!.SequenceNr);
        Assert.Equal([8, 9, 10], events.Select(e => e.SequenceNr));
        Assert.Equal(1, _folder.Edit("DELETE FROM snapshot WHERE seq = 7"));
        Assert.Equal([4, 5, 6, 7, 8, 9, 10], _replies.Load(reopened, "b").Events.Select(e => e.SequenceNr));
        _replies.AppendAndWait(reopened, "b", 11);
        _replies.AppendAndWait(reopened, "quiet", 2);
        Assert.Equal([1, 2], _replies.Load(reopened, "quiet").Events.Select(e => e.SequenceNr));
    }

    [Theory]
    [InlineData("UPDATE event SET era = 5 WHERE seq = 2", "event 2: the checksum does not fit")]
    [InlineData("UPDATE event SET era = 4611686018427387904 WHERE seq = 2", "event 2: the checksum does not fit")]
    [InlineData("UPDATE stream SET era = 9", "event 1 is missing, and so are all up to 5")]
    public void A_row_of_another_era_is_corrupt(string edit, string expected)
    {
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal);
        _replies.AppendAndWait(journal, "a", 1, count: 5);
        Assert.Equal(1, _folder.Edit(edit));
        LoadFailed failed = _replies.LoadFails(journal, "a");
        Assert.Equal(JournalFailure.Corrupt, failed.Failure);
        Assert.Contains($"stream 'a', {expected}", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Busy_streams_share_pages()
    {
        // One event of each of 1000 streams in each round. With a page of its own for each, the write-ahead log would hold 20,000 pages of 4 KiB.
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal, new SqliteJournalOptions { CheckpointPages = 1_000_000 });
        for (int round = 1; round <= 20; round++)
        {
            for (int i = 0; i < 1_000; i++)
                _replies.Append(journal, $"stream-{i}", round);
            for (int i = 0; i < 1_000; i++)
                Assert.IsType<AppendCompleted>(_replies.Next());
        }

        Assert.InRange(new FileInfo(_folder.Journal + "-wal").Length, 1, 20_000 * 4_096 / 4);
    }

    [Fact]
    public void Closing_leaves_one_file()
    {
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal))
        {
            _replies.AppendAndWait(journal, "a", 1);
            Assert.True(File.Exists(_folder.Journal + "-wal"));
        }

        Assert.False(File.Exists(_folder.Journal + "-wal"));
    }

    public void Dispose()
    {
        _folder.Dispose();
        _replies.Dispose();
    }

    private long Scalar(string sql)
    {
        using SqliteConnection connection = _folder.Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
