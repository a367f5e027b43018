namespace Mesh.Actors;

/// <summary>A watched actor has stopped.</summary>
public sealed record Terminated(ActorRef Actor);

/// <summary>Stops the actor when it reaches it in the queue: after what was sent before.</summary>
public sealed class PoisonPill
{
    /// <summary>The only one there is.</summary>
    public static readonly PoisonPill Instance = new();

    private PoisonPill()
    {
    }
}

/// <summary>Makes the actor throw an <see cref="ActorKilledException"/>, for its supervisor to see.</summary>
public sealed class Kill
{
    /// <summary>The only one there is.</summary>
    public static readonly Kill Instance = new();

    private Kill()
    {
    }
}

/// <summary>A message whose receiver is gone. Published on the event stream.</summary>
/// <param name="Message">What was sent.</param>
/// <param name="Sender">By whom, or null.</param>
/// <param name="Recipient">To whom.</param>
public sealed record DeadLetter(object Message, ActorRef? Sender, ActorRef Recipient);

/// <summary>A message its receiver did not understand. Published on the event stream.</summary>
/// <param name="Message">What was sent.</param>
/// <param name="Sender">By whom, or null.</param>
/// <param name="Recipient">To whom.</param>
public sealed record UnhandledMessage(object Message, ActorRef? Sender, ActorRef Recipient);

/// <summary>An actor threw. Published on the event stream.</summary>
/// <param name="Actor">Which one.</param>
/// <param name="Reason">What it threw.</param>
/// <param name="Message">What it was handling, or null.</param>
/// <param name="Directive">What its supervisor decided.</param>
public sealed record ActorFailed(ActorRef Actor, Exception Reason, object? Message, Directive Directive);
