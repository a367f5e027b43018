using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.Persistence.Tests.Storage;
using Npgsql;

namespace Mesh.Actors.Persistence.Tests.Postgres;

public sealed class PostgresFailureTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly PostgresStore _store = new();
    private readonly FaultyProxy _proxy = new(PostgresServer.Shared.Port);
    private readonly Collector _replies = new();
    private readonly Collector _others = new();

    [Fact]
    public void An_append_whose_confirmation_is_lost_was_completed_and_is_there_once()
    {
        using PostgresJournal journal = OpenThroughProxy();
        _replies.AppendAndWait(journal, "a", 1);
        _proxy.LosesAnswers = true;
        _replies.Append(journal, "a", 2, count: 3);
        Wait(() => _store.Count("SELECT count(*) FROM event") == 4, "the server did not commit");
        Assert.True(_replies.IsEmpty);
        _proxy.LosesAnswers = false;
        _proxy.Cut();
        Assert.Equal(new AppendCompleted(2), _replies.Next());
        Assert.Equal(4, _store.Count("SELECT count(*) FROM event"));
        Assert.Equal((4, 0), (journal.Statistics.Events, journal.Statistics.Failures));
        _replies.AppendAndWait(journal, "a", 5);
        Assert.Contains(_store.Warnings, static w => w.EndsWith("trying again", StringComparison.Ordinal));
        Assert.Contains(_store.Warnings, static w => w.EndsWith("connected again", StringComparison.Ordinal));
    }

    [Fact]
    public void An_append_that_is_lost_on_its_way_is_sent_again()
    {
        using PostgresJournal journal = OpenThroughProxy();
        _replies.AppendAndWait(journal, "a", 1);
        _proxy.LosesRequests = true;
        _replies.Append(journal, "a", 2);
        Wait(() => _proxy.Swallowed > 0, "the journal sent nothing");
        _proxy.LosesRequests = false;
        _proxy.Cut();
        Assert.Equal(new AppendCompleted(2), _replies.Next());
        Assert.Equal(2, _store.Count("SELECT count(*) FROM event"));
    }

    // The backend waits for a lock and does not notice that its client has gone, so that it can still commit while the next connection is made.
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(50)]
    [InlineData(400)]
    public void A_transaction_that_its_connection_left_behind_does_not_commit_unnoticed(int releaseAfterMilliseconds)
    {
        using PostgresJournal journal = OpenThroughProxy();
        _replies.AppendAndWait(journal, "a", 1);
        using (_store.HoldWrites())
        {
            _replies.Append(journal, "a", 2);
            Wait(() => _store.CountOfWriters("(SELECT 1 FROM pg_stat_activity a WHERE a.pid = holders.pid AND wait_event_type = 'Lock')") > 0, "the journal does not wait");
            _proxy.Cut();
            Thread.Sleep(releaseAfterMilliseconds);   // a race, tried at several points
        }

        Assert.Equal(new AppendCompleted(2), _replies.Next());
        _replies.AppendAndWait(journal, "a", 3);
        Assert.Equal(3, _store.Count("SELECT count(*) FROM event"));
    }

    [Fact]
    public void Connections_that_are_ended_under_load_lose_and_double_nothing()
    {
        const int Streams = 20;
        const int Rounds = 15;
        const int EventsPerRound = 10;
        using PostgresJournal journal = PostgresJournal.Open(_store.Options with { MaxBatchEvents = 32 }, epoch: 0);
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 1; i <= EventsPerRound; i++)
            {
                for (int stream = 0; stream < Streams; stream++)
                    journal.Append(new AppendRequest(round, $"stream-{stream}", Collector.Events((round * EventsPerRound) + i, 1, "x"), _replies));
            }

            // Each time at another point of the batches.
            for (int i = 0; i < round; i++)
                Assert.IsType<AppendCompleted>(_replies.Next());
            Wait(() => _store.CountOfWriters("pg_terminate_backend(pid)") > 0, "the writer does not come back");
            for (int i = round; i < Streams * EventsPerRound; i++)
                Assert.IsType<AppendCompleted>(_replies.Next());
        }

        Assert.Equal(Streams * EventsPerRound * Rounds, _store.Count("SELECT count(*) FROM event"));
        Assert.Equal(Streams * EventsPerRound * Rounds, journal.Statistics.Events);
        for (int stream = 0; stream < Streams; stream++)
            Assert.Equal(EventsPerRound * Rounds, _others.Load(journal, $"stream-{stream}").Events.Count);
    }

    [Fact]
    public void A_load_goes_on_over_the_next_connection()
    {
        using PostgresJournal journal = OpenThroughProxy(loadBatchLength: 100);
        _replies.AppendAndWait(journal, "a", 1, count: 2_000);
        using var cutting = new Cutting(_proxy);
        journal.Load(new LoadRequest(1, "a", cutting));
        Assert.True(cutting.HasEnded.Wait(Limit), "the load did not end");
        Assert.Null(cutting.Failure);
        Assert.Equal(Enumerable.Range(1, 2_000).Select(static i => (long)i), cutting.SequenceNrs);
    }

    [Fact]
    public void A_server_that_stays_away_is_an_answer_and_not_a_wait_and_all_goes_on_when_it_is_back()
    {
        using PostgresJournal journal = OpenThroughProxy(reconnectTimeout: TimeSpan.FromMilliseconds(300));
        _replies.AppendAndWait(journal, "a", 1);
        _proxy.Refuses = true;
        _proxy.Cut();
        _replies.Append(journal, "a", 2);
        var failed = _replies.Next<AppendFailed>();
        Assert.Equal(JournalFailure.Unavailable, failed.Failure);
        Assert.StartsWith($"journal 'postgresql://127.0.0.1:{_proxy.Port}/postgres#{_store.Schema}', stream 'a': ", failed.Reason, StringComparison.Ordinal);
        Assert.Equal(JournalFailure.Unavailable, _others.LoadFails(journal, "a").Failure);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 20; i++)
        {
            _replies.Append(journal, "a", 2);
            Assert.IsType<AppendFailed>(_replies.Next());
        }

        // They do not wait once more for what the first one has waited for.
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(20 * 0.3));
        _proxy.Refuses = false;
        _replies.AppendAndWait(journal, "a", 2);
        Assert.Equal([1, 2], _others.Load(journal, "a").Events.Select(static e => e.SequenceNr));
    }

    [Fact]
    public void An_outcome_that_stays_unknown_is_said_to_be_unknown()
    {
        using PostgresJournal journal = OpenThroughProxy(reconnectTimeout: TimeSpan.FromMilliseconds(300));
        _replies.AppendAndWait(journal, "a", 1);
        _proxy.LosesAnswers = true;
        _replies.Append(journal, "a", 2);
        Wait(() => _store.Count("SELECT count(*) FROM event") == 2, "the server did not commit");
        _proxy.Refuses = true;
        _proxy.Cut();
        Assert.Contains("it is not known whether they are stored", _replies.Next<AppendFailed>().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Closing_does_not_wait_for_a_server_that_is_away()
    {
        PostgresJournal journal = OpenThroughProxy(reconnectTimeout: TimeSpan.FromMinutes(10));
        _replies.AppendAndWait(journal, "a", 1);
        _proxy.Refuses = true;
        _proxy.Cut();
        _replies.Append(journal, "a", 2);
        long start = Stopwatch.GetTimestamp();
        journal.Dispose();
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.Equal(JournalFailure.Unavailable, _replies.Next<AppendFailed>().Failure);
    }

    [Fact]
    public void From_a_takeover_on_nothing_of_the_former_epoch_is_committed()
    {
        // Each time another instant of a writer that never rests.
        for (int epoch = 0; epoch < 40; epoch++)
        {
            using PostgresJournal journal = PostgresJournal.Open(_store.Options with { MaxBatchEvents = 4 }, epoch);
            string stream = string.Create(CultureInfo.InvariantCulture, $"epoch-{epoch}");
            for (int i = 1; i <= 200; i++)
                _replies.Append(journal, stream, i);
            for (int i = 0; i < epoch; i++)
                Assert.IsType<AppendCompleted>(_replies.Next());
            long atTakeover = _store.Count($"UPDATE leadership SET epoch = {epoch + 1}; SELECT count(*) FROM event JOIN stream ON id = stream WHERE name = '{stream}'");
            int completed = epoch;
            for (int i = epoch; i < 200; i++)
            {
                JournalOutcome outcome = _replies.Next();
                if (outcome is AppendFailed failed)
                    Assert.Equal((JournalFailure.Locked, $"journal '{_store.Place}', stream '{stream}': epoch {epoch} is over: another process leads now"), (failed.Failure, failed.Reason));
                else
                    completed++;
            }

            Assert.Equal(atTakeover, _store.Count($"SELECT count(*) FROM event JOIN stream ON id = stream WHERE name = '{stream}'"));
            Assert.Equal(atTakeover, completed);
        }
    }

    [Fact]
    public void An_epoch_that_is_over_cannot_be_opened_and_does_not_disturb_the_writer()
    {
        using PostgresJournal first = PostgresJournal.Open(_store.Options, epoch: 0);
        _store.Edit("UPDATE leadership SET epoch = 7");
        var warnings = new ConcurrentQueue<string>();
        using PostgresJournal journal = PostgresJournal.Open(_store.Options with { Warning = warnings.Enqueue }, epoch: 7);
        _replies.AppendAndWait(journal, "a", 1);
        JournalException e = Assert.Throws<JournalException>(() => PostgresJournal.Open(_store.Options, epoch: 6));
        Assert.Equal(JournalFailure.Locked, e.Failure);
        _replies.Append(first, "a", 2);
        Assert.Equal(JournalFailure.Locked, _replies.Next<AppendFailed>().Failure);
        first.SaveSnapshot(new SnapshotRequest(1, "a", new JournalSnapshot(1, "t", 1, default, default), _replies));
        Assert.Equal(JournalFailure.Locked, _replies.Next<SnapshotFailed>().Failure);
        _replies.AppendAndWait(journal, "a", 2);
        Assert.Empty(warnings);
    }

    [Fact]
    public void A_lock_that_outlasts_the_timeout_fails_and_the_next_append_is_tried_anew()
    {
        using PostgresJournal journal = PostgresJournal.Open(_store.Options with { StatementTimeout = TimeSpan.FromSeconds(1) }, epoch: 0);
        using (_store.HoldWrites())
        {
            _replies.Append(journal, "a", 1);
            var failed = _replies.Next<AppendFailed>();
            Assert.True(failed.Failure is JournalFailure.Locked or JournalFailure.Unavailable, failed.Reason);   // statement and lock have one limit, and either can be first
            Assert.Contains("timeout", failed.Reason, StringComparison.Ordinal);
        }

        _replies.AppendAndWait(journal, "a", 1);
    }

    [Fact]
    public void A_malformed_event_fails_and_the_journal_goes_on()
    {
        using PostgresJournal journal = PostgresJournal.Open(_store.Options, epoch: 0);
        journal.Append(new AppendRequest(1, "a", [.. Collector.Events(1, 1, "x"), new JournalEvent(2, null!, 1, default, default)], _replies));
        Assert.Equal(JournalFailure.Unavailable, _replies.Next<AppendFailed>().Failure);
        Assert.Empty(_replies.Load(journal, "a").Events);
        _replies.AppendAndWait(journal, "a", 1);
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _store.Dispose();
        _replies.Dispose();
        _others.Dispose();
    }

    private PostgresJournal OpenThroughProxy(TimeSpan? reconnectTimeout = null, int loadBatchLength = 512) => PostgresJournal.Open(
        _store.Options with
        {
            ConnectionString = PostgresServer.ConnectionTo(_proxy.Port),
            ReconnectTimeout = reconnectTimeout ?? Limit,
            LoadBatchLength = loadBatchLength,
        },
        epoch: 0);

    private static void Wait(Func<bool> condition, string otherwise)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Limit, otherwise);
            Thread.Sleep(2);   // for another process, which tells nobody
        }
    }

    /// <summary>Cuts the network in the middle of a load.</summary>
    private sealed class Cutting(FaultyProxy proxy) : ActorRef, IDisposable
    {
        private const int Every = 500;

        private int _next = Every;

        public List<long> SequenceNrs { get; } = [];

        public string? Failure { get; private set; }

        public ManualResetEventSlim HasEnded { get; } = new();

        public override string Path => "/cutting";

        public override void Tell(object message) => Tell(message, sender: null);

        public override void Tell(object message, ActorRef? sender)
        {
            if (message is LoadFailed failed)
            {
                Failure = failed.Reason;
                HasEnded.Set();
                return;
            }

            var loaded = (EventsLoaded)message;
            SequenceNrs.AddRange(loaded.Events.Select(static e => e.SequenceNr));
            if (SequenceNrs.Count >= _next)
            {
                _next += Every;
                proxy.Cut();
            }

            if (loaded.IsLast)
                HasEnded.Set();
        }

        public void Dispose() => HasEnded.Dispose();
    }
}
