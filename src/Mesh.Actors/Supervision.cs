namespace Mesh.Actors;

/// <summary>What to do with an actor that threw.</summary>
public enum Directive
{
    /// <summary>Keep the instance and its state; the message is lost.</summary>
    Resume,

    /// <summary>Replace the instance after a delay; a persistent one recovers from its journal. Messages wait meanwhile.</summary>
    Restart,

    /// <summary>Stop the actor.</summary>
    Stop,

    /// <summary>Treat it as a failure of the supervisor itself.</summary>
    Escalate,
}

/// <summary>How a parent handles the failures of its children.</summary>
/// <param name="Decider">Chooses by the exception.</param>
public sealed record SupervisorStrategy(Func<Exception, Directive> Decider)
{
    /// <summary>Restarts with delays from 100 ms to 30 s; an actor that cannot even be made or whose journal fails is stopped.</summary>
    public static readonly SupervisorStrategy Default = new(DefaultDecider);

    /// <summary>Stops every failing child.</summary>
    public static readonly SupervisorStrategy Stopping = new(static _ => Directive.Stop);

    /// <summary>Hands every failure to the supervisor's own supervisor.</summary>
    public static readonly SupervisorStrategy Escalating = new(static _ => Directive.Escalate);

    /// <summary>Delay before the first restart; it doubles with each further one. Default 100 ms.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest delay. Default 30 s.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A delay is lengthened by a random share of up to this much, so that actors which failed together do not come back together. 0..1, default 0.2.</summary>
    public double RandomFactor { get; init; } = 0.2;

    /// <summary>An actor that has run for so long without a failure begins to count anew. Default 5 minutes.</summary>
    public TimeSpan ResetAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>More restarts than this without a quiet period in between, and the actor is stopped. Default: no limit.</summary>
    public int MaxRestarts { get; init; } = int.MaxValue;

    /// <summary>True: a restart is applied to all children of the supervisor (Akka's AllForOne).</summary>
    public bool AppliesToSiblings { get; init; }

    /// <summary>The default choice: see <see cref="Default"/>.</summary>
    public static Directive DefaultDecider(Exception reason) => reason switch
    {
        ActorInitializationException or ActorKilledException or Persistence.JournalException => Directive.Stop,
        _ => Directive.Restart,
    };

    /// <summary>The delay before restart number <paramref name="restart"/>, counted from 1.</summary>
    internal TimeSpan BackoffFor(int restart, DeterministicRandom random)
    {
        double ticks = Math.Min(MaxBackoff.Ticks, MinBackoff.Ticks * Math.Pow(2, Math.Min(restart - 1, 60)));
        return TimeSpan.FromTicks((long)(ticks * (1 + (RandomFactor * random.NextDouble()))));
    }
}
