using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Security.Keys;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>Secrets from the machine's seed, so that a run can be repeated.</summary>
public sealed class SeededEntropy(Machine machine) : IEntropy
{
    /// <inheritdoc/>
    public void Fill(Span<byte> destination) => machine.Entropy.NextBytes(destination);
}

/// <summary>Runs the function at once and delivers its outcome after the time that it would take on a real machine.</summary>
public sealed class SimulatedWorkPool(TimeSpan duration) : IWorkPool
{
    /// <inheritdoc/>
    public void Run(object tag, Func<object> work, ActorRef replyTo)
    {
        ArgumentNullException.ThrowIfNull(work);
        object outcome;
        try
        {
            outcome = new WorkDone(tag, work());
        }
        catch (Exception e)
        {
            outcome = new WorkFailed(tag, e);
        }

        EventLoop.Of(replyTo).ScheduleTell(duration, replyTo, outcome);
    }
}
