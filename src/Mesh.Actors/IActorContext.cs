namespace Mesh.Actors;

/// <summary>What an actor may use of its surroundings.</summary>
public interface IActorContext
{
    /// <summary>The actor's own reference.</summary>
    ActorRef Self { get; }

    /// <summary>Who sent the present message; the dead letters where nobody did.</summary>
    ActorRef Sender { get; }

    /// <summary>The supervisor; for <c>/user</c> and <c>/system</c> the root.</summary>
    ActorRef Parent { get; }

    /// <summary>The system the actor lives in.</summary>
    ActorSystem System { get; }

    /// <summary>Monotonic time since the loop began. It stands still while a message is handled.</summary>
    TimeSpan Now { get; }

    /// <summary>The wall clock as this machine sees it. It may jump: use it for dates, never for intervals.</summary>
    DateTimeOffset UtcNow { get; }

    /// <summary>The loop's seeded random source. Not for secrets on real machines: those come from an entropy port.</summary>
    DeterministicRandom Random { get; }

    /// <summary>This actor's timers.</summary>
    ActorTimers Timers { get; }

    /// <summary>The actor's log.</summary>
    ActorLog Log { get; }

    /// <summary>The children, in the order of their creation.</summary>
    IEnumerable<ActorRef> Children { get; }

    /// <summary>Makes a child.</summary>
    /// <param name="props">How to make it.</param>
    /// <param name="name">Unique among the siblings, without slash; null for a generated one (<c>$12</c>).</param>
    /// <exception cref="InvalidActorNameException">The name is taken or malformed.</exception>
    ActorRef ActorOf(Props props, string? name = null);

    /// <summary>The living child of that name, or null.</summary>
    ActorRef? Child(string name);

    /// <summary>Stops an actor after its present message: children first, then <see cref="Actor.PostStop"/>, then its watchers are told.
    /// What is still queued for it goes to the dead letters.</summary>
    void Stop(ActorRef actor);

    /// <summary>Asks for a <see cref="Terminated"/> when <paramref name="actor"/> stops; at once where it has stopped already.</summary>
    void Watch(ActorRef actor);

    /// <summary>Takes <see cref="Watch"/> back.</summary>
    void Unwatch(ActorRef actor);

    /// <summary>Mixes a fact about the actor's state into the loop's digest.</summary>
    void Note(ulong fact);
}
