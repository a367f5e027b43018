namespace Mesh.Actors.Persistence.Tests.Storage;

/// <summary>What every store does with loads and snapshots.</summary>
public abstract class JournalLoadTests(JournalStore store) : IDisposable
{
    private readonly Collector _replies = new();

    [Fact]
    public void An_unknown_stream_is_empty()
    {
        using OpenJournal journal = store.Open();
        journal.Load(new LoadRequest(7, "nobody", _replies));
        var loaded = _replies.Next<EventsLoaded>();
        Assert.Equal((7, null, 0, true), (loaded.RequestId, loaded.Snapshot, loaded.Events.Count, loaded.IsLast));
    }

    [Theory]
    [InlineData(511, 1)]
    [InlineData(512, 1)]
    [InlineData(513, 2)]
    [InlineData(1_024, 2)]
    [InlineData(1_300, 3)]
    public void A_long_stream_comes_in_batches(int count, int batches)
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count);
        journal.Load(new LoadRequest(1, "a", _replies));
        long next = 1;
        for (int i = 1; i <= batches; i++)
        {
            var loaded = _replies.Next<EventsLoaded>();
            Assert.Equal(i == batches, loaded.IsLast);
            foreach (JournalEvent e in loaded.Events)
                Assert.Equal((next, $"x{next++}"), (e.SequenceNr, Collector.Text(e)));
        }

        Assert.Equal(count + 1, next);
        Assert.Equal(1, journal.Statistics.Loads);
    }

    [Fact]
    public void A_load_holds_what_was_appended_before_it_and_nothing_that_came_later()
    {
        using OpenJournal journal = store.Open();
        using (IDisposable other = store.HoldWrites())
        {
            _replies.Append(journal, "a", 1, count: 3);
            journal.Load(new LoadRequest(-1, "a", _replies));
            _replies.Append(journal, "a", 4);
        }

        JournalOutcome[] outcomes = [_replies.Next(), _replies.Next(), _replies.Next()];
        Assert.Equal(3, Assert.Single(outcomes.OfType<EventsLoaded>()).Events.Count);
        Assert.Equal(2, outcomes.OfType<AppendCompleted>().Count());
    }

    [Fact]
    public void Writing_goes_on_while_a_load_is_under_way()
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 2_000);
        using var slow = new SlowReader();
        journal.Load(new LoadRequest(1, "a", slow));
        Assert.True(slow.HasBegun.Wait(TimeSpan.FromSeconds(30)), "the load did not begin");
        for (int i = 1; i <= 100; i++)
            _replies.AppendAndWait(journal, "b", i);
        _replies.AppendAndWait(journal, "a", 2_001);
        slow.GoOn.Set();
        Assert.True(slow.HasEnded.Wait(TimeSpan.FromSeconds(30)), "the load did not end");
        Assert.Equal(2_000, slow.Count);
    }

    [Theory]
    [InlineData("payload = x'00'")]
    [InlineData("utc = utc + 1")]
    [InlineData("utc = -1")]
    [InlineData("version = 2")]
    [InlineData("version = 1 + 4294967296")]
    [InlineData("type = 'test.occurred'")]
    [InlineData("checksum = checksum + 1")]
    [InlineData("type = type || 'x', payload = x'37'")]
    public void A_changed_row_is_corrupt(string change)
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 1_000);
        Assert.Equal(1, store.Edit($"UPDATE event SET {change} WHERE seq = 700"));
        LoadFailed failed = _replies.LoadFails(journal, "a");
        Assert.Equal(JournalFailure.Corrupt, failed.Failure);
        Assert.Equal($"stream 'a', event 700: the checksum does not fit, the row is corrupt (journal '{store.Place}')", failed.Reason);
        Assert.Equal(1, journal.Statistics.Failures);
    }

    [Theory]
    [InlineData("DELETE FROM event WHERE seq = 3", "event 3 is missing, the next one is 4")]
    [InlineData("DELETE FROM event WHERE seq <= 2", "event 1 is missing, the next one is 3")]
    [InlineData("UPDATE event SET seq = 9 WHERE seq = 5", "event 5 is missing, ")]
    public void A_missing_or_misplaced_row_is_corrupt(string edit, string expected)
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 5);
        Assert.InRange(store.Edit(edit), 1, 2);
        LoadFailed failed = _replies.LoadFails(journal, "a");
        Assert.Equal(JournalFailure.Corrupt, failed.Failure);
        Assert.Contains($"stream 'a', {expected}", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Events_of_one_stream_do_not_pass_for_those_of_another()
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1);
        Assert.Equal(1, store.Edit("UPDATE stream SET name = 'b'"));
        Assert.Equal(JournalFailure.Corrupt, _replies.LoadFails(journal, "b").Failure);
    }

    [Fact]
    public void The_newest_snapshot_comes_with_the_events_after_it_and_two_are_kept()
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 10);
        foreach (long at in new[] { 2, 4, 6, 8 })
            _replies.SaveSnapshot(journal, "a", at, $"state {at}");
        (JournalSnapshot? snapshot, List<JournalEvent> events) = _replies.Load(journal, "a");
        Assert.Equal((8, "test.state", 1, Collector.Utc(8)), (snapshot!.SequenceNr, snapshot.Type, snapshot.Version, snapshot.Utc));
        Assert.Equal("state 8"u8, snapshot.Payload.Span);
        Assert.Equal([9, 10], events.Select(e => e.SequenceNr));
        Assert.Equal(2, store.Count("SELECT count(*) FROM snapshot WHERE seq IN (6, 8)"));
        Assert.Equal(2, store.Count("SELECT count(*) FROM snapshot"));
        Assert.Equal(4, journal.Statistics.Snapshots);
    }

    [Theory]
    [InlineData("seq = 8", 1, 6)]
    [InlineData("seq > 0", 2, 0)]
    [InlineData("seq = 6", 0, 8)]
    public void A_corrupt_snapshot_is_passed_over(string which, int corrupt, long expected)
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 10);
        _replies.SaveSnapshot(journal, "a", 6, "state 6");
        _replies.SaveSnapshot(journal, "a", 8, "state 8");
        Assert.InRange(store.Edit($"UPDATE snapshot SET payload = x'00' WHERE {which}"), 1, 2);
        (JournalSnapshot? snapshot, List<JournalEvent> events) = _replies.Load(journal, "a");
        Assert.Equal(expected, snapshot?.SequenceNr ?? 0);
        Assert.Equal(10 - expected, events.Count);
        Assert.Equal(corrupt, journal.Statistics.CorruptSnapshots);
        Assert.Equal(corrupt, store.Warnings.Count);
        Assert.All(store.Warnings, w => Assert.Contains("stream 'a', snapshot ", w, StringComparison.Ordinal));
    }

    [Fact]
    public void A_snapshot_ahead_of_its_stream_is_refused_and_one_that_lost_its_events_is_corrupt()
    {
        using OpenJournal journal = store.Open();
        _replies.AppendAndWait(journal, "a", 1, count: 5);
        journal.SaveSnapshot(new SnapshotRequest(6, "a", new JournalSnapshot(6, "t", 1, default, default), _replies));
        Assert.Equal(JournalFailure.Conflict, _replies.Next<SnapshotFailed>().Failure);
        _replies.SaveSnapshot(journal, "a", 5, "state 5");
        Assert.Equal(2, store.Edit("DELETE FROM event WHERE seq >= 4"));
        LoadFailed failed = _replies.LoadFails(journal, "a");
        Assert.Equal(JournalFailure.Corrupt, failed.Failure);
        Assert.Contains("event 4 is missing: there is a snapshot of event 5, but events only up to 3", failed.Reason, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _replies.Dispose();
        store.Dispose();
    }

    /// <summary>Holds the loader up in the first batch.</summary>
    private sealed class SlowReader : ActorRef, IDisposable
    {
        public ManualResetEventSlim HasBegun { get; } = new();

        public ManualResetEventSlim GoOn { get; } = new();

        public ManualResetEventSlim HasEnded { get; } = new();

        public int Count { get; private set; }

        public override string Path => "/slow";

        public override void Tell(object message) => Tell(message, sender: null);

        public override void Tell(object message, ActorRef? sender)
        {
            var loaded = (EventsLoaded)message;
            Count += loaded.Events.Count;
            HasBegun.Set();
            GoOn.Wait(TimeSpan.FromSeconds(30));
            if (loaded.IsLast)
                HasEnded.Set();
        }

        public void Dispose()
        {
            HasBegun.Dispose();
            GoOn.Dispose();
            HasEnded.Dispose();
        }
    }
}
