using Mesh.Actors.Loop;

namespace Mesh.Actors;

/// <summary>A state machine that is driven by messages. Derive from it and handle them in <see cref="Receive"/>.</summary>
/// <remarks>
/// <para>Inside an actor there is no await, no thread, no wall clock, no unseeded randomness, no file or socket: it changes its own state, tells other actors, sets
/// timers and calls ports, whose outcomes come back as messages. One message is handled at a time.</para>
/// <para>An exception that leaves a handler goes to the parent's <see cref="SupervisorStrategy"/>, never to the loop.</para>
/// </remarks>
public abstract class Actor
{
    private Action<object>? _behavior;

    /// <summary>Made only by the kernel, through <see cref="Props"/>.</summary>
    /// <exception cref="InvalidOperationException">Somebody used <c>new</c>.</exception>
    protected Actor()
    {
        Cell = ActorCell.Constructing
            ?? throw new InvalidOperationException($"{GetType()} was made with new. Actors are made with ActorOf(Props.Create(...)), so that they have a place and a supervisor.");
    }

    /// <summary>The actor's surroundings.</summary>
    protected IActorContext Context => Cell;

    /// <summary>This actor's own reference.</summary>
    protected ActorRef Self => Cell;

    /// <summary>Who sent the message that is being handled; the dead letters where nobody did.</summary>
    protected ActorRef Sender => Cell.Sender;

    /// <summary>The actor's log.</summary>
    protected ActorLog Log => new(Cell);

    internal ActorCell Cell { get; }

    /// <summary>What happens to children that throw. The default: restart with growing delays.</summary>
    protected internal virtual SupervisorStrategy SupervisorStrategy => SupervisorStrategy.Default;

    /// <summary>Handles one message. Pass what is not understood to <see cref="Unhandled"/>.</summary>
    protected abstract void Receive(object message);

    /// <summary>Called before the first message, and after each restart unless <see cref="PostRestart"/> is overridden.</summary>
    protected internal virtual void PreStart()
    {
    }

    /// <summary>Called after the last message. Children are stopped already.</summary>
    protected internal virtual void PostStop()
    {
    }

    /// <summary>Called on the failed instance before it is replaced. The default stops all children, whose end is not reported any more, and calls <see cref="PostStop"/>.</summary>
    protected internal virtual void PreRestart(Exception reason, object? message)
    {
        foreach (ActorRef child in Cell.Children)
            Cell.Unwatch(child);
        Cell.StopChildren();
        PostStop();
    }

    /// <summary>Called on the new instance. The default calls <see cref="PreStart"/>.</summary>
    protected internal virtual void PostRestart(Exception reason) => PreStart();

    /// <summary>Tells about the state between two messages: see <see cref="ActorSystem.Inspect"/>. Changes nothing, sends nothing.</summary>
    /// <param name="question">What somebody wants to know.</param>
    /// <returns>The answer, or null where the actor has none.</returns>
    protected internal virtual object? Inspect(object question) => null;

    /// <summary>From the next message on, <paramref name="behavior"/> is called in place of <see cref="Receive"/>; null goes back.</summary>
    protected void Become(Action<object>? behavior) => _behavior = behavior;

    /// <summary>Counts and publishes a message that nobody expected (<see cref="UnhandledMessage"/>).</summary>
    protected void Unhandled(object message) => Cell.Loop.System.OnUnhandled(message, Cell.Sender, Cell);

    /// <summary>Puts the present message aside until <see cref="UnstashAll"/>.</summary>
    /// <exception cref="StashOverflowException">More than <see cref="ActorSystemOptions.StashCapacity"/> messages are stashed.</exception>
    protected void Stash() => Cell.Stash();

    /// <summary>The stashed messages are handled next, in the order of their arrival, before any other message.</summary>
    protected void UnstashAll() => Cell.UnstashAll();

    internal virtual void Dispatch(object message)
    {
        if (_behavior is null)
            Receive(message);
        else
            _behavior(message);
    }
}
