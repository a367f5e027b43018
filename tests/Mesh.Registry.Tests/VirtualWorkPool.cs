using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Actors.TestKit;

namespace Mesh.Registry.Tests;

/// <summary>A work pool in virtual time: the function runs at once, its outcome comes after <see cref="Delay"/>.</summary>
internal sealed class VirtualWorkPool : IWorkPool
{
    private ActorTestKit? _kit;

    /// <summary>How long each piece of work takes.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(3);

    /// <summary>Set: every piece of work is refused.</summary>
    public bool IsFull { get; set; }

    /// <summary>Set: every piece of work fails.</summary>
    public Exception? Fault { get; set; }

    public void Attach(ActorTestKit kit) => _kit = kit;

    public void Run(object tag, Func<object> work, ActorRef replyTo)
    {
        object outcome = IsFull ? new WorkRejected(tag) : Fault is { } fault ? new WorkFailed(tag, fault) : Outcome(tag, work);
        _ = _kit!.Loop.ScheduleTell(IsFull ? TimeSpan.Zero : Delay, replyTo, outcome);
    }

    private static object Outcome(object tag, Func<object> work)
    {
        try
        {
            return new WorkDone(tag, work());
        }
        catch (ArgumentException exception)   // what an authority throws that is asked for something that cannot be
        {
            return new WorkFailed(tag, exception);
        }
    }
}
