using System.Text;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests.Persistence;

/// <summary>What is read back, and what is said when it cannot be.</summary>
public sealed class RecoveryTests
{
    private readonly SimulatedDisk _disk = new();

    [Fact]
    public void Events_are_read_back_in_order_across_batches()
    {
        ActorTestKit kit = Written(1, 2, 3, 4, 5);
        kit.Journal.LoadBatchLength = 2;
        var recovered = new List<object>();
        kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => recovered.Add(m) }));
        kit.Advance(Seconds(1));
        Assert.Equal([new Added(1), new Added(2), new Added(3), new Added(4), new Added(5), RecoveryCompleted.Instance], recovered);
    }

    [Fact]
    public void An_empty_stream_completes_its_recovery()
    {
        ActorTestKit kit = Written();
        var recovered = new List<object>();
        kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => recovered.Add(m) }));
        kit.Advance(Seconds(1));
        Assert.Equal([RecoveryCompleted.Instance], recovered);
    }

    [Fact]
    public void Messages_wait_for_the_recovery_and_PreStart_comes_after_it()
    {
        ActorTestKit kit = Written(1, 2);
        var seen = new List<string>();
        TestProbe probe = kit.CreateProbe();
        ActorRef ledger = kit.ActorOf(Ledger.Props(script: new LedgerScript
        {
            Recover = (_, m) => seen.Add(m.GetType().Name),
            PreStart = l => seen.Add($"PreStart with {l.Amounts.Count}"),
        }));
        ledger.Tell(Ledger.Query, probe.Ref);
        Assert.Equal([1, 2], probe.ExpectMsg<int[]>());
        Assert.Equal(["Added", "Added", "PreStart with 2", "RecoveryCompleted"], seen);
    }

    [Fact]
    public void A_snapshot_comes_first_and_only_the_events_after_it()
    {
        ActorTestKit kit = Written(1, 2);
        Do(kit, Start(kit), l => l.TakeSnapshot());
        kit.Advance(Milliseconds(5));
        kit = Next(kit);
        ActorRef ledger = Start(kit);
        ledger.Tell(new Add(3));
        kit.Advance(Milliseconds(5));
        kit = Next(kit);
        var recovered = new List<object>();
        ledger = kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => recovered.Add(m) }));
        TestProbe probe = kit.CreateProbe();
        ledger.Tell(Ledger.Query, probe.Ref);
        Assert.Equal([1, 2, 3], probe.ExpectMsg<int[]>());
        SnapshotOffer offer = Assert.IsType<SnapshotOffer>(recovered[0]);
        Assert.Equal(2, offer.SequenceNr);
        Assert.Equal([new Added(3), RecoveryCompleted.Instance], recovered[1..]);
    }

    // The events of one handler are stored together, and the state has each of them only when its callback has begun.
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void A_snapshot_in_a_callback_holds_the_events_up_to_its_own_and_the_others_are_read_back(int snapshotAfter)
    {
        ActorTestKit kit = Written(9);
        Do(kit, Start(kit), l =>
        {
            for (int amount = 1; amount <= 4; amount++)
            {
                l.Store(amount, added =>
                {
                    Assert.Equal(1 + added.Amount, l.LastSequenceNr);
                    if (added.Amount == 1)
                        l.Store(5);   // comes after the other three, whose callbacks have not run yet
                    if (added.Amount == snapshotAfter)
                        l.TakeSnapshot();
                });
            }
        });
        kit.Advance(Milliseconds(20));
        kit = Next(kit);
        SnapshotOffer? offer = null;
        ActorRef ledger = kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => offer = m as SnapshotOffer ?? offer }));
        TestProbe probe = kit.CreateProbe();
        ledger.Tell(Ledger.Query, probe.Ref);
        Assert.Equal([9, 1, 2, 3, 4, 5], probe.ExpectMsg<int[]>());
        Assert.Equal(1 + snapshotAfter, offer!.SequenceNr);
    }

    [Fact]
    public void A_snapshot_before_any_event_is_kept_too()
    {
        ActorTestKit kit = Written();
        var outcomes = new List<object>();
        ActorRef ledger = Start(kit, receive: (_, m) => outcomes.Add(m));
        Do(kit, ledger, l => l.TakeSnapshot());
        kit.Advance(Seconds(1));
        Assert.Equal([new SaveSnapshotSuccess(0)], outcomes);
        kit = Next(kit);
        var recovered = new List<object>();
        kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => recovered.Add(m) }));
        kit.Advance(Seconds(1));
        Assert.IsType<SnapshotOffer>(recovered[0]);
    }

    [Fact]
    public void The_outcome_of_a_snapshot_waits_for_the_commit_that_is_under_way()
    {
        ActorTestKit kit = Written();
        var outcomes = new List<(object, TimeSpan)>();
        ActorRef ledger = Start(kit, receive: (l, m) => outcomes.Add((m, l.Surroundings.Now)));
        Do(kit, ledger, l => l.Store(1, _ => l.TakeSnapshot()));
        kit.Advance(Milliseconds(3));
        Do(kit, ledger, l => l.Store(2));
        kit.Advance(Seconds(1));
        Assert.Equal([(new SaveSnapshotSuccess(1), Milliseconds(6))], outcomes);
    }

    [Fact]
    public void A_snapshot_that_cannot_be_stored_is_reported_and_loses_nothing()
    {
        ActorTestKit kit = Written(1);
        var outcomes = new List<object>();
        ActorRef ledger = Start(kit, receive: (_, m) => outcomes.Add(m));
        kit.Journal.WriteFault = JournalFailure.Full;
        Do(kit, ledger, l => l.TakeSnapshot());
        kit.Advance(Seconds(1));
        Assert.Equal([new SaveSnapshotFailure(1, "stream 'ledger': no space left on the simulated disk")], outcomes);
        Assert.Contains(kit.Log.Entries, e => e.Message == "snapshot at 1 was not stored: stream 'ledger': no space left on the simulated disk");
        kit = Next(kit);
        Assert.Equal([1], Recovered(kit));
    }

    [Fact]
    public void Recovery_may_persist_once_it_is_completed()
    {
        ActorTestKit kit = Written(1);
        kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (l, m) => { if (m == RecoveryCompleted.Instance) l.Store(2); } }));
        kit.Advance(Seconds(1));
        Assert.Equal(2, _disk.CountOf("ledger"));
    }

    [Fact]
    public void A_missing_event_is_named()
    {
        ActorTestKit kit = Written(1, 2, 3);
        var gap = new GapJournal(kit.Journal);
        var broken = new ActorTestKit(schema: Ledger.Schema, disk: _disk, configure: o => o with { Journal = gap });
        AssertStopped(broken, JournalFailure.Corrupt, "stream 'ledger': event 2 is missing, the next one is 3");
    }

    [Fact]
    public void A_corrupt_row_is_named()
    {
        ActorTestKit kit = Written(1, 2, 3);
        _disk.Corrupt("ledger", 2);
        AssertStopped(kit, JournalFailure.Corrupt, "stream 'ledger', event 2: the checksum does not fit, the row is corrupt");
        Assert.Throws<ArgumentOutOfRangeException>(() => _disk.Corrupt("ledger", 4));
    }

    [Fact]
    public void A_journal_that_cannot_be_read_stops_the_actor()
    {
        ActorTestKit kit = Written(1);
        kit.Journal.ReadFault = JournalFailure.Locked;
        AssertStopped(kit, JournalFailure.Locked, "stream 'ledger': the simulated journal is locked by another process");
    }

    [Theory]
    [InlineData("ledger.removed", 1, """{"Amount":1}""", "event type 'ledger.removed' is unknown to this program")]
    [InlineData("ledger.added", 2, """{"Amount":1}""", "event type 'ledger.added' has version 2, this program knows versions up to 1; was the journal written by a newer program?")]
    [InlineData("ledger.added", 0, """{"Amount":1}""", "event type 'ledger.added' has version 0, this program knows versions up to 1; was the journal written by a newer program?")]
    [InlineData("ledger.added", 1, "null", "event of type 'ledger.added' version 1 is null")]
    public void An_event_that_is_not_understood_is_named(string type, int version, string payload, string reason)
    {
        ActorTestKit kit = Written(1, 2, 3);
        _disk.Replace("ledger", new JournalEvent(2, type, version, Encoding.UTF8.GetBytes(payload), default));
        AssertStopped(kit, JournalFailure.UnknownEvent, "stream 'ledger', event 2: " + reason);
    }

    [Fact]
    public void A_payload_that_is_not_json_is_named()
    {
        ActorTestKit kit = Written(1);
        _disk.Replace("ledger", new JournalEvent(1, "ledger.added", 1, new byte[] { 0xFF }, default));
        AssertStopped(kit, JournalFailure.UnknownEvent, null);
        Assert.StartsWith("stream 'ledger', event 1: event of type 'ledger.added' version 1 cannot be read: ", kit.System.LastFailure!.Reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_half_recovered_actor_is_never_resumed()
    {
        ActorTestKit kit = Written(1, 2);
        ActorRef parent = kit.ActorOf(Scripted.Props(new Script { Strategy = () => new SupervisorStrategy(_ => Directive.Resume) }));
        ActorRef ledger = kit.System.DeadLetters;
        kit.Do(parent, p => ledger = p.Surroundings.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => { if (m is Added { Amount: 2 }) throw new Bang(); } })));
        TestProbe probe = kit.CreateProbe();
        probe.Watch(ledger);
        ledger.Tell(Ledger.Query, probe.Ref);
        probe.ExpectTerminated(ledger);
    }

    [Fact]
    public void A_recovery_that_throws_is_tried_again_with_backoff()
    {
        ActorTestKit kit = Written(1);
        int attempts = 0;
        ActorRef ledger = kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (_, m) => { if (m is Added && ++attempts < 3) throw new Bang(); } }));
        TestProbe probe = kit.CreateProbe();
        ledger.Tell(Ledger.Query, probe.Ref);
        Assert.Equal([1], probe.ExpectMsg<int[]>());
        Assert.Equal(3, attempts);
        Assert.InRange(kit.Now, Milliseconds(303), Milliseconds(363));
    }

    [Fact]
    public void Stopping_during_the_recovery_stops_at_once_and_quietly()
    {
        ActorTestKit kit = Written(1);
        ActorRef ledger = kit.ActorOf(Ledger.Props());
        kit.System.Stop(ledger);
        kit.Advance(Seconds(1));
        Assert.Equal((0, 0), (kit.System.DeadLetterCount, kit.System.FailureCount));
    }

    [Fact]
    public void A_persistent_actor_that_throws_comes_back_with_its_events()
    {
        ActorTestKit kit = Written(1, 2);
        ActorRef ledger = Start(kit);
        Do(kit, ledger, _ => throw new Bang());
        TestProbe probe = kit.CreateProbe();
        ledger.Tell(new Add(3), probe.Ref);
        ledger.Tell(Ledger.Query, probe.Ref);
        probe.ExpectMsg(new Acknowledged(3));
        Assert.Equal([1, 2, 3], probe.ExpectMsg<int[]>());
    }

    private static ActorRef Start(ActorTestKit kit, Action<Ledger, object>? receive = null)
    {
        ActorRef ledger = kit.ActorOf(Ledger.Props(script: new LedgerScript { Receive = receive }));
        kit.Advance(Milliseconds(1));
        return ledger;
    }

    private static void Do(ActorTestKit kit, ActorRef ledger, Action<Ledger> run)
    {
        ledger.Tell(run);
        kit.Settle();
    }

    private static int[] Recovered(ActorTestKit kit)
    {
        TestProbe probe = kit.CreateProbe();
        kit.ActorOf(Ledger.Props()).Tell(Ledger.Query, probe.Ref);
        return probe.ExpectMsg<int[]>();
    }

    private static void AssertStopped(ActorTestKit kit, JournalFailure failure, string? reason)
    {
        ActorRef ledger = kit.ActorOf(Ledger.Props());
        TestProbe probe = kit.CreateProbe();
        probe.Watch(ledger);
        probe.ExpectTerminated(ledger);
        JournalException e = Assert.IsType<JournalException>(kit.System.LastFailure!.Reason);
        Assert.Equal(failure, e.Failure);
        Assert.Equal(reason ?? e.Message, e.Message);
    }

    /// <summary>A system on a disk to which these amounts were written by an earlier one.</summary>
    private ActorTestKit Written(params int[] amounts)
    {
        var kit = new ActorTestKit(schema: Ledger.Schema, disk: _disk);
        ActorRef ledger = kit.ActorOf(Ledger.Props());
        foreach (int amount in amounts)
            ledger.Tell(new Add(amount), kit.System.DeadLetters);
        kit.Advance(Seconds(1));
        return Next(kit);
    }

    private ActorTestKit Next(ActorTestKit kit)
    {
        kit.System.StopUser();
        kit.Settle();
        _disk.Sync();
        return new ActorTestKit(schema: Ledger.Schema, disk: _disk);
    }

    /// <summary>Leaves out the second event of what it loads.</summary>
    private sealed class GapJournal(IJournal journal) : IJournal
    {
        public void Append(AppendRequest request) => journal.Append(request);

        public void SaveSnapshot(SnapshotRequest request) => journal.SaveSnapshot(request);

        public void Load(LoadRequest request)
        {
            (string name, int version, byte[] payload) = Ledger.Schema.Serialize(new Added(1));
            JournalEvent[] events = [new(1, name, version, payload, default), new(3, name, version, payload, default)];
            request.ReplyTo.Tell(new EventsLoaded(request.Id, Snapshot: null, events, IsLast: true));
        }
    }
}
