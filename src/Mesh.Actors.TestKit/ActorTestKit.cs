using Mesh.Actors.Persistence;

namespace Mesh.Actors.TestKit;

/// <summary>A system whose time stands still until a test moves it: deterministic, without threads and without sleeps.</summary>
/// <remarks>
/// Every waiting call lets virtual time pass from one armed timer to the next, as far as its limit, and fails at once, with the list of armed timers, when
/// nothing is left that could bring what it waits for. Actors that keep each other busy without letting time pass are a failure too.
/// </remarks>
public sealed class ActorTestKit
{
    /// <summary>How much virtual time waiting calls let pass at most, unless told otherwise.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(10);

    private const int ListedTimers = 10;

    private int _probes;

    /// <summary>Makes a system with an in-memory journal on a simulated disk.</summary>
    /// <param name="seed">Seed of the loop.</param>
    /// <param name="schema">Events that persistent actors store.</param>
    /// <param name="disk">A disk from an earlier system, to test recovery; null for an empty one.</param>
    /// <param name="configure">Changes the options before the system is made.</param>
    public ActorTestKit(ulong seed = 1, EventSchema? schema = null, SimulatedDisk? disk = null, Func<ActorSystemOptions, ActorSystemOptions>? configure = null)
    {
        Disk = disk ?? new SimulatedDisk();
        Journal = new InMemoryJournal(Disk);
        Log = new RecordingLog();
        var options = new ActorSystemOptions { Name = "test", Seed = seed, Journal = Journal, Schema = schema ?? new EventSchema(), Log = Log };
        System = new ActorSystem(configure?.Invoke(options) ?? options);
    }

    /// <summary>The system under test.</summary>
    public ActorSystem System { get; }

    /// <summary>Its loop.</summary>
    public EventLoop Loop => System.Loop;

    /// <summary>Virtual time.</summary>
    public TimeSpan Now => Loop.Now;

    /// <summary>The disk under the journal.</summary>
    public SimulatedDisk Disk { get; }

    /// <summary>The journal, whose delays and faults a test may set.</summary>
    public InMemoryJournal Journal { get; }

    /// <summary>What the actors logged.</summary>
    public RecordingLog Log { get; }

    /// <summary>The armed timers in firing order.</summary>
    public IReadOnlyList<ArmedTimer> ArmedTimers => Loop.ArmedTimers();

    /// <summary>How many messages, and how many timers, one instant of virtual time may have before it counts as endless. Default 10,000,000.</summary>
    public long MaxMessagesPerInstant { get; set; } = 10_000_000;

    /// <summary>Makes an actor under <c>/user</c> and lets it start.</summary>
    public ActorRef ActorOf(Props props, string? name = null)
    {
        ActorRef actor = System.ActorOf(props, name);
        Settle();
        return actor;
    }

    /// <summary>Makes an actor that records what it is told.</summary>
    public TestProbe CreateProbe(string? name = null) => new(this, name ?? $"probe-{++_probes}");

    /// <summary>Delivers all that is due now. Time does not move.</summary>
    /// <exception cref="TestKitException">The messages never end.</exception>
    public void Settle()
    {
        if (Loop.RunReady(MaxMessagesPerInstant) >= MaxMessagesPerInstant && Loop.HasReady)
            throw Fail($"more than {MaxMessagesPerInstant} messages at one instant: actors tell each other things for ever");
    }

    /// <summary>Lets time pass; timers fire on the way.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The duration is negative.</exception>
    /// <exception cref="TestKitException">Time does not pass: messages or timers never end.</exception>
    public void Advance(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        RunTo(Now + duration);
    }

    /// <summary>Lets time pass until no message waits and no timer is armed.</summary>
    /// <param name="limit">Virtual time that may pass; a system with a periodic timer never gets quiet.</param>
    /// <exception cref="TestKitException">It did not get quiet.</exception>
    public void RunUntilQuiet(TimeSpan? limit = null)
    {
        TimeSpan end = Now + (limit ?? TimeSpan.FromHours(1));
        Settle();
        while (Loop.NextDeadline is { } next)
        {
            if (next > end)
                throw Fail($"the system did not get quiet within {limit ?? TimeSpan.FromHours(1)} of virtual time");
            RunTo(next);
        }
    }

    /// <summary>Lets time pass until a condition holds.</summary>
    /// <param name="condition">Looked at after each instant at which something happened.</param>
    /// <param name="what">What is awaited, for the message.</param>
    /// <param name="limit">Virtual time that may pass.</param>
    /// <exception cref="TestKitException">It did not come true, or nothing is left that could bring it about.</exception>
    public void AwaitCondition(Func<bool> condition, string what, TimeSpan? limit = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        TimeSpan end = Now + (limit ?? DefaultLimit);
        Settle();
        while (!condition())
        {
            if (Loop.NextDeadline is not { } next)
                throw Fail($"waiting for {what}, which can never come: no message is queued and no timer is armed");
            if (next > end)
                throw Fail($"waiting for {what}, which did not come within {limit ?? DefaultLimit} of virtual time");
            RunTo(next);
        }
    }

    private void RunTo(TimeSpan time)
    {
        Settle();
        TimeSpan instant = Now;
        long fired = 0;
        while (Loop.FireNext(time))
        {
            fired = Now == instant ? fired + 1 : 0;
            instant = Now;
            if (fired > MaxMessagesPerInstant)
                throw Fail($"more than {MaxMessagesPerInstant} timers at one instant: they are started again for ever without a delay");
            Settle();
        }

        Loop.AdvanceClock(time);
    }

    /// <summary>An exception that says what the system was doing.</summary>
    internal TestKitException Fail(string message)
    {
        var lines = new List<string> { message, $"  virtual time: {Now}" };
        IReadOnlyList<ArmedTimer> timers = ArmedTimers;
        lines.Add(timers.Count == 0 ? "  armed timers: none" : $"  armed timers: {timers.Count}");
        lines.AddRange(timers.Take(ListedTimers).Select(t => $"    {t}"));
        if (timers.Count > ListedTimers)
            lines.Add($"    and {timers.Count - ListedTimers} later ones");
        lines.Add($"  dead letters: {System.DeadLetterCount}, unhandled: {System.UnhandledCount}, failures: {System.FailureCount}");
        if (System.LastDeadLetter is { } letter)
            lines.Add($"  last dead letter: {letter.Message} to {letter.Recipient}");
        if (System.LastFailure is { } failure)
            lines.Add($"  last failure: {failure.Actor}: {failure.Reason.GetType().Name}: {failure.Reason.Message}");
        return new TestKitException(string.Join('\n', lines));
    }
}

/// <summary>An expectation of a test was not met. The message lists virtual time, armed timers, dead letters and failures.</summary>
public sealed class TestKitException(string message) : Exception(message);
