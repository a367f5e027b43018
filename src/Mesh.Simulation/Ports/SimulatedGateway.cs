using System.Net;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.PortMapping;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The NAT box before a simulated machine, which maps ports by PCP where it is one that does. There is no UPnP.</summary>
public sealed class SimulatedGateway(Machine machine) : IPortMappingPort
{
    private const int ClientPort = 40_001;   // one program on the machine asks for mappings
    private static readonly TimeSpan KernelTime = TimeSpan.FromMicroseconds(50);

    private IPEndPoint? _gateway;

    /// <inheritdoc/>
    public void FindGateway(ActorRef replyTo)
    {
        object found = machine.Nat is { MapsAt: { } inside } ? new GatewayFound(new Gateway(inside, machine.Address)) : new GatewayMissing("there is none that maps ports");
        machine.After(KernelTime, () => Tell(replyTo, found));
    }

    /// <inheritdoc/>
    public void Attach(Gateway gateway, ActorRef receiver)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        _gateway = new IPEndPoint(gateway.Address, PcpMessage.ServerPort);
        machine.ListenUdp(ClientPort, packet => Tell(receiver, new GatewayDatagram(packet.Source, packet.Payload, IsAnnouncement: false)));
        machine.ListenUdp(PcpMessage.ClientPort, packet => Tell(receiver, new GatewayDatagram(packet.Source, packet.Payload, IsAnnouncement: true)));
    }

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> datagram)
    {
        if (_gateway is not null)
            machine.Send(new Packet(PacketProtocol.Udp, new IPEndPoint(machine.Address, ClientPort), _gateway, datagram));
    }

    /// <inheritdoc/>
    public void Handled()
    {
    }

    /// <inheritdoc/>
    public void Run(UpnpCommand command, ActorRef replyTo) => machine.After(KernelTime, () => Tell(replyTo, new UpnpFailed(command, "there is no UPnP here")));

    private void Tell(ActorRef to, object message) => machine.System?.Loop.Inject(to, message);
}
