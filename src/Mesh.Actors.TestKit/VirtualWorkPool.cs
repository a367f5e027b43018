using Mesh.Actors.Ports;

namespace Mesh.Actors.TestKit;

/// <summary>A work pool in virtual time: the function runs at once, its outcome comes after <see cref="Delay"/>.</summary>
public sealed class VirtualWorkPool : IWorkPool
{
    private ActorTestKit? _kit;

    /// <summary>How long each piece of work takes. Default 3 ms.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(3);

    /// <summary>Set: every piece of work is refused.</summary>
    public bool IsFull { get; set; }

    /// <summary>Set: every piece of work fails.</summary>
    public Exception? Fault { get; set; }

    /// <summary>How many pieces of work were asked for, refused and failed ones among them.</summary>
    public int RunCount { get; private set; }

    /// <summary>Says in whose time it works. Call it before the first piece of work.</summary>
    public void Attach(ActorTestKit kit) => _kit = kit;

    /// <inheritdoc/>
    public void Run(object tag, Func<object> work, ActorRef replyTo)
    {
        RunCount++;
        object outcome = IsFull ? new WorkRejected(tag) : Fault is { } fault ? new WorkFailed(tag, fault) : Outcome(tag, work);
        _ = _kit!.Loop.ScheduleTell(IsFull ? TimeSpan.Zero : Delay, replyTo, outcome);
    }

    private static object Outcome(object tag, Func<object> work)
    {
        try
        {
            return new WorkDone(tag, work());
        }
        catch (Exception e)
        {
            return new WorkFailed(tag, e);   // whoever asked judges it
        }
    }
}
