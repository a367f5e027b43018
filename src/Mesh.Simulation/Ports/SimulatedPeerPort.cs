using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>UDP port 326 of a simulated machine: in the overlay through the node's own forwarding, and on the loopback address to a program beside it.</summary>
public sealed class SimulatedPeerPort(Machine machine, SimulatedHost host) : IPeerPort
{
    private const ushort RegistryPort = 40000;   // one program beside us has one port

    /// <inheritdoc/>
    public void Attach(ActorRef receiver)
    {
        host.ListenUdp(LocalDatagram.NodePort, datagram => Tell(receiver, new PeerDatagramReceived(datagram.Source, datagram.SourcePort, datagram.Data)));
        machine.ListenLoopback(datagram => Tell(receiver, new PeerDatagramReceived(Ipv6Address.Loopback, RegistryPort, datagram)));
    }

    /// <inheritdoc/>
    public void Handled()
    {
    }

    /// <inheritdoc/>
    public void Send(Ipv6Address to, ushort port, ReadOnlyMemory<byte> datagram)
    {
        if (to == Ipv6Address.Loopback)
            machine.SendLoopback(datagram);
        else
            host.SendUdp(LocalDatagram.NodePort, to, port, datagram);
    }

    private void Tell(ActorRef to, object message) => machine.System?.Loop.Inject(to, message);
}
