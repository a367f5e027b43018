using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests.Persistence;

/// <summary>Nothing gets out before the commit, and nothing is lost after it.</summary>
public sealed class PersistTests
{
    private readonly ActorTestKit _kit = new(schema: Ledger.Schema);
    private readonly TestProbe _probe;

    public PersistTests() => _probe = _kit.CreateProbe();

    [Fact]
    public void What_the_handler_sends_leaves_after_the_commit()
    {
        ActorRef ledger = Start();
        Do(ledger, l =>
        {
            _probe.Ref.Tell("before");
            l.Store(1, _ => _probe.Ref.Tell("in the callback"));
            _probe.Ref.Tell("after");
        });
        _probe.ExpectNoMsg(Milliseconds(2) - new TimeSpan(1));
        _probe.ExpectMsg("before");
        Assert.Equal(Milliseconds(3), _probe.LastArrival);   // 1 ms to recover, 2 ms to write
        Assert.Equal(ledger, _probe.LastSender);
        _probe.ExpectMsg("after");
        _probe.ExpectMsg("in the callback");
    }

    [Fact]
    public void A_handler_that_persists_nothing_sends_at_once()
    {
        ActorRef ledger = Start();
        Do(ledger, _ => _probe.Ref.Tell("now"));
        Assert.Equal(1, _probe.PendingCount);
    }

    [Fact]
    public void Messages_that_come_during_the_commit_wait_in_order()
    {
        ActorRef ledger = Start();
        ledger.Tell(new Add(1), _probe.Ref);
        ledger.Tell(Ledger.Query, _probe.Ref);
        ledger.Tell(new Add(2), _probe.Ref);
        ledger.Tell(Ledger.Query, _probe.Ref);
        _probe.ExpectMsg(new Acknowledged(1));
        Assert.Equal([1], _probe.ExpectMsg<int[]>());
        _probe.ExpectMsg(new Acknowledged(2));
        Assert.Equal([1, 2], _probe.ExpectMsg<int[]>());
        Assert.Equal(Milliseconds(5), _probe.LastArrival);
    }

    [Fact]
    public void The_sender_in_a_callback_is_that_of_the_command()
    {
        ActorRef ledger = Start();
        TestProbe other = _kit.CreateProbe();
        ledger.Tell(new Add(1), _probe.Ref);
        ledger.Tell(new Add(2), other.Ref);
        other.ExpectMsg(new Acknowledged(2));
        _probe.ExpectMsg(new Acknowledged(1));
        Assert.Equal(0, _probe.PendingCount);
    }

    [Fact]
    public void All_events_of_one_handler_are_one_write()
    {
        ActorRef ledger = Start();
        Do(ledger, l =>
        {
            l.StoreAll(new Added(1), new Added(2));
            l.Store(3, _ => _probe.Ref.Tell(l.LastSequenceNr));
        });
        _probe.ExpectMsg(3L);
        Assert.Equal(Milliseconds(3), _probe.LastArrival);
    }

    [Fact]
    public void PersistAll_stores_all_or_nothing()
    {
        ActorRef ledger = Start();
        Do(ledger, l => l.StoreAll(new Added(1), new Bang()));   // the second is not in the schema
        _kit.Advance(Seconds(1));
        Assert.Equal(0, _kit.Disk.CountOf("ledger"));
        JournalException e = Assert.IsType<JournalException>(_kit.System.LastFailure!.Reason);
        Assert.Equal(JournalFailure.UnknownEvent, e.Failure);
        Assert.Contains("Bang is not declared in the event schema", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_callback_may_persist_again_before_other_messages_are_handled()
    {
        ActorRef ledger = Start();
        Do(ledger, l => l.Store(1, _ =>
        {
            _probe.Ref.Tell("first");
            l.Store(2, _ => _probe.Ref.Tell("second"));
        }));
        ledger.Tell(Ledger.Query, _probe.Ref);
        _probe.ExpectMsg("first");
        Assert.Equal(Milliseconds(5), _probe.LastArrival);   // held by the second commit
        _probe.ExpectMsg("second");
        Assert.Equal([1, 2], _probe.ExpectMsg<int[]>());
    }

    [Fact]
    public void A_handler_that_throws_after_it_persisted_stores_and_sends_nothing()
    {
        ActorRef ledger = Start();
        Do(ledger, l =>
        {
            l.Store(1);
            _probe.Ref.Tell("never");
            throw new Bang();
        });
        ledger.Tell(Ledger.Query, _probe.Ref);
        Assert.Empty(_probe.ExpectMsg<int[]>());
        Assert.Equal(0, _kit.Disk.CountOf("ledger"));
    }

    [Fact]
    public void A_callback_that_throws_restarts_the_actor_with_its_event()
    {
        ActorRef ledger = Start();
        Do(ledger, l => l.Store(7, _ => throw new Bang()));
        ledger.Tell(Ledger.Query, _probe.Ref);
        Assert.Equal([7], _probe.ExpectMsg<int[]>());
        Assert.Equal(1, _kit.System.FailureCount);
    }

    [Theory]
    [InlineData(JournalFailure.Full, "stream 'ledger': no space left on the simulated disk")]
    [InlineData(JournalFailure.Locked, "stream 'ledger': the simulated journal is locked by another process")]
    [InlineData(JournalFailure.Unavailable, "stream 'ledger': the simulated disk fails (Unavailable)")]
    public void A_journal_that_fails_withholds_what_was_sent_and_stops_the_actor(JournalFailure fault, string reason)
    {
        JournalException? seen = null;
        ActorRef ledger = _kit.ActorOf(Ledger.Props(script: new LedgerScript { PersistFailure = (_, e) => seen = e }));
        _kit.Advance(Milliseconds(1));
        _probe.Watch(ledger);
        _kit.Journal.WriteFault = fault;
        ledger.Tell(new Add(1), _probe.Ref);
        ledger.Tell("waiting");
        _probe.ExpectTerminated(ledger);
        _probe.ExpectNoMsg(Seconds(1));
        JournalException e = Assert.IsType<JournalException>(_kit.System.LastFailure!.Reason);
        Assert.Equal((fault, reason), (e.Failure, e.Message));
        Assert.IsType<Add>(_kit.System.LastFailure.Message);
        Assert.Equal(e, seen);
        Assert.Equal(1, _kit.System.DeadLetterCount);   // the waiting one
        Assert.Equal(0, _kit.Disk.CountOf("ledger"));
    }

    [Fact]
    public void A_failed_write_says_how_much_was_not_sent_and_a_resumed_actor_writes_again()
    {
        ActorRef ledger = Start(Directive.Resume);
        _kit.Journal.WriteFault = JournalFailure.Full;
        Do(ledger, l =>
        {
            l.Store(1);
            _probe.Ref.Tell("never");
            _probe.Ref.Tell("never either");
        });
        _kit.Advance(Milliseconds(5));
        Assert.Contains(_kit.Log.Entries, e => e.Message == "2 messages that depended on the failed write were not sent");
        _kit.Journal.WriteFault = null;
        ledger.Tell(new Add(2), _probe.Ref);
        _probe.ExpectMsg(new Acknowledged(2));
        Assert.Equal(1, _kit.Disk.CountOf("ledger"));
    }

    [Fact]
    public void A_failed_write_takes_no_report_of_another_actors_end_with_it()
    {
        ActorRef ledger = Start(Directive.Resume);
        ActorRef watched = _kit.ActorOf(Scripted.Props());
        _probe.Watch(watched);
        _kit.Journal.WriteFault = JournalFailure.Full;
        Do(ledger, l =>
        {
            l.Surroundings.Stop(watched);
            l.Surroundings.ActorOf(Scripted.Props(new Script { PreStart = _ => _probe.Ref.Tell("unborn") }), "child");
            l.Store(1);
        });
        _probe.ExpectTerminated(watched);
        _probe.ExpectNoMsg(Seconds(1));
        _kit.Journal.WriteFault = null;
        Do(ledger, l => l.Surroundings.ActorOf(Scripted.Props(new Script { PreStart = _ => _probe.Ref.Tell("born") }), "child"));
        _probe.ExpectMsg("born");
    }

    [Fact]
    public void Of_two_writers_the_later_one_stops()
    {
        ActorRef first = Start();
        ActorRef second = Start();
        first.Tell(new Add(1), _probe.Ref);
        _probe.ExpectMsg(new Acknowledged(1));
        _probe.Watch(second);
        second.Tell(new Add(2), _probe.Ref);
        _probe.ExpectTerminated(second);
        JournalException e = Assert.IsType<JournalException>(_kit.System.LastFailure!.Reason);
        Assert.Equal(JournalFailure.Conflict, e.Failure);
        Assert.Equal("stream 'ledger' has 1 events, and event 1 was to follow: another writer has appended to the stream", e.Message);
        first.Tell(new Add(3), _probe.Ref);
        _probe.ExpectMsg(new Acknowledged(3));
        Assert.Equal(2, _kit.Disk.CountOf("ledger"));
    }

    [Fact]
    public void Stopping_during_a_commit_acknowledges_first()
    {
        ActorRef ledger = Start();
        _probe.Watch(ledger);
        ledger.Tell(new Add(1), _probe.Ref);
        ledger.Tell(new Add(2), _probe.Ref);
        _kit.Settle();
        _kit.System.Stop(ledger);
        _probe.ExpectMsg(new Acknowledged(1));
        _probe.ExpectTerminated(ledger);
        _probe.ExpectNoMsg(Seconds(1));
        Assert.Equal((1, 1), (_kit.Disk.CountOf("ledger"), _kit.System.DeadLetterCount));
    }

    [Fact]
    public void Stopping_the_parent_during_a_commit_acknowledges_first_and_ends_in_order()
    {
        var ends = new List<string>();
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { PostStop = _ => ends.Add("parent") }), "parent");
        _kit.Do(parent, p => p.Surroundings.ActorOf(Ledger.Props(script: new LedgerScript { PostStop = _ => ends.Add("ledger") }), "ledger"));
        _kit.Advance(Milliseconds(1));
        _kit.System.Find("/user/parent/ledger")!.Tell(new Add(1), _probe.Ref);
        _kit.Settle();
        _kit.System.StopUser();
        Assert.Empty(ends);
        _kit.Advance(Milliseconds(2));
        Assert.Equal(["ledger", "parent"], ends);
        Assert.Null(_kit.System.Find("/user/parent"));
    }

    [Fact]
    public void A_handler_that_persists_and_stops_is_acknowledged_and_then_stopped()
    {
        ActorRef ledger = Start();
        _probe.Watch(ledger);
        Do(ledger, l =>
        {
            l.Surroundings.Stop(l.Me);
            l.Store(1, _ => _probe.Ref.Tell("stored"));
        });
        _probe.ExpectMsg("stored");
        _probe.ExpectTerminated(ledger);
    }

    [Fact]
    public void A_stopping_actor_whose_write_fails_ends_all_the_same()
    {
        ActorRef ledger = Start();
        _probe.Watch(ledger);
        _kit.Journal.WriteFault = JournalFailure.Full;
        ledger.Tell(new Add(1), _probe.Ref);
        ledger.Tell(PoisonPill.Instance);
        _kit.Settle();
        _kit.System.Stop(ledger);
        _probe.ExpectTerminated(ledger);
        Assert.Contains(_kit.Log.Entries, e => e.Message == "failed while it stopped: stream 'ledger': no space left on the simulated disk");
    }

    [Fact]
    public void A_restart_during_a_commit_reads_the_event_back_and_keeps_the_messages_that_wait()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script
        {
            Strategy = () => new SupervisorStrategy(_ => Directive.Restart) { AppliesToSiblings = true, MinBackoff = TimeSpan.Zero, MaxBackoff = TimeSpan.Zero },
        }));
        ActorRef ledger = _kit.System.DeadLetters;
        ActorRef sibling = ledger;
        _kit.Do(parent, p =>
        {
            ledger = p.Surroundings.ActorOf(Ledger.Props());
            sibling = p.Surroundings.ActorOf(Scripted.Props());
        });
        _kit.Advance(Milliseconds(1));
        ledger.Tell(new Add(1), _probe.Ref);
        ledger.Tell(Ledger.Query, _probe.Ref);
        _kit.Do(sibling, _ => throw new Bang());
        Assert.Equal([1], _probe.ExpectMsg<int[]>());   // read back, although its acknowledgement was lost with the instance
        Assert.True(_probe.LastArrival >= Milliseconds(3), $"read back at {_probe.LastArrival}, before it was durable");
        ledger.Tell(new Add(2), _probe.Ref);
        _probe.ExpectMsg(new Acknowledged(2));
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_restart_waits_for_children_of_the_old_instance_that_still_commit()
    {
        _kit.Journal.WriteDelay = Seconds(1);   // longer than the backoff
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { PreStart = p => p.Surroundings.ActorOf(Ledger.Props(), "ledger") }), "parent");
        _kit.Advance(Milliseconds(1));
        ActorRef old = _kit.System.Find("/user/parent/ledger")!;
        old.Tell(new Add(1), _probe.Ref);
        _kit.Do(parent, _ => throw new Bang());
        _probe.ExpectMsg(new Acknowledged(1));
        _kit.Settle();
        ActorRef next = _kit.System.Find("/user/parent/ledger")!;
        Assert.NotEqual(old, next);
        next.Tell(Ledger.Query, _probe.Ref);
        Assert.Equal([1], _probe.ExpectMsg<int[]>());
        Assert.Equal((1, Milliseconds(1002)), ((int)_kit.System.FailureCount, _kit.Now));
    }

    [Fact]
    public void An_escalated_failure_of_a_child_that_is_resumed_above_does_not_end_the_wait_for_the_commit()
    {
        ActorRef top = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => new SupervisorStrategy(_ => Directive.Resume) }), "top");
        ActorRef ledger = _kit.System.DeadLetters;
        _kit.Do(top, t => ledger = t.Surroundings.ActorOf(Props.Create(() => new Escalating(_probe.Ref)), "ledger"));
        _kit.Advance(Milliseconds(1));
        ledger.Tell("persist");
        ledger.Tell("next");
        _kit.Settle();
        _kit.Do(_kit.System.Find($"{ledger.Path}/child")!, _ => throw new Bang());
        _probe.ExpectMsg("stored");
        _probe.ExpectMsg("next");
    }

    [Fact]
    public void A_timer_that_fires_during_the_commit_waits_for_it_and_can_still_be_cancelled()
    {
        ActorRef ledger = Start(receive: (l, m) => _probe.Ref.Tell((m, l.Surroundings.Now)));
        Do(ledger, l =>
        {
            l.Surroundings.Timers.StartSingle("kept", "kept", Milliseconds(1));
            l.Surroundings.Timers.StartSingle("cancelled", "cancelled", Milliseconds(1));
            l.Surroundings.Timers.StartSingle("replaced", "old", Milliseconds(1));
            l.Surroundings.Timers.StartPeriodic("periodic", "periodic", TimeSpan.FromTicks(Milliseconds(1).Ticks / 2));
            l.Store(1, _ =>
            {
                Assert.True(l.Surroundings.Timers.IsActive("kept"));
                Assert.True(l.Surroundings.Timers.Cancel("cancelled"));
                l.Surroundings.Timers.Cancel("replaced");
                l.Surroundings.Timers.StartSingle("replaced", "new", Milliseconds(1));
                l.Store(2);   // fires during the second commit: it must not be taken for the old one
            });
        });
        _kit.Advance(Milliseconds(4));
        Do(ledger, l => l.Surroundings.Timers.CancelAll());
        (object, TimeSpan)[] seen = [.. _probe.ReceiveAll().Cast<(object, TimeSpan)>()];
        Assert.Equal([("periodic", Milliseconds(5)), ("kept", Milliseconds(5)), ("new", Milliseconds(5))], seen[..3]);
        Assert.All(seen[3..], s => Assert.Equal("periodic", s.Item1));
    }

    [Fact]
    public void A_timer_is_not_lost_when_the_mailbox_of_its_suspended_actor_is_full()
    {
        var kit = new ActorTestKit(schema: Ledger.Schema, configure: o => o with { SuspendedMailboxCapacity = 1 });
        int ticks = 0;
        ActorRef ledger = kit.ActorOf(Ledger.Props(script: new LedgerScript { Receive = (_, m) => ticks += m is "tick" ? 1 : 0 }));
        kit.Advance(Milliseconds(1));
        ledger.Tell((Action<Ledger>)(l =>
        {
            l.Surroundings.Timers.StartPeriodic("p", "tick", Milliseconds(1));
            l.Store(1);
        }));
        ledger.Tell("fills the mailbox");
        kit.Advance(Milliseconds(10));
        Assert.InRange(ticks, 8, 10);
    }

    [Fact]
    public void A_stashed_command_comes_back_also_from_a_callback()
    {
        ActorRef ledger = Start();
        Do(ledger, l => l.Store(1, _ => l.TakeOut()));
        bool first = true;
        Action<Ledger> stashing = l =>
        {
            if (first)
                l.Store(2, _ => l.PutAside());
            else
                _probe.Ref.Tell("again");
            first = false;
        };
        ledger.Tell(stashing);
        Do(ledger, l => l.Store(3, _ => l.TakeOut()));
        _probe.ExpectMsg("again");
    }

    [Fact]
    public void Persist_outside_a_handler_is_a_mistake_that_says_where_it_is_allowed()
    {
        ActorRef ledger = _kit.ActorOf(Ledger.Props());
        ledger.Tell(new Add(1));
        _kit.Advance(Seconds(1));
        _kit.ActorOf(Ledger.Props(script: new LedgerScript { Recover = (l, m) => { if (m is Added) l.Store(2); } }));
        _kit.Advance(Milliseconds(1));
        Assert.Contains("Persist is only for handlers", _kit.System.LastFailure!.Reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_to_another_loop_is_held_until_the_commit_too()
    {
        var other = new ActorTestKit();
        TestProbe far = other.CreateProbe();
        ActorRef ledger = Start();
        ledger.Tell(new Add(1), far.Ref);
        Do(ledger, _ => { });
        other.Settle();
        Assert.Equal(0, far.PendingCount);
        _kit.Advance(Milliseconds(2));
        far.ExpectMsg(new Acknowledged(1));
        Assert.Equal(ledger, far.LastSender);
    }

    [Fact]
    public void A_persistent_actor_without_a_journal_is_stopped_and_told_why()
    {
        var kit = new ActorTestKit(configure: o => o with { Journal = null });
        kit.ActorOf(Ledger.Props(), "ledger");
        Assert.Equal("/user/ledger is persistent, but the system has no journal", kit.System.LastFailure?.Reason.Message);
        Assert.Null(kit.System.Find("/user/ledger"));
    }

    private ActorRef Start(Directive? directive = null, Action<Ledger, object>? receive = null)
    {
        Props props = Ledger.Props(script: new LedgerScript { Receive = receive });
        ActorRef ledger = _kit.System.DeadLetters;
        if (directive is { } decided)
        {
            ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => new SupervisorStrategy(_ => decided) }));
            _kit.Do(parent, p => ledger = p.Surroundings.ActorOf(props));
        }
        else
        {
            ledger = _kit.ActorOf(props);
        }

        _kit.Advance(Milliseconds(1));
        return ledger;
    }

    private void Do(ActorRef ledger, Action<Ledger> run)
    {
        ledger.Tell(run);
        _kit.Settle();
    }

    private sealed class Escalating(ActorRef probe) : PersistentActor
    {
        public override string PersistenceId => "escalating";

        protected internal override SupervisorStrategy SupervisorStrategy => SupervisorStrategy.Escalating;

        protected internal override void PreStart() => Context.ActorOf(Scripted.Props(), "child");

        protected override void ReceiveCommand(object message)
        {
            if (message is "persist")
                Persist(new Added(1), _ => probe.Tell("stored"));
            else
                probe.Tell(message);
        }

        protected override void ReceiveRecover(object message)
        {
            // Nothing to read back.
        }
    }
}
