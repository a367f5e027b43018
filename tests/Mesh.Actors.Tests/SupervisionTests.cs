using Mesh.Actors.TestKit;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests;

/// <summary>What becomes of actors that throw. In every test another actor goes on living beside them.</summary>
public sealed class SupervisionTests : IDisposable
{
    private readonly ActorTestKit _kit = new();
    private readonly List<string> _seen = [];
    private readonly List<TimeSpan> _starts = [];
    private readonly TestProbe _bystander;

    public SupervisionTests() => _bystander = _kit.CreateProbe("bystander");

    // Whatever happened, the loop still runs.
    public void Dispose()
    {
        _bystander.Ref.Tell("still here?");
        _bystander.ExpectMsg("still here?");
    }

    [Fact]
    public void Resume_keeps_the_instance_its_state_and_its_queue()
    {
        ActorRef child = Child(Always(Directive.Resume), Counter());
        foreach (object m in (object[])["1", "throw", "2"])
            child.Tell(m);
        _kit.Settle();
        Assert.Equal(["start", "1 (1)", "2 (2)"], _seen);
        Assert.Equal(TimeSpan.Zero, _kit.Now);
    }

    [Fact]
    public void Restart_makes_a_new_instance_after_the_backoff_and_keeps_the_messages_that_wait()
    {
        ActorRef child = Child(Always(Directive.Restart) with { RandomFactor = 0 }, Counter());
        foreach (object m in (object[])["1", "throw", "2", "3"])
            child.Tell(m);
        _kit.Settle();
        child.Tell("4");
        _kit.Advance(Milliseconds(100) - new TimeSpan(1));
        Assert.Equal(["start", "1 (1)", "before restart (Bang, throw)", "stop"], _seen);
        _kit.Advance(new TimeSpan(1));
        Assert.Equal(["after restart (Bang)", "start", "2 (1)", "3 (2)", "4 (3)"], _seen[4..]);
        Assert.Equal(0, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_restart_brings_stashed_messages_back_first()
    {
        bool stashing = true;
        ActorRef child = Child(Always(Directive.Restart), new Script
        {
            Receive = (s, m) =>
            {
                if (m is "throw")
                {
                    stashing = false;
                    throw new Bang();
                }

                if (stashing)
                    s.PutAside();
                else
                    _seen.Add($"{m}");
            },
        });
        foreach (object m in (object[])["1", "2", "throw", "3"])
            child.Tell(m);
        _kit.Advance(Seconds(1));
        Assert.Equal(["1", "2", "3"], _seen);
    }

    [Fact]
    public void Messages_beyond_the_capacity_of_a_suspended_mailbox_are_dropped_and_counted()
    {
        var kit = new ActorTestKit(configure: o => o with { SuspendedMailboxCapacity = 2 });
        ActorRef actor = kit.ActorOf(Scripted.Props(Counter()));
        actor.Tell("throw");
        for (int i = 1; i <= 5; i++)
            actor.Tell(i);
        kit.Advance(Seconds(1));
        Assert.Equal(["1 (1)", "2 (2)"], _seen.Where(s => s.EndsWith(')') && char.IsDigit(s[0])));
        Assert.Equal((3, 3), (kit.System.MailboxFullCount, kit.System.DeadLetterCount));
        Assert.Single(kit.Log.Entries, e => e.Level == LogLevel.Warning);
    }

    [Fact]
    public void Restarts_back_off_exponentially_up_to_the_longest_delay()
    {
        SupervisorStrategy strategy = Always(Directive.Restart) with { MinBackoff = Milliseconds(100), MaxBackoff = Seconds(1), RandomFactor = 0 };
        Child(strategy, Failing());
        _kit.Advance(Seconds(6));
        Assert.Equal([0.1, 0.2, 0.4, 0.8, 1, 1, 1, 1], Gaps().Select(g => Math.Round(g.TotalSeconds, 9)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_backoff_is_lengthened_by_a_random_share_within_its_bounds(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        SupervisorStrategy strategy = SupervisorStrategy.Default with { MinBackoff = Milliseconds(100), MaxBackoff = Seconds(30), RandomFactor = 0.2 };
        double lowest = 1, highest = 0;
        for (int i = 0; i < 2_000; i++)
        {
            int restart = 1 + (i % 100);
            double expected = Math.Min(30_000, 100 * Math.Pow(2, Math.Min(restart - 1, 60)));
            double share = (strategy.BackoffFor(restart, random).TotalMilliseconds / expected) - 1;
            Assert.InRange(share, -1e-6, 0.2);
            (lowest, highest) = (Math.Min(lowest, share), Math.Max(highest, share));
        }

        Assert.True(lowest < 0.01 && highest > 0.19, $"{lowest} .. {highest}");
    }

    [Fact]
    public void A_backoff_without_limit_does_not_overflow()
    {
        SupervisorStrategy strategy = Always(Directive.Restart) with { MinBackoff = TimeSpan.FromDays(1), MaxBackoff = TimeSpan.MaxValue, RandomFactor = 1 };   // longer than ResetAfter
        Child(strategy, Failing());
        _kit.Advance(TimeSpan.FromDays(100_000));
        Assert.InRange(_starts.Count, 15, 18);
    }

    [Fact]
    public void A_quiet_period_resets_the_backoff()
    {
        SupervisorStrategy strategy = Always(Directive.Restart) with { RandomFactor = 0, ResetAfter = Seconds(10) };
        ActorRef child = Child(strategy, Counter());
        for (int i = 0; i < 3; i++)
        {
            child.Tell("throw");
            _kit.Advance(Seconds(1));
        }

        _kit.Advance(Seconds(20));
        child.Tell("throw");
        _kit.Settle();
        Assert.Equal(_kit.Now + Milliseconds(100), _kit.ArmedTimers.Single().Due);
    }

    [Fact]
    public void More_restarts_than_allowed_stop_the_actor()
    {
        ActorRef child = Child(Always(Directive.Restart) with { MaxRestarts = 2 }, Failing());
        _bystander.Watch(child);
        _bystander.ExpectTerminated(child);
        Assert.Equal(3, _starts.Count);
        Assert.Equal(Directive.Stop, _kit.System.LastFailure!.Directive);
    }

    [Fact]
    public void Stop_stops_and_loses_the_queue()
    {
        ActorRef child = Child(SupervisorStrategy.Stopping, Counter());
        child.Tell("throw");
        child.Tell("lost");
        _kit.Settle();
        Assert.Equal(["start", "stop"], _seen);
        Assert.Equal(1, _kit.System.DeadLetterCount);
    }

    [Fact]
    public void A_failing_actor_that_is_stopped_during_its_backoff_does_not_come_back()
    {
        ActorRef child = Child(Always(Directive.Restart), Counter());
        child.Tell("throw");
        child.Tell("lost");
        _kit.Settle();
        _kit.System.Stop(child);
        _kit.Advance(Seconds(10));
        Assert.Equal(["start", "before restart (Bang, throw)", "stop"], _seen);
        Assert.Equal((1, 0), (_kit.System.DeadLetterCount, _kit.Loop.ArmedTimerCount));
    }

    [Fact]
    public void Escalation_makes_it_the_parents_failure()
    {
        ActorRef top = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => Always(Directive.Restart), PostStop = _ => _seen.Add("top stop") }), "top");
        _kit.Do(top, t => t.Surroundings.ActorOf(
            Scripted.Props(new Script
            {
                Strategy = () => SupervisorStrategy.Escalating,
                PreStart = p =>
                {
                    _seen.Add("parent start");
                    p.Surroundings.ActorOf(Scripted.Props(Counter()), "child");
                },
                PostStop = _ => _seen.Add("parent stop"),
            }),
            "parent"));
        _kit.System.Find("/user/top/parent/child")!.Tell("throw");
        _kit.Advance(Seconds(1));
        Assert.Equal(["parent start", "start", "stop", "parent stop", "parent start", "start"], _seen);
        Assert.Equal(2, _kit.System.FailureCount);   // the child's and the parent's
    }

    [Fact]
    public void An_escalated_failure_that_is_resumed_above_resumes_the_child()
    {
        ActorRef top = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => Always(Directive.Resume) }), "top");
        _kit.Do(top, t => t.Surroundings.ActorOf(
            Scripted.Props(new Script
            {
                Strategy = () => SupervisorStrategy.Escalating,
                PreStart = p =>
                {
                    p.Surroundings.ActorOf(Scripted.Props(Counter()), "child");
                    p.Surroundings.ActorOf(Scripted.Props(new Script { Construct = _ => throw new Bang() }), "unborn");
                },
            }),
            "parent"));
        ActorRef child = _kit.System.Find("/user/top/parent/child")!;
        child.Tell("throw");
        child.Tell("1");
        _kit.Settle();
        Assert.Equal(["start", "1 (1)"], _seen);
        Assert.Null(_kit.System.Find("/user/top/parent/unborn"));   // there was nothing to resume
    }

    [Fact]
    public void Escalation_to_the_top_restarts_the_actor_below_it()
    {
        ActorRef top = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => SupervisorStrategy.Escalating, PostRestart = (_, _) => _seen.Add("top is back"), PreStart = p => p.Surroundings.ActorOf(Scripted.Props(Counter()), "child") }), "top");
        _kit.System.Find("/user/top/child")!.Tell("throw");
        _kit.Settle();
        Assert.Equal(["start", "stop"], _seen);
        Assert.Equal(top, _kit.System.Find("/user/top"));
        _kit.Advance(Seconds(1));
        Assert.Equal(["top is back", "start"], _seen[2..]);
    }

    [Fact]
    public void One_for_all_restarts_the_siblings_with_their_messages()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => Always(Directive.Restart) with { AppliesToSiblings = true } }), "parent");
        var children = new ActorRef[3];
        _kit.Do(parent, p =>
        {
            for (int i = 0; i < 3; i++)
            {
                int number = i;
                children[i] = p.Surroundings.ActorOf(Scripted.Props(new Script
                {
                    PreRestart = (_, _, m) => _seen.Add($"{number} restarts because of {m ?? "a sibling"}"),
                    PostRestart = (_, _) => _seen.Add($"{number} is back"),
                    Receive = (_, m) => _seen.Add(m is "throw" ? throw new Bang() : $"{number} got {m}"),
                }));
            }
        });
        children[1].Tell("throw");
        children[0].Tell("waiting");
        _kit.Settle();
        Assert.Equal(["0 restarts because of a sibling", "2 restarts because of a sibling", "1 restarts because of throw"], _seen);
        _kit.Advance(Seconds(1));
        Assert.Equal(["0 got waiting", "0 is back", "1 is back", "2 is back"], _seen.Skip(3).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_actor_whose_constructor_throws_is_stopped_and_the_failure_names_it()
    {
        ActorRef child = Child(SupervisorStrategy.Default, new Script { Construct = _ => throw new Bang("no luck") });
        _bystander.Watch(child);
        _bystander.ExpectTerminated(child);
        ActorInitializationException e = Assert.IsType<ActorInitializationException>(_kit.System.LastFailure!.Reason);
        Assert.Equal("/user/parent/child: the constructor of Scripted failed: no luck", e.Message);
        Assert.IsType<Bang>(e.InnerException);
    }

    [Fact]
    public void An_actor_whose_constructor_throws_may_be_tried_again()
    {
        ActorRef child = Child(Always(Directive.Restart), new Script
        {
            Construct = _ => _starts.Add(_kit.Now < Seconds(1) ? throw new Bang() : _kit.Now),
            Receive = (_, m) => _seen.Add($"{m}"),
        });
        child.Tell("patience");
        _kit.Advance(Seconds(5));
        Assert.Equal(["patience"], _seen);
    }

    [Fact]
    public void A_factory_that_returns_an_older_instance_is_refused()
    {
        Actor? kept = null;
        Props props = Props.Create<Actor>(() => kept ??= new Plain());
        _kit.ActorOf(props);
        Assert.Equal(0, _kit.System.FailureCount);
        _kit.ActorOf(props);
        Assert.Contains("it must make a new one each time", _kit.System.LastFailure!.Reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_actor_whose_PreStart_throws_is_restarted()
    {
        int starts = 0;
        ActorRef child = Child(SupervisorStrategy.Default, new Script { PreStart = s => _starts.Add(++starts < 3 ? throw new Bang() : s.Surroundings.Now), Receive = (_, m) => _seen.Add($"{m}") });
        child.Tell("patience");
        _kit.Advance(Seconds(5));
        Assert.Equal(3, starts);
        Assert.Equal(["patience"], _seen);
    }

    [Fact]
    public void A_decider_that_throws_stops_the_child()
    {
        ActorRef child = Child(new SupervisorStrategy(_ => throw new Bang("the decider")), Counter());
        child.Tell("throw");
        _kit.Settle();
        Assert.Equal(["start", "stop"], _seen);
        Assert.Contains(_kit.Log.Entries, e => e.Message == "the supervisor's decider failed: the decider");
    }

    [Fact]
    public void A_strategy_that_cannot_be_had_stops_the_child()
    {
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => throw new Bang("no strategy") }), "parent");
        _kit.Do(parent, p => p.Surroundings.ActorOf(Scripted.Props(Counter()), "child"));
        _kit.System.Find("/user/parent/child")!.Tell("throw");
        _kit.Settle();
        Assert.Equal(["start", "stop"], _seen);
    }

    [Fact]
    public void A_PostStop_that_throws_is_logged_and_the_actor_is_gone_all_the_same()
    {
        ActorRef child = Child(SupervisorStrategy.Default, new Script { PostStop = _ => throw new Bang("at the end") });
        _bystander.Watch(child);
        _kit.System.Stop(child);
        _bystander.ExpectTerminated(child);
        Assert.Contains(_kit.Log.Entries, e => e.Message == "PostStop failed: at the end" && e.Source == "/user/parent/child");
        Assert.Equal(0, _kit.System.FailureCount);
    }

    [Fact]
    public void A_PreRestart_that_throws_does_not_hinder_the_restart()
    {
        ActorRef child = Child(Always(Directive.Restart), new Script
        {
            PreRestart = (_, _, _) => throw new Bang("before"),
            PreStart = s => _starts.Add(s.Surroundings.Now),
            Receive = (_, _) => throw new Bang(),
        });
        child.Tell("x");
        _kit.Advance(Seconds(1));
        Assert.Equal(2, _starts.Count);
        Assert.Contains(_kit.Log.Entries, e => e.Message == "PreRestart failed: before");
    }

    [Fact]
    public void An_actor_that_throws_after_it_has_stopped_itself_is_logged_and_gone()
    {
        ActorRef child = Child(SupervisorStrategy.Default, Counter());
        _bystander.Watch(child);
        _kit.Do(child, s =>
        {
            s.Surroundings.Stop(s.Me);
            throw new Bang("too late");
        });
        _bystander.ExpectTerminated(child);
        Assert.Equal(["start", "stop"], _seen);
        Assert.Contains(_kit.Log.Entries, e => e.Message == "failed while it stopped: too late");
    }

    [Fact]
    public void A_failure_is_published_with_what_was_decided()
    {
        _kit.System.EventStream.Subscribe<ActorFailed>(_bystander.Ref);
        ActorRef child = Child(Always(Directive.Resume), Counter());
        child.Tell("throw");
        ActorFailed failed = _bystander.ExpectMsg<ActorFailed>();
        Assert.Equal((child, "throw", Directive.Resume), (failed.Actor, failed.Message, failed.Directive));
        Assert.IsType<Bang>(failed.Reason);
        Assert.Equal(1, _kit.System.FailureCount);
    }

    [Fact]
    public void The_children_of_a_restarted_actor_are_stopped_without_a_report_of_their_end()
    {
        ActorRef child = Child(Always(Directive.Restart), new Script
        {
            PreStart = s => s.Surroundings.Watch(s.Surroundings.ActorOf(Scripted.Props(new Script { PostStop = _ => _seen.Add("grandchild stop") }), "grandchild")),
            Receive = (_, m) => _seen.Add(m is "throw" ? throw new Bang() : $"{m}"),
        });
        child.Tell("throw");
        _kit.Advance(Seconds(1));
        Assert.Equal(["grandchild stop"], _seen);
        Assert.NotNull(_kit.System.Find("/user/parent/child/grandchild"));
    }

    [Fact]
    public void A_log_that_throws_takes_nobody_down()
    {
        var kit = new ActorTestKit(configure: o => o with { Log = new BrokenLog() });
        ActorRef actor = kit.ActorOf(Scripted.Props(Counter()));
        actor.Tell("throw");
        actor.Tell("1");
        kit.Advance(Seconds(1));
        Assert.Equal("1 (1)", _seen[^1]);
        Assert.Equal(1, kit.System.LogFailureCount);
    }

    [Fact]
    public void A_watch_outlives_a_restart_of_the_watcher()
    {
        ActorRef watched = _kit.ActorOf(Scripted.Props());
        ActorRef child = Child(Always(Directive.Restart), new Script { Receive = (_, m) => _seen.Add(m.GetType().Name) });
        _kit.Do(child, s =>
        {
            s.Surroundings.Watch(watched);
            throw new Bang();
        });
        _kit.System.Stop(watched);
        _kit.Advance(Seconds(1));
        Assert.Equal([nameof(Terminated)], _seen);
    }

    private static SupervisorStrategy Always(Directive directive) => new(_ => directive);

    private ActorRef Child(SupervisorStrategy strategy, Script script)
    {
        ActorRef child = _kit.System.DeadLetters;
        ActorRef parent = _kit.ActorOf(Scripted.Props(new Script { Strategy = () => strategy }), "parent");
        _kit.Do(parent, p => child = p.Surroundings.ActorOf(Scripted.Props(script), "child"));
        return child;
    }

    private Script Counter()
    {
        var counts = new System.Runtime.CompilerServices.ConditionalWeakTable<Scripted, System.Runtime.CompilerServices.StrongBox<int>>();
        return new Script
        {
            PreStart = _ => _seen.Add("start"),
            PostStop = _ => _seen.Add("stop"),
            PreRestart = (_, e, m) => _seen.Add($"before restart ({e.GetType().Name}, {m})"),
            PostRestart = (_, e) => _seen.Add($"after restart ({e.GetType().Name})"),
            Receive = (s, m) =>
            {
                if (m is "throw")
                    throw new Bang();
                _seen.Add($"{m} ({++counts.GetOrCreateValue(s).Value})");
            },
        };
    }

    private Script Failing() => new()
    {
        PreStart = s =>
        {
            _starts.Add(s.Surroundings.Now);
            throw new Bang();
        },
    };

    private IEnumerable<TimeSpan> Gaps() => _starts.Zip(_starts.Skip(1), (a, b) => b - a);

    private sealed class BrokenLog : ILogSink
    {
        public LogLevel Level => LogLevel.Debug;

        public void Write(LogEntry entry) => throw new IOException("no space left on device");
    }

    private sealed class Plain : Actor
    {
        protected override void Receive(object message) => Unhandled(message);
    }
}
