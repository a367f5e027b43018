namespace Mesh.Actors.Persistence.Tests.Storage;

/// <summary>What every store does with appends.</summary>
public abstract class JournalAppendTests(JournalStore store) : IDisposable
{
    private readonly Collector _replies = new();

    [Fact]
    public void Outcomes_of_a_stream_come_in_the_order_of_its_appends()
    {
        using OpenJournal journal = store.Open();
        for (long i = 1; i <= 5_000; i++)
            _replies.Append(journal, "a", i);
        for (long i = 1; i <= 5_000; i++)
            Assert.Equal(new AppendCompleted(i), _replies.Next());
        Assert.Equal(5_000, journal.Statistics.Appends);
        Assert.Equal(5_000, journal.Statistics.Events);
    }

    [Fact]
    public void What_was_appended_is_there_after_a_reopen()
    {
        JournalEvent[] events =
        [
            new(1, "test.empty", 1, ReadOnlyMemory<byte>.Empty, Collector.Utc(1)),
            new(2, "test.large", 7, Enumerable.Range(0, 1_000_000).Select(i => (byte)i).ToArray(), Collector.Utc(2)),
            new(3, "test.größe", int.MaxValue, new byte[] { 0, 255 }, DateTimeOffset.MaxValue.ToOffset(TimeSpan.Zero)),
        ];
        const string Stream = "knoten/α\0'; DROP TABLE event";
        using (OpenJournal journal = store.Open())
        {
            journal.Append(new AppendRequest(9, Stream, events, _replies));
            Assert.Equal(new AppendCompleted(9), _replies.Next());
        }

        using OpenJournal reopened = store.Open();
        (JournalSnapshot? snapshot, List<JournalEvent> loaded) = _replies.Load(reopened, Stream);
        Assert.Null(snapshot);
        Assert.Equal(events.Length, loaded.Count);
        foreach ((JournalEvent expected, JournalEvent actual) in events.Zip(loaded))
        {
            Assert.Equal(expected with { Payload = default }, actual with { Payload = default });
            Assert.Equal(expected.Payload.ToArray(), actual.Payload.ToArray());
        }

        _replies.AppendAndWait(reopened, Stream, 4);
    }

    [Fact]
    public void Appends_that_wait_go_into_one_transaction()
    {
        using OpenJournal journal = store.Open();
        using (IDisposable other = store.HoldWrites())
        {
            for (int i = 0; i < 1_000; i++)
                _replies.Append(journal, $"stream-{i}", 1);
        }

        for (int i = 0; i < 1_000; i++)
            Assert.Equal(new AppendCompleted(1), _replies.Next());

        // What was there when the writer looked first is the first transaction, and the rest is the second.
        Assert.InRange(journal.Statistics.Transactions, 1, 2);
        Assert.InRange(journal.Statistics.LargestBatch, 500, 1_000);
    }

    [Fact]
    public void A_batch_is_bounded_by_events_and_by_bytes()
    {
        using OpenJournal journal = store.Open(maxBatchEvents: 10, maxBatchBytes: 1_000);
        using (IDisposable other = store.HoldWrites())
        {
            for (int i = 0; i < 100; i++)
                _replies.Append(journal, $"a-{i}", 1);
            _replies.Append(journal, "larger than a batch", 1, count: 25);
            for (int i = 0; i < 10; i++)
                _replies.Append(journal, $"b-{i}", 1, text: new string('x', 999));
        }

        for (int i = 0; i < 111; i++)
            Assert.Equal(new AppendCompleted(1), _replies.Next());
        Assert.Equal(25, journal.Statistics.LargestBatch);
        Assert.InRange(journal.Statistics.Transactions, 10 + 1 + 10, 11 + 1 + 10);
    }

    [Theory]
    [InlineData(1, "event 1 was to follow")]
    [InlineData(3, "event 3 was to follow")]
    [InlineData(5, "event 5 was to follow")]
    [InlineData(0, "event 0 was to follow")]
    [InlineData(-7, "event -7 was to follow")]
    public void An_append_that_does_not_continue_its_stream_is_a_conflict(long first, string expected)
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 3);
        _replies.Append(journal, "a", first);
        var failed = _replies.Next<AppendFailed>();
        Assert.Equal((first, JournalFailure.Conflict), (failed.RequestId, failed.Failure));
        Assert.StartsWith("stream 'a' ends with event 3, and " + expected, failed.Reason, StringComparison.Ordinal);
        Assert.Equal(1, journal.Statistics.Conflicts);
        _replies.AppendAndWait(journal, "a", 4);
    }

    [Fact]
    public void A_hole_within_an_append_is_a_conflict_and_leaves_nothing_behind()
    {
        using OpenJournal journal = store.Open();
        JournalEvent[] events = [.. Collector.Events(1, 2, "x"), .. Collector.Events(4, 1, "x")];
        journal.Append(new AppendRequest(1, "a", events, _replies));
        Assert.Equal(JournalFailure.Conflict, _replies.Next<AppendFailed>().Failure);
        Assert.Empty(_replies.Load(journal, "a").Events);
        Assert.Equal(0, store.Count("SELECT count(*) FROM stream"));
    }

    [Fact]
    public void A_conflict_does_not_hurt_the_others_in_its_transaction()
    {
        using OpenJournal journal = store.Open();
        using (IDisposable other = store.HoldWrites())
        {
            _replies.Append(journal, "a", 1, text: "first writer");
            _replies.Append(journal, "a", 1, text: "second writer");
            _replies.Append(journal, "b", 1);
            _replies.Append(journal, "a", 2, text: "first writer");
        }

        Assert.IsType<AppendCompleted>(_replies.Next());
        Assert.Equal(JournalFailure.Conflict, _replies.Next<AppendFailed>().Failure);
        Assert.IsType<AppendCompleted>(_replies.Next());
        Assert.IsType<AppendCompleted>(_replies.Next());
        Assert.Equal(["first writer1", "first writer2"], _replies.Load(journal, "a").Events.Select(Collector.Text), StringComparer.Ordinal);
        Assert.Single(_replies.Load(journal, "b").Events);
    }

    [Fact]
    public void A_writer_that_ignores_the_locks_is_noticed()
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1);
        Assert.Equal(1, store.Forge());
        _replies.Append(journal, "a", 2);
        Assert.Equal(JournalFailure.Conflict, _replies.Next<AppendFailed>().Failure);
    }

    [Fact]
    public void An_append_without_events_is_a_mistake_of_the_caller()
    {
        using OpenJournal journal = store.Open();
        Assert.Throws<ArgumentException>(() => journal.Append(new AppendRequest(1, "a", [], _replies)));
    }

    [Fact]
    public void Closing_carries_out_what_was_asked_for_and_then_refuses()
    {
        OpenJournal journal = store.Open();
        for (long i = 1; i <= 3_000; i++)
            _replies.Append(journal, "a", i);
        journal.Load(new LoadRequest(-1, "a", _replies));
        journal.Dispose();
        journal.Dispose();
        for (long i = 1; i <= 3_000; i++)
            Assert.Equal(new AppendCompleted(i), _replies.Next());
        for (int i = 0; i < 6; i++)
            Assert.Equal(i == 5, _replies.Next<EventsLoaded>().IsLast);
        Assert.True(_replies.IsEmpty);

        _replies.Append(journal, "a", 3_001);
        Assert.Equal(JournalFailure.Unavailable, _replies.Next<AppendFailed>().Failure);
        Assert.Equal(JournalFailure.Unavailable, _replies.LoadFails(journal, "a").Failure);
        journal.SaveSnapshot(new SnapshotRequest(1, "a", new JournalSnapshot(1, "t", 1, default, default), _replies));
        Assert.Equal(JournalFailure.Unavailable, _replies.Next<SnapshotFailed>().Failure);
    }

    public void Dispose()
    {
        _replies.Dispose();
        store.Dispose();
    }
}
