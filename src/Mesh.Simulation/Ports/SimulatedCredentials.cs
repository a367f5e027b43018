using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Ports;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The certificates on a simulated disk; a renewal is durable after a while, or refused where the disk is full.</summary>
/// <param name="machine">Where they are.</param>
/// <param name="stored">Told what is there from now on.</param>
public sealed class SimulatedCredentials(Machine machine, Action<NodeIdentity> stored) : ICredentialPort
{
    private static readonly TimeSpan WriteTime = TimeSpan.FromMilliseconds(5);

    /// <inheritdoc/>
    public void Store(object tag, NodeIdentity identity, ActorRef replyTo) => machine.After(Longer(WriteTime, machine.DiskCondition.WriteDelay), () =>
    {
        if (machine.DiskCondition.IsFull)
        {
            machine.System?.Loop.Inject(replyTo, new CredentialsNotStored(tag, "no space left on the simulated disk"));
            return;
        }

        stored(identity);
        machine.System?.Loop.Inject(replyTo, new CredentialsStored(tag));
    });

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
