using System.Diagnostics;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.Persistence.Tests.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

public sealed class FailureTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Collector _replies = new();
    private readonly Collector _survivors = new();

    [Fact]
    public void A_full_disk_loses_nothing_that_was_acknowledged_and_recovers()
    {
        var acknowledged = new List<long>();
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal, new SqliteJournalOptions { MaxPages = 100 }))
        {
            long next = 1;
            AppendFailed failed;
            while (true)
            {
                _replies.Append(journal, "a", next, count: 10, text: new string('x', 500));
                JournalOutcome outcome = _replies.Next();
                if (outcome is AppendFailed f)
                {
                    failed = f;
                    break;
                }

                for (int i = 0; i < 10; i++)
                    acknowledged.Add(next++);
            }

            Assert.NotEmpty(acknowledged);
            Assert.Equal(JournalFailure.Full, failed.Failure);
            Assert.Equal($"journal '{_folder.Journal}', stream 'a': no space left on the device, or the quota is used up", failed.Reason);
            journal.SaveSnapshot(new SnapshotRequest(3, "a", new JournalSnapshot(3, "t", 1, new byte[100_000], default), _replies));
            Assert.Equal(JournalFailure.Full, _replies.Next<SnapshotFailed>().Failure);
            Assert.Equal(acknowledged, _replies.Load(journal, "a").Events.Select(e => e.SequenceNr));
            Assert.Equal(2, journal.Statistics.Failures);

            journal.LimitPages(10_000);
            _replies.AppendAndWait(journal, "a", next);
            acknowledged.Add(next);
        }

        using SqliteJournal reopened = SqliteJournal.Open(_folder.Journal);
        Assert.Equal(acknowledged, _replies.Load(reopened, "a").Events.Select(e => e.SequenceNr));
    }

    [Fact]
    public void A_new_stream_whose_first_append_failed_can_begin_again()
    {
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal, new SqliteJournalOptions { MaxPages = 20 });
        journal.Append(new AppendRequest(1, "a", [new JournalEvent(1, "t", 1, new byte[200_000], default)], _replies));
        journal.Load(new LoadRequest(2, "a", _replies));
        Assert.Equal(JournalFailure.Full, _replies.Next<AppendFailed>().Failure);
        Assert.Empty(_replies.Next<EventsLoaded>().Events);
        _replies.AppendAndWait(journal, "a", 1);
        journal.Dispose();
        using SqliteJournal reopened = SqliteJournal.Open(_folder.Journal);
        Assert.Single(_replies.Load(reopened, "a").Events);
    }

    [Fact]
    public void All_of_a_failed_transaction_is_forgotten()
    {
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal, new SqliteJournalOptions { MaxPages = 20, BusyTimeout = TimeSpan.FromSeconds(30) }))
        {
            _replies.AppendAndWait(journal, "old", 1);
            using (SqliteConnection other = _folder.Connect())
            {
                using SqliteCommand begin = other.CreateCommand();
                begin.CommandText = "BEGIN IMMEDIATE";
                begin.ExecuteNonQuery();

                // The writer waits with the first one, so that the others share a transaction.
                _replies.Append(journal, "first", 1);
                _replies.Append(journal, "old", 2);
                _replies.Append(journal, "new", 1);
                journal.Append(new AppendRequest(1, "large", [new JournalEvent(1, "t", 1, new byte[200_000], default)], _replies));
            }

            JournalOutcome[] outcomes = [_replies.Next(), _replies.Next(), _replies.Next(), _replies.Next()];
            Assert.Equal(JournalFailure.Full, Assert.IsType<AppendFailed>(outcomes[^1]).Failure);
            foreach ((string stream, long next) in new[] { ("old", 2L), ("new", 1L) })
            {
                if (outcomes[stream == "old" ? 1 : 2] is AppendFailed)
                    _replies.AppendAndWait(journal, stream, next);
            }
        }

        using SqliteJournal reopened = SqliteJournal.Open(_folder.Journal);
        Assert.Equal(2, _replies.Load(reopened, "old").Events.Count);
        Assert.Single(_replies.Load(reopened, "new").Events);
        Assert.Empty(_replies.Load(reopened, "large").Events);
    }

    [Fact]
    public void A_malformed_event_fails_and_the_journal_goes_on()
    {
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal);
        journal.Append(new AppendRequest(1, "a", [.. Collector.Events(1, 1, "x"), new JournalEvent(2, null!, 1, default, default)], _replies));
        Assert.Equal(JournalFailure.Unavailable, _replies.Next<AppendFailed>().Failure);
        Assert.Empty(_replies.Load(journal, "a").Events);
        _replies.AppendAndWait(journal, "a", 1);
    }

    [Fact]
    public void A_lock_that_outlasts_the_timeout_fails_and_the_next_append_is_tried_anew()
    {
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal, new SqliteJournalOptions { BusyTimeout = TimeSpan.FromMilliseconds(20) });
        using (SqliteConnection other = _folder.Connect())
        {
            using SqliteCommand begin = other.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
            _replies.Append(journal, "a", 1);
            var failed = _replies.Next<AppendFailed>();
            Assert.Equal(JournalFailure.Locked, failed.Failure);
            Assert.Equal($"journal '{_folder.Journal}', stream 'a': another process holds a lock on the database", failed.Reason);
            Assert.Empty(_replies.Load(journal, "a").Events);
        }

        _replies.AppendAndWait(journal, "a", 1);
    }

    [Theory]
    [InlineData(13, 13, JournalFailure.Full)]
    [InlineData(10, 10 | (19 << 8), JournalFailure.Full)]
    [InlineData(10, 10 | (3 << 8), JournalFailure.Unavailable)]
    [InlineData(5, 5, JournalFailure.Locked)]
    [InlineData(5, 5 | (2 << 8), JournalFailure.Locked)]
    [InlineData(6, 6, JournalFailure.Locked)]
    [InlineData(8, 8, JournalFailure.Unavailable)]
    [InlineData(11, 11, JournalFailure.Corrupt)]
    [InlineData(14, 14, JournalFailure.Unavailable)]
    [InlineData(26, 26, JournalFailure.Unavailable)]
    [InlineData(1, 1, JournalFailure.Unavailable)]
    public void Every_code_of_the_store_has_a_meaning(int code, int extended, JournalFailure expected)
    {
        (JournalFailure failure, string clause) = SqliteFailure.Describe(new SqliteException("something else", code, extended));
        Assert.Equal(expected, failure);
        Assert.NotEmpty(clause);
    }

    [Fact]
    public void Damage_to_the_structure_is_reported_as_corrupt()
    {
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal))
            _replies.AppendAndWait(journal, "a", 1, count: 2_000);
        byte[] bytes = File.ReadAllBytes(_folder.Journal);
        bytes.AsSpan(8 * 4_096).Fill(0xA5);   // the schema and the first pages stay
        File.WriteAllBytes(_folder.Journal, bytes);
        using SqliteJournal damaged = SqliteJournal.Open(_folder.Journal);
        LoadFailed failed = _replies.LoadFails(damaged, "a");
        Assert.Equal(JournalFailure.Corrupt, failed.Failure);
        Assert.Contains(_folder.Journal, failed.Reason, StringComparison.Ordinal);
    }

    // A copy of the files is what a crash of the process leaves: the write-ahead log is not copied into the database, and its end may be torn.
    [Fact]
    public void After_a_crash_everything_acknowledged_is_there()
    {
        const int Streams = 50;
        const int Rounds = 200;
        using var copy = new TempFolder();
        var acknowledged = new int[Streams];
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal, new SqliteJournalOptions { CheckpointPages = 1_000_000, MaxBatchEvents = 64 }))
        {
            for (int round = 1; round <= Rounds; round++)
            {
                for (int stream = 0; stream < Streams; stream++)
                    journal.Append(new AppendRequest(stream, $"stream-{stream}", Collector.Events(round, 1, "x"), _replies));
            }

            for (int i = 0; i < Streams * Rounds / 4; i++)
                acknowledged[_replies.Next<AppendCompleted>().RequestId]++;

            // By another process: closing a descriptor of the database in this one would drop SQLite's locks on it.
            Copy(_folder.Journal, copy.Journal);
            Copy(_folder.Journal + "-wal", copy.Journal + "-wal");
        }

        byte[] log = File.ReadAllBytes(copy.Journal + "-wal");
        using (SqliteJournal survivor = SqliteJournal.Open(copy.Journal))
        {
            for (int stream = 0; stream < Streams; stream++)
            {
                int count = _survivors.Load(survivor, $"stream-{stream}").Events.Count;
                Assert.InRange(count, acknowledged[stream], Rounds);
                _survivors.AppendAndWait(survivor, $"stream-{stream}", count + 1);
            }
        }

        // Torn further back the end is lost, but what is left is without gaps.
        var random = new Random(20260101);
        for (int i = 0; i < 10; i++)
        {
            using var torn = new TempFolder();
            SqliteJournal.Open(torn.Journal).Dispose();
            File.WriteAllBytes(torn.Journal + "-wal", log.AsSpan(0, random.Next(log.Length)).ToArray());
            using SqliteJournal survivor = SqliteJournal.Open(torn.Journal);
            for (int stream = 0; stream < Streams; stream++)
            {
                int count = _survivors.Load(survivor, $"stream-{stream}").Events.Count;
                _survivors.AppendAndWait(survivor, $"stream-{stream}", count + 1);
            }
        }
    }

    public void Dispose()
    {
        _folder.Dispose();
        _replies.Dispose();
        _survivors.Dispose();
    }

    private static void Copy(string from, string to)
    {
        using Process cp = Process.Start("cp", [from, to]);
        cp.WaitForExit();
        Assert.Equal(0, cp.ExitCode);
    }
}
