using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>How actors end and who hears of it.</summary>
public sealed class LifecycleTests
{
    private readonly ActorTestKit _kit = new();
    private readonly List<string> _seen = [];

    [Fact]
    public void Children_stop_before_their_parent_and_watchers_hear_last()
    {
        ActorRef top = _kit.ActorOf(Family("top", depth: 2), "top");
        ActorRef watcher = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add(m.ToString()!)));
        _kit.Do(watcher, w => w.Surroundings.Watch(top));
        _kit.System.Stop(top);
        _kit.Settle();
        Assert.Equal(["stopped top-1-1", "stopped top-1-2", "stopped top-1", "stopped top-2-1", "stopped top-2-2", "stopped top-2", "stopped top", new Terminated(top).ToString()], _seen);
    }

    [Fact]
    public void An_actor_that_stops_itself_finishes_its_message_first()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("stopped") }));
        ActorRef next = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add(m.ToString()!)));
        _kit.Do(actor, s =>
        {
            s.Surroundings.Stop(s.Me);
            _seen.Add("still handling");
            next.Tell("told while it stopped");
            Assert.Throws<InvalidOperationException>(() => s.Surroundings.ActorOf(Scripted.Props()));
        });
        Assert.Equal(["still handling", "stopped", "told while it stopped"], _seen);
        Assert.Equal(0, _kit.System.FailureCount);
    }

    [Fact]
    public void A_child_that_stops_its_parent_finishes_its_message_first()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("parent stopped") }), "parent");
        _kit.Do(parent, p => p.Surroundings.ActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("child stopped") }), "child"));
        _kit.Do(_kit.System.Find("/user/parent/child")!, c =>
        {
            c.Surroundings.Stop(parent);
            _seen.Add("still handling");
        });
        Assert.Equal(["still handling", "child stopped", "parent stopped"], _seen);
        Assert.Null(_kit.System.Find("/user/parent"));
    }

    [Fact]
    public void A_message_that_fires_by_timer_and_stops_its_actor_stops_it()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props(new Script
        {
            PreStart = s => s.Clockwork.StartSingle("end", "end", Milliseconds(5)),
            Receive = (s, _) => s.Surroundings.Stop(s.Me),
            PostStop = s => _seen.Add($"stopped at {s.Surroundings.Now.TotalMilliseconds}"),
        }));
        _kit.Advance(Milliseconds(5));
        Assert.Equal(["stopped at 5"], _seen);
        actor.Tell("late");
        _kit.Settle();
        Assert.Equal(1, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_poison_pill_works_after_what_was_sent_before_and_loses_what_was_sent_after()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props(new Script { Receive = (_, m) => _seen.Add($"{m}"), PostStop = _ => _seen.Add("stopped") }));
        actor.Tell(1);
        actor.Tell(PoisonPill.Instance);
        actor.Tell(2);
        _kit.Settle();
        Assert.Equal(["1", "stopped"], _seen);
        Assert.Equal(2, _kit.System.LastDeadLetter?.Message);
    }

    [Fact]
    public void Stopping_loses_what_is_queued_to_the_dead_letters()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props((s, m) =>
        {
            _seen.Add($"{m}");
            s.Surroundings.Stop(s.Me);
        }));
        actor.Tell(1);
        actor.Tell(2);
        actor.Tell(3);
        _kit.Settle();
        Assert.Equal(["1"], _seen);
        Assert.Equal(2, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void Kill_is_a_failure_which_by_default_stops()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("stopped") }), "victim");
        actor.Tell(Kill.Instance);
        _kit.Settle();
        Assert.Equal(["stopped"], _seen);
        Assert.IsType<ActorKilledException>(_kit.System.LastFailure!.Reason);
        Assert.Equal(Directive.Stop, _kit.System.LastFailure.Directive);
    }

    [Fact]
    public void What_PostStop_tells_is_told_by_the_stopping_actor()
    {
        TestProbe probe = _kit.CreateProbe();
        ActorRef parent = _kit.ActorOf(Scripted.Props());
        ActorRef child = _kit.System.DeadLetters;
        _kit.Do(parent, p => child = p.Surroundings.ActorOf(Scripted.Props(new Script { PostStop = _ => probe.Ref.Tell("farewell") })));
        _kit.Do(parent, p => p.Surroundings.Stop(child));
        probe.ExpectMsg("farewell");
        Assert.Equal(child, probe.LastSender);
    }

    [Fact]
    public void A_watcher_hears_of_an_actor_that_is_dead_already()
    {
        ActorRef gone = _kit.ActorOf(Scripted.Props());
        _kit.System.Stop(gone);
        _kit.Settle();
        TestProbe probe = _kit.CreateProbe();
        probe.Watch(gone);
        probe.ExpectTerminated(gone);
        probe.Watch(_kit.System.DeadLetters);
        probe.ExpectTerminated(_kit.System.DeadLetters);
    }

    [Fact]
    public void A_watcher_hears_once_however_often_it_watched()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        TestProbe probe = _kit.CreateProbe();
        probe.Watch(actor);
        probe.Watch(actor);
        _kit.System.Stop(actor);
        probe.ExpectTerminated(actor);
        Assert.Equal(actor, probe.LastSender);
        probe.ExpectNoMsg(Seconds(1));
    }

    [Fact]
    public void A_watch_that_is_taken_back_is_silent_even_if_the_actor_is_dead_by_then()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        ActorRef watcher = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add($"{m}")));
        _kit.Do(watcher, w =>
        {
            w.Surroundings.Watch(actor);
            w.Surroundings.Stop(actor);
            w.Surroundings.Unwatch(actor);
        });
        Assert.Empty(_seen);
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_watcher_that_has_died_costs_nothing_and_gets_nothing()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        ActorRef watcher = _kit.ActorOf(Scripted.Props());
        _kit.Do(watcher, w => w.Surroundings.Watch(actor));
        _kit.System.Stop(watcher);
        _kit.Settle();
        _kit.System.Stop(actor);
        _kit.Settle();
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void An_actor_may_watch_itself_and_its_death_tells_nobody()
    {
        ActorRef actor = _kit.ActorOf(Scripted.Props());
        _kit.Do(actor, s => s.Surroundings.Watch(s.Me));
        _kit.System.Stop(actor);
        _kit.Settle();
        Assert.Equal((0, 0), (_kit.System.DeadLetterCount, _kit.System.FailureCount));
    }

    [Fact]
    public void Watch_and_stop_work_between_loops()
    {
        var other = new ActorTestKit();
        ActorRef far = other.ActorOf(Scripted.Props());
        ActorRef kept = other.ActorOf(Scripted.Props());
        TestProbe watcher = _kit.CreateProbe();
        watcher.Watch(far);
        ActorRef unwatcher = _kit.ActorOf(Scripted.Props((_, m) => _seen.Add($"{m}")));
        _kit.Do(unwatcher, w =>
        {
            w.Surroundings.Watch(far);
            w.Surroundings.Unwatch(far);
        });
        _kit.Do(unwatcher, w => w.Surroundings.Stop(far));
        other.Settle();
        watcher.ExpectTerminated(far);
        Assert.Empty(_seen);

        // and of one that is dead already, and by a watcher that dies
        watcher.Watch(far);
        other.Settle();
        watcher.ExpectTerminated(far);
        _kit.Do(unwatcher, w => w.Surroundings.Watch(kept));
        _kit.System.Stop(unwatcher);
        _kit.Settle();
        other.Settle();
        other.System.Stop(kept);
        other.Settle();
        _kit.Settle();
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void Stopping_the_users_actors_leaves_the_systems()
    {
        ActorRef infrastructure = _kit.System.SystemActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("system") }), "infrastructure");
        _kit.ActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("user") }));
        _kit.System.StopUser();
        _kit.Settle();
        Assert.Equal(["user"], _seen);
        Assert.Equal(infrastructure, _kit.System.Find("/system/infrastructure"));
    }

    [Fact]
    public void A_name_is_free_again_when_its_actor_has_stopped()
    {
        ActorRef first = _kit.ActorOf(Scripted.Props(), "name");
        _kit.System.Stop(first);
        _kit.Settle();
        ActorRef second = _kit.ActorOf(Scripted.Props(), "name");
        Assert.NotEqual(first, second);
        Assert.Equal(first.Path, second.Path);
    }

    [Fact]
    public void An_actor_stopped_before_it_could_start_never_starts()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props());
        _kit.Do(parent, p =>
        {
            ActorRef child = p.Surroundings.ActorOf(Scripted.Props(new Script { Construct = _ => _seen.Add("made"), PreStart = _ => _seen.Add("started"), PostStop = _ => _seen.Add("stopped") }));
            child.Tell("lost");
            p.Surroundings.Stop(child);
        });
        Assert.Empty(_seen);
        Assert.Equal(1, _kit.System.DeadLetterCount);
    }

    private Props Family(string name, int depth) => Scripted.Props(new Script
    {
        PreStart = s =>
        {
            for (int i = 1; i <= 2 && depth > 0; i++)
                s.Surroundings.ActorOf(Family($"{name}-{i}", depth - 1));
        },
        PostStop = _ => _seen.Add($"stopped {name}"),
    });
}
