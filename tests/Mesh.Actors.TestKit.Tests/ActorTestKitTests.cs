namespace Mesh.Actors.TestKit.Tests;

/// <summary>Time stands still until the test moves it, and a wait that cannot end says why.</summary>
public sealed class ActorTestKitTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ActorTestKit _kit = new();

    [Fact]
    public void Time_passes_only_when_it_is_told_to()
    {
        Tell(p => p.Surroundings.Timers.StartSingle("t", "tick", Second));
        _kit.Settle();
        Assert.Equal(TimeSpan.Zero, _kit.Now);
        _kit.Advance(Second / 2);
        Assert.Equal((Second / 2, 0L), (_kit.Now, _kit.System.UnhandledCount));
        _kit.Advance(Second / 2);
        Assert.Equal((Second, 1L), (_kit.Now, _kit.System.UnhandledCount));
        Assert.Throws<ArgumentOutOfRangeException>(() => _kit.Advance(-Second));
    }

    [Fact]
    public void Armed_timers_are_listed_in_firing_order()
    {
        Tell(p =>
        {
            p.Surroundings.Timers.StartSingle("late", "late", 2 * Second);
            p.Surroundings.Timers.StartSingle("early", "early", Second);
        });
        Assert.Equal([new ArmedTimer(Second, "/user/puppet", "early") { Arming = 1 }, new ArmedTimer(2 * Second, "/user/puppet", "late")], _kit.ArmedTimers);
        Assert.Equal("00:00:01 /user/puppet <- early", _kit.ArmedTimers[0].ToString());
    }

    [Fact]
    public void A_wait_that_can_never_end_fails_at_once_and_says_so()
    {
        TestKitException e = Assert.Throws<TestKitException>(() => _kit.AwaitCondition(() => false, "rain"));
        Assert.Equal(
            "waiting for rain, which can never come: no message is queued and no timer is armed\n  virtual time: 00:00:00\n  armed timers: none\n" +
            "  dead letters: 0, unhandled: 0, failures: 0",
            e.Message);
    }

    [Fact]
    public void A_wait_that_takes_too_long_lists_the_timers_that_are_armed()
    {
        Tell(p =>
        {
            for (int i = 1; i <= 12; i++)
                p.Surroundings.Timers.StartSingle(i, $"timer-{i}", (10 + i) * Second);
        });
        TestKitException e = Assert.Throws<TestKitException>(() => _kit.AwaitCondition(() => false, "rain", limit: 5 * Second));
        Assert.StartsWith("waiting for rain, which did not come within 00:00:05 of virtual time\n", e.Message, StringComparison.Ordinal);
        Assert.Contains("armed timers: 12\n    00:00:11 /user/puppet <- timer-1\n", e.Message, StringComparison.Ordinal);
        Assert.Contains("timer-10\n    and 2 later ones\n", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_names_the_last_dead_letter_and_the_last_failure()
    {
        _kit.System.DeadLetters.Tell("nobody reads this");
        Tell(p => p.Surroundings.System.DeadLetters.Tell("lost"));
        Tell(_ => throw new InvalidOperationException("oops"));
        _kit.Advance(Second);
        TestKitException e = Assert.Throws<TestKitException>(() => _kit.AwaitCondition(() => false, "rain"));
        Assert.Contains("dead letters: 1, unhandled: 0, failures: 1\n  last dead letter: lost to /deadLetters\n  last failure: /user/puppet: InvalidOperationException: oops", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_is_looked_at_after_each_instant()
    {
        Tell(p => p.Surroundings.Timers.StartPeriodic("t", "tick", Second));
        _kit.AwaitCondition(() => _kit.System.UnhandledCount == 3, "three ticks");
        Assert.Equal(3 * Second, _kit.Now);
        _kit.AwaitCondition(() => true, "nothing");
        Assert.Equal(3 * Second, _kit.Now);
    }

    [Fact]
    public void Quiet_is_when_no_timer_is_armed_any_more()
    {
        Tell(p => p.Surroundings.Timers.StartSingle("t", "tick", 3 * Second));
        _kit.RunUntilQuiet();
        Assert.Equal(3 * Second, _kit.Now);
        Tell(p => p.Surroundings.Timers.StartPeriodic("t", "tick", Second));
        TestKitException e = Assert.Throws<TestKitException>(() => _kit.RunUntilQuiet(10 * Second));
        Assert.StartsWith("the system did not get quiet within 00:00:10 of virtual time", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_without_end_are_a_failure_and_not_a_test_that_hangs()
    {
        _kit.MaxMessagesPerInstant = 1_000;
        Action<Puppet>? again = null;
        again = p => p.Surroundings.Self.Tell(again!);
        TestKitException e = Assert.Throws<TestKitException>(() => Tell(again));
        Assert.StartsWith("more than 1000 messages at one instant", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Timers_without_delay_and_without_end_are_a_failure_too()
    {
        _kit.MaxMessagesPerInstant = 1_000;
        Action<Puppet>? again = null;
        again = p => p.Surroundings.Timers.StartSingle("again", again!, TimeSpan.Zero);
        Tell(again);
        TestKitException e = Assert.Throws<TestKitException>(() => _kit.Advance(Second));
        Assert.StartsWith("more than 1000 timers at one instant", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void As_many_messages_as_allowed_are_no_failure()
    {
        _kit.MaxMessagesPerInstant = 100;
        ActorRef puppet = _kit.ActorOf(Puppet.Props);
        for (int i = 0; i < 100; i++)
            puppet.Tell(i);
        _kit.Settle();
        Assert.Equal(100, _kit.System.UnhandledCount);
    }

    [Fact]
    public void Options_can_be_changed_before_the_system_is_made_and_the_log_is_kept()
    {
        var kit = new ActorTestKit(seed: 7, configure: o => o with { Name = "renamed" });
        Assert.Equal(("renamed", 7UL), (kit.System.Options.Name, kit.System.Options.Seed));
        kit.ActorOf(Puppet.Props, "puppet").Tell((Action<Puppet>)(p => p.Surroundings.Log.Warning("careful")));
        kit.Advance(Second);
        LogEntry entry = Assert.Single(kit.Log.Entries);
        Assert.Equal((LogLevel.Warning, "/user/puppet", "careful", TimeSpan.Zero), (entry.Level, entry.Source, entry.Message, entry.Now));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), entry.Utc);
    }

    private void Tell(Action<Puppet> run)
    {
        (_kit.System.Find("/user/puppet") ?? _kit.ActorOf(Puppet.Props, "puppet")).Tell(run);
        _kit.Settle();
    }
}
