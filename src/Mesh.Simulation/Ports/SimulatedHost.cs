using Mesh.Protocol.Addressing;
using Mesh.Protocol.Icmp;
using Mesh.Protocol.Udp;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The kernel of a machine as far as the overlay goes: answers echo requests, sends its own, and has UDP ports at the node's address and at the first one of its subnet.</summary>
public sealed class SimulatedHost
{
    private readonly Machine _machine;
    private readonly SimulatedDataPlane _dataPlane;
    private readonly Ipv6Address _address;
    private readonly Ipv6Address _firstAddress;
    private readonly Dictionary<ushort, (Ipv6Address To, TimeSpan SentAt, Action<TimeSpan> Answered)> _sent = [];
    private readonly Dictionary<ushort, Action<UdpPacket>> _udp = [];
    private ushort _sequence;

    /// <summary>Connects a host with an overlay address to a data plane.</summary>
    /// <param name="machine">Where it is.</param>
    /// <param name="dataPlane">The machine's forwarding.</param>
    /// <param name="address">The node's address.</param>
    /// <param name="firstAddress">The first address of its subnet.</param>
    public SimulatedHost(Machine machine, SimulatedDataPlane dataPlane, Ipv6Address address, Ipv6Address firstAddress)
    {
        ArgumentNullException.ThrowIfNull(dataPlane);
        (_machine, _dataPlane, _address, _firstAddress) = (machine, dataPlane, address, firstAddress);
        dataPlane.HostReceived = Receive;
    }

    /// <summary>Called with the source of each echo request that came.</summary>
    public Action<Ipv6Address>? Pinged { get; set; }

    /// <summary>Sends an echo request.</summary>
    /// <param name="to">To whom.</param>
    /// <param name="answered">Called with the round trip when it is answered.</param>
    /// <param name="octets">Payload.</param>
    public void Ping(Ipv6Address to, Action<TimeSpan> answered, int octets = 16)
    {
        _machine.Settle();   // brings the machine's clock up to now
        _sequence++;
        _sent[_sequence] = (to, _machine.System!.Loop.Now, answered);
        _dataPlane.SendFromHost(new EchoPacket(_address, to, IsReply: false, Identifier: 1, _sequence, new byte[octets]).Encode());
        _machine.Settle();
    }

    /// <summary>Receives the datagrams to a port. It must not send within the call.</summary>
    public void ListenUdp(ushort port, Action<UdpPacket> receive) => _udp[port] = receive;

    /// <summary>Sends a datagram from the node's address.</summary>
    public void SendUdp(ushort sourcePort, Ipv6Address to, ushort port, ReadOnlyMemory<byte> data) =>
        _dataPlane.SendFromHost(new UdpPacket(_address, sourcePort, to, port, data).Encode());

    private void Receive(ReadOnlyMemory<byte> packet)
    {
        if (UdpPacket.TryDecode(packet.Span, out UdpPacket datagram))
        {
            if ((datagram.Destination == _address || datagram.Destination == _firstAddress) && _udp.TryGetValue(datagram.DestinationPort, out Action<UdpPacket>? receive))
                receive(datagram);
        }
        else if (EchoPacket.TryDecode(packet.Span, out EchoPacket echo) && echo.Destination == _address)
        {
            OnEcho(echo);
        }
    }

    private void OnEcho(EchoPacket echo)
    {
        if (!echo.IsReply)
        {
            Pinged?.Invoke(echo.Source);
            _machine.After(TimeSpan.FromMicroseconds(10), () => _dataPlane.SendFromHost(echo.ToReply().Encode()));
        }
        else if (_sent.Remove(echo.Sequence, out (Ipv6Address To, TimeSpan SentAt, Action<TimeSpan> Answered) sent) && sent.To == echo.Source)
        {
            sent.Answered(_machine.System!.Loop.Now - sent.SentAt);
        }
    }
}
