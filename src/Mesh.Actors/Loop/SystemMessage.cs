namespace Mesh.Actors.Loop;

/// <summary>A message of the kernel to a cell. It is told apart by its sender, <see cref="Mark"/>, which costs one comparison of references
/// per delivery.</summary>
internal abstract class SystemMessage
{
    public static readonly ActorRef Mark = new MarkRef();

    /// <summary>True where it is for the actor rather than for its cell: it waits with other messages while the actor is suspended, and is lost with it.</summary>
    public virtual bool IsForInstance => false;

    public abstract void Execute(ActorCell cell);

    private sealed class MarkRef : ActorRef
    {
        public override string Path => "kernel";

        public override void Tell(object message)
        {
            // Nobody holds this reference, so nothing can be told to it.
        }

        public override void Tell(object message, ActorRef? sender)
        {
            // As above.
        }
    }
}

/// <summary>First message of every actor: make the instance and start it.</summary>
internal sealed class CreateMessage : SystemMessage
{
    public static readonly CreateMessage Instance = new();

    public override void Execute(ActorCell cell) => cell.Create(restartReason: null);
}

/// <summary>The backoff of a failed actor is over.</summary>
internal sealed class RestartMessage(Exception reason) : SystemMessage
{
    public override void Execute(ActorCell cell) => cell.Create(reason);
}

/// <summary>Stop, asked for on another loop.</summary>
internal sealed class StopMessage : SystemMessage
{
    public static readonly StopMessage Instance = new();

    public override void Execute(ActorCell cell) => cell.StopSelf();
}

/// <summary>Watch or unwatch, asked for on another loop.</summary>
internal sealed class WatchMessage(ActorCell watcher, bool on) : SystemMessage
{
    public override void Execute(ActorCell cell)
    {
        if (on)
            cell.AddWatcher(watcher);
        else
            cell.RemoveWatcher(watcher);
    }
}

/// <summary>A watched actor has ended.</summary>
internal sealed class TerminatedMessage(ActorCell actor) : SystemMessage
{
    public override bool IsForInstance => true;

    public override void Execute(ActorCell cell) => cell.ReceiveTerminated(actor);
}

/// <summary>A message of a persistent actor to a reference of another loop. It goes through the own run queue first, so that it can be held
/// back until the commit.</summary>
internal sealed class ForwardMessage(ActorRef target, object message, ActorRef? sender) : SystemMessage
{
    public override void Execute(ActorCell cell) => target.Tell(message, sender);
}

/// <summary>A timer of an actor that fired while the actor was suspended. It still counts only if nobody has cancelled it by the time
/// the actor comes back.</summary>
internal sealed class LateTimer(object key, long arming, object message) : SystemMessage
{
    public override bool IsForInstance => true;

    public override void Execute(ActorCell cell)
    {
        if (cell.TakeLateTimer(key, arming))
            cell.Loop.DeliverNow(cell, message, sender: null);
    }
}
