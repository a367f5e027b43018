using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>An actor's named timers.</summary>
public sealed class TimerTests
{
    private readonly ActorTestKit _kit = new();
    private readonly List<(object Message, TimeSpan At)> _seen = [];
    private readonly ActorRef _actor;

    public TimerTests() => _actor = _kit.ActorOf(Scripted.Props(Note));

    [Fact]
    public void A_single_timer_fires_once_exactly_when_it_is_due()
    {
        _kit.Do(_actor, s => s.Clockwork.StartSingle("t", "tick", Milliseconds(5)));
        _kit.Advance(Milliseconds(5) - new TimeSpan(1));
        Assert.Empty(_seen);
        _kit.Advance(Seconds(1));
        Assert.Equal([("tick", Milliseconds(5))], _seen);
        Assert.Equal(0, _kit.Loop.ArmedTimerCount);
    }

    [Fact]
    public void A_delay_that_is_not_positive_fires_at_once_and_one_without_end_never()
    {
        _kit.Do(_actor, s =>
        {
            s.Clockwork.StartSingle("never", "never", TimeSpan.MaxValue);
            s.Clockwork.StartPeriodic("hardly", "hardly", TimeSpan.FromDays(365), TimeSpan.MaxValue);
            s.Clockwork.StartSingle("negative", "negative", Seconds(-1));
            s.Clockwork.StartSingle("zero", "zero", TimeSpan.Zero);
        });
        _kit.Advance(TimeSpan.FromDays(10_000));
        Assert.Equal([("negative", TimeSpan.Zero), ("zero", TimeSpan.Zero), ("hardly", TimeSpan.FromDays(365))], _seen);
    }

    [Fact]
    public void A_periodic_timer_does_not_drift_when_its_handler_is_late()
    {
        _kit.Do(_actor, s => s.Clockwork.StartPeriodic("p", "tick", initialDelay: Milliseconds(3), interval: Milliseconds(10)));
        _kit.Advance(Milliseconds(25));
        _kit.Loop.AdvanceClock(Milliseconds(38));   // the driver's thread was not scheduled for a while
        _kit.Advance(Milliseconds(10));
        Assert.Equal([3.0, 13, 23, 38, 43], _seen.Select(s => s.At.TotalMilliseconds));
    }

    [Fact]
    public void A_periodic_timer_does_not_make_up_for_what_it_missed()
    {
        _kit.Do(_actor, s => s.Clockwork.StartPeriodic("p", "tick", Milliseconds(10)));
        _kit.Loop.AdvanceClock(Seconds(1));
        _kit.Advance(Milliseconds(20));
        Assert.Equal([1000.0, 1010, 1020], _seen.Select(s => s.At.TotalMilliseconds));
    }

    [Fact]
    public void Starting_a_key_again_replaces_its_timer()
    {
        _kit.Do(_actor, s =>
        {
            s.Clockwork.StartPeriodic("t", "old", Milliseconds(5));
            s.Clockwork.StartSingle("t", "new", Milliseconds(8));
            s.Clockwork.StartSingle("other", "other", Milliseconds(6));
        });
        _kit.Advance(Seconds(1));
        Assert.Equal([("other", Milliseconds(6)), ("new", Milliseconds(8))], _seen);
    }

    [Fact]
    public void A_cancelled_timer_does_not_fire_even_if_its_time_has_come()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, m) =>
        {
            _seen.Add((m, self.Surroundings.Now));
            Assert.True(self.Clockwork.Cancel("second"));
            Assert.False(self.Clockwork.Cancel("second"));
            Assert.False(self.Clockwork.IsActive("second"));
            self.Clockwork.StartSingle("third", "replaced", Milliseconds(1));
        }));
        _kit.Do(actor, s =>
        {
            s.Clockwork.StartSingle("first", "first", Milliseconds(5));
            s.Clockwork.StartSingle("second", "second", Milliseconds(5));
            s.Clockwork.StartSingle("third", "third", Milliseconds(5));
        });
        _kit.Advance(Milliseconds(5));
        Assert.Equal(["first"], _seen.Select(s => s.Message));
        Assert.Equal(["replaced"], _kit.ArmedTimers.Select(t => t.Message));
    }

    [Fact]
    public void A_timer_is_inactive_once_it_has_fired_and_a_periodic_one_until_it_is_cancelled()
    {
        var active = new List<(bool Single, bool Periodic)>();
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, _) => active.Add((self.Clockwork.IsActive("s"), self.Clockwork.IsActive("p")))));
        _kit.Do(actor, s =>
        {
            s.Clockwork.StartSingle("s", "s", Milliseconds(1));
            s.Clockwork.StartPeriodic("p", "p", Milliseconds(2));
        });
        _kit.Advance(Milliseconds(2));
        Assert.Equal([(false, true), (false, true)], active);
        _kit.Do(actor, s => s.Clockwork.CancelAll());
        Assert.Equal(0, _kit.Loop.ArmedTimerCount);
    }

    [Fact]
    public void Timers_end_with_their_actor()
    {
        _kit.Do(_actor, s =>
        {
            s.Clockwork.StartPeriodic("p", "p", Milliseconds(1));
            s.Clockwork.StartSingle("s", "s", Milliseconds(1));
            s.Surroundings.Stop(s.Me);
            s.Clockwork.StartSingle("too late", "too late", Milliseconds(1));
        });
        Assert.Equal(0, _kit.Loop.ArmedTimerCount);
        _kit.Advance(Seconds(1));
        Assert.Empty(_seen);
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void Timers_end_with_a_restart()
    {
        _kit.Do(_actor, s =>
        {
            s.Clockwork.StartPeriodic("p", "p", Milliseconds(1));
            throw new Bang();
        });
        _kit.Advance(Seconds(10));
        Assert.Empty(_seen);
        Assert.Equal(0, _kit.Loop.ArmedTimerCount);
    }

    [Fact]
    public void An_interval_that_is_not_positive_is_refused()
    {
        _kit.Do(_actor, s => s.Clockwork.StartPeriodic("p", "p", TimeSpan.Zero));
        Assert.IsType<ArgumentOutOfRangeException>(_kit.System.LastFailure!.Reason);
    }

    [Fact]
    public void A_timers_message_has_no_sender()
    {
        ActorRef? sender = null;
        ActorRef actor = _kit.ActorOf(Scripted.Props((self, _) => sender = self.From));
        _kit.Do(actor, s => s.Clockwork.StartSingle("t", "t", Milliseconds(1)));
        _kit.Advance(Milliseconds(1));
        Assert.Equal(_kit.System.DeadLetters, sender);
    }

    [Fact]
    public void A_handler_that_throws_does_not_end_its_periodic_timer_when_it_is_resumed()
    {
        int count = 0;
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => new SupervisorStrategy(_ => Directive.Resume) }));
        _kit.Do(parent, p => p.Surroundings.ActorOf(Scripted.Props(new Script
        {
            PreStart = s => s.Clockwork.StartPeriodic("p", "p", Milliseconds(1)),
            Receive = (_, _) =>
            {
                count++;
                throw new Bang();
            },
        })));
        _kit.Advance(Milliseconds(5));
        Assert.Equal((5, 5), (count, _kit.System.FailureCount));
    }

    [Fact]
    public void A_scheduled_message_can_be_taken_back()
    {
        TimerHandle kept = _kit.Loop.ScheduleTell(Milliseconds(1), _actor, "kept");
        TimerHandle cancelled = _kit.Loop.ScheduleTell(Milliseconds(1), _actor, "cancelled");
        Assert.True(_kit.Loop.Cancel(cancelled));
        Assert.False(_kit.Loop.Cancel(cancelled));
        _kit.Advance(Milliseconds(1));
        Assert.Equal(["kept"], _seen.Select(s => s.Message));
        Assert.False(_kit.Loop.Cancel(kept));
        Assert.Throws<ArgumentException>(() => new ActorTestKit().Loop.ScheduleTell(Milliseconds(1), _actor, "another loop's"));
    }

    private void Note(Scripted self, object message) => _seen.Add((message, self.Surroundings.Now));
}
