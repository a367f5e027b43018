using Mesh.Actors;
using Mesh.Registry.LocalNode;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The registry's way to the node on the same simulated computer.</summary>
public sealed class SimulatedLocalNode(Machine machine) : ILocalNodePort
{
    private ActorRef? _receiver;

    /// <inheritdoc/>
    public void Attach(ActorRef receiver)
    {
        _receiver = receiver;
        machine.ListenLoopback(datagram => machine.System?.Loop.Inject(receiver, new LocalDatagramReceived(datagram)));
    }

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> datagram)
    {
        if (!machine.SendLoopback(datagram) && _receiver is not null)
            machine.System?.Loop.Inject(_receiver, new LocalNodeAbsent());
    }
}
