using Mesh.Actors.RealTime;
using static Mesh.Actors.Tests.Scripts;

namespace Mesh.Actors.Tests.RealTime;

/// <summary>Loops on threads of their own. Every wait is bounded; none is a matter of time.</summary>
public sealed class RealTimeDriverTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Two_loops_exchange_messages_without_losing_one()
    {
        const int Rounds = 20_000;
        const int InFlight = 100;
        ActorSystem left = NewSystem(), right = NewSystem();
        using var done = new CountdownEvent(1);
        int seen = 0;
        ActorRef echo = right.ActorOf(Scripted.Props((self, m) => self.From.Tell(m)));
        ActorRef caller = left.ActorOf(Scripted.Props((self, m) =>
        {
            int round = (int)m;
            if (self.From != echo || round < Rounds)
                echo.Tell(round + 1);
            else if (++seen == InFlight)
                done.Signal();
        }));
        using RealTimeDriver leftDriver = RealTimeDriver.Start(left);
        using RealTimeDriver rightDriver = RealTimeDriver.Start(right);
        for (int i = 0; i < InFlight; i++)
            caller.Tell(0);
        Assert.True(done.Wait(Patience), $"{seen} of {InFlight} conversations came to their end");
        leftDriver.Dispose();
        rightDriver.Dispose();
        Assert.Equal((0, 0, 0, 0), (left.DeadLetterCount, right.DeadLetterCount, left.FailureCount, right.FailureCount));
        Assert.True(right.Loop.Delivered >= InFlight * Rounds);
        Assert.Null(leftDriver.Fatal ?? rightDriver.Fatal);
    }

    [Fact]
    public void What_many_threads_tell_arrives_once_and_in_the_order_of_each_thread()
    {
        const int Threads = 4;
        const int PerThread = 50_000;
        ActorSystem system = NewSystem();
        int[] next = new int[Threads];
        int disorder = 0, total = 0;
        using var done = new ManualResetEventSlim();
        ActorRef receiver = system.ActorOf(Scripted.Props((_, m) =>
        {
            (int thread, int number) = ((int, int))m;
            disorder += next[thread]++ == number ? 0 : 1;
            if (++total == Threads * PerThread)
                done.Set();
        }));
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
        {
            for (int i = 0; i < PerThread; i++)
                receiver.Tell((t, i));
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        Assert.True(done.Wait(Patience), $"{total} of {Threads * PerThread} messages arrived");
        Assert.Equal(0, disorder);
    }

    [Fact]
    public void Timers_fire_while_the_run_queue_never_empties()
    {
        ActorSystem system = NewSystem();
        using var done = new ManualResetEventSlim();
        bool busy = true;
        system.ActorOf(Scripted.Props(new Script
        {
            PreStart = self =>
            {
                self.Me.Tell("busy");
                self.Clockwork.StartPeriodic("tick", "tick", Milliseconds(1));
            },
            Receive = (self, m) =>
            {
                if (m is "busy" && busy)
                    self.Me.Tell(m);
                else if (m is "tick" && self.Surroundings.Now > Milliseconds(20))
                    done.Set();
            },
        }));
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        Assert.True(done.Wait(Patience), "no timer fired");
        busy = false;
    }

    [Fact]
    public void A_timer_wakes_a_loop_that_has_nothing_else_to_do_and_not_too_early()
    {
        ActorSystem system = NewSystem();
        using var done = new ManualResetEventSlim();
        TimeSpan firedAt = TimeSpan.Zero;
        DateTimeOffset utc = default;
        system.ActorOf(Scripted.Props(new Script
        {
            PreStart = self => self.Clockwork.StartSingle("t", "t", Milliseconds(30)),
            Receive = (self, _) =>
            {
                (firedAt, utc) = (self.Surroundings.Now, self.Surroundings.UtcNow);
                done.Set();
            },
        }));
        DateTimeOffset before = DateTimeOffset.UtcNow;
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        Assert.True(done.Wait(Patience), "the timer did not fire");
        Assert.True(firedAt >= Milliseconds(30), $"fired at {firedAt}");
        Assert.InRange(utc, before, DateTimeOffset.UtcNow);
    }

    [Fact]
    public void A_loop_that_slept_handles_what_woke_it_at_the_time_of_waking()
    {
        ActorSystem sleeping = NewSystem(), waking = NewSystem();
        using var done = new ManualResetEventSlim();
        TimeSpan woken = TimeSpan.Zero, fired = TimeSpan.Zero;
        ActorRef sleeper = sleeping.ActorOf(Scripted.Props((self, m) =>
        {
            if (m is "wake up")
            {
                woken = self.Surroundings.Now;
                self.Clockwork.StartSingle("t", "timer", Milliseconds(10));
                return;
            }

            fired = self.Surroundings.Now;
            done.Set();
        }));
        waking.ActorOf(Scripted.Props(new Script
        {
            PreStart = self => self.Clockwork.StartSingle("t", "t", Milliseconds(50)),
            Receive = (_, _) => sleeper.Tell("wake up"),
        }));
        using RealTimeDriver first = RealTimeDriver.Start(sleeping);
        first.Invoke(() => { }, Patience);   // its clock runs, so it is ahead of the other's
        using RealTimeDriver second = RealTimeDriver.Start(waking);
        Assert.True(done.Wait(Patience), "the timer did not fire");
        Assert.True(woken >= Milliseconds(50), $"woken at {woken}");
        Assert.True(fired >= woken + Milliseconds(10), $"woken at {woken}, timer of 10 ms fired at {fired}");
    }

    [Fact]
    public void Timers_without_delay_do_not_keep_the_loop_from_other_things()
    {
        ActorSystem system = NewSystem();
        using var done = new ManualResetEventSlim();
        system.ActorOf(Scripted.Props(new Script
        {
            PreStart = self =>
            {
                self.Clockwork.StartSingle("busy", "busy", TimeSpan.Zero);
                self.Clockwork.StartSingle("other", "other", Milliseconds(5));
            },
            Receive = (self, m) =>
            {
                if (m is "other")
                    done.Set();
                else
                    self.Clockwork.StartSingle("busy", "busy", TimeSpan.Zero);
            },
        }));
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        Assert.True(done.Wait(Patience), "the other timer did not fire");
        driver.Invoke(() => { }, Patience);
    }

    [Fact]
    public void An_actor_that_throws_does_not_end_the_loop()
    {
        ActorSystem system = NewSystem();
        using var done = new ManualResetEventSlim();
        ActorRef failing = system.ActorOf(Scripted.Props(new Script { Construct = _ => throw new Bang() }));
        ActorRef killed = system.ActorOf(Scripted.Props(new Script { PostStop = _ => throw new Bang() }));
        ActorRef last = system.ActorOf(Scripted.Props((_, _) => done.Set()));
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        failing.Tell("x");
        killed.Tell(Kill.Instance);
        last.Tell("x");
        Assert.True(done.Wait(Patience), "the loop has ended");
        Assert.Null(driver.Fatal);
    }

    [Fact]
    public void Invoke_runs_on_the_loops_thread_and_hands_exceptions_back()
    {
        ActorSystem system = NewSystem();
        using RealTimeDriver driver = RealTimeDriver.Start(system);
        int thread = Environment.CurrentManagedThreadId;
        ActorRef? made = null;
        driver.Invoke(
            () =>
            {
                thread = Environment.CurrentManagedThreadId;
                made = system.ActorOf(Scripted.Props(), "made");
            },
            Patience);
        Assert.NotEqual(Environment.CurrentManagedThreadId, thread);
        Assert.Equal("/user/made", made?.Path);
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => driver.Invoke(() => throw new Bang("inside"), Patience));
        Assert.IsType<Bang>(e.InnerException);
    }

    [Fact]
    public void Invoke_gives_up_when_the_loop_does_not_get_to_it()
    {
        var idle = new RealTimeDriver(NewSystem());   // never started
        TimeoutException e = Assert.Throws<TimeoutException>(() => idle.Invoke(() => { }, Milliseconds(1)));
        Assert.Contains("0.001 s", e.Message, StringComparison.Ordinal);
        idle.Dispose();
    }

    [Fact]
    public void A_driver_can_be_disposed_of_twice_and_told_things_afterwards()
    {
        ActorSystem system = NewSystem();
        ActorRef actor = system.ActorOf(Scripted.Props());
        RealTimeDriver driver = RealTimeDriver.Start(system);
        driver.Dispose();
        driver.Dispose();
        actor.Tell("nobody delivers this");
        Assert.True(system.Loop.HasReady);
    }

    private static ActorSystem NewSystem() => new(new ActorSystemOptions());
}
