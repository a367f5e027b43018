using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Ports;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The certificates on a simulated disk, which is never full; a renewal is durable after a while.</summary>
/// <param name="machine">Where they are.</param>
/// <param name="stored">Told what is there from now on.</param>
public sealed class SimulatedCredentials(Machine machine, Action<NodeIdentity> stored) : ICredentialPort
{
    private static readonly TimeSpan WriteTime = TimeSpan.FromMilliseconds(5);

    /// <inheritdoc/>
    public void Store(object tag, NodeIdentity identity, ActorRef replyTo) => machine.After(WriteTime, () =>
    {
        stored(identity);
        machine.System?.Loop.Inject(replyTo, new CredentialsStored(tag));
    });
}
