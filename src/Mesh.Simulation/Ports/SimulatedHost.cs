using Mesh.Protocol.Addressing;
using Mesh.Protocol.Icmp;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>The programs of a machine as far as pings go: answers echo requests and sends its own.</summary>
public sealed class SimulatedHost
{
    private readonly Machine _machine;
    private readonly SimulatedDataPlane _dataPlane;
    private readonly Ipv6Address _address;
    private readonly Dictionary<ushort, (Ipv6Address To, TimeSpan SentAt)> _sent = [];
    private ushort _sequence;

    /// <summary>Connects a host with an overlay address to a data plane.</summary>
    public SimulatedHost(Machine machine, SimulatedDataPlane dataPlane, Ipv6Address address)
    {
        ArgumentNullException.ThrowIfNull(dataPlane);
        (_machine, _dataPlane, _address) = (machine, dataPlane, address);
        dataPlane.HostReceived = Receive;
    }

    /// <summary>Called with the other end and the round trip of each answer.</summary>
    public Action<Ipv6Address, TimeSpan>? Answered { get; set; }

    /// <summary>Sends an echo request.</summary>
    public void Ping(Ipv6Address to)
    {
        _machine.Settle();   // brings the machine's clock up to now
        _sequence++;
        _sent[_sequence] = (to, _machine.System!.Loop.Now);
        _dataPlane.SendFromHost(new EchoPacket(_address, to, IsReply: false, Identifier: 1, _sequence, new byte[16]).Encode());
        _machine.Settle();
    }

    private void Receive(ReadOnlyMemory<byte> packet)
    {
        if (!EchoPacket.TryDecode(packet.Span, out EchoPacket echo) || echo.Destination != _address)
            return;
        if (!echo.IsReply)
            _machine.After(TimeSpan.FromMicroseconds(10), () => _dataPlane.SendFromHost(echo.ToReply().Encode()));
        else if (_sent.Remove(echo.Sequence, out (Ipv6Address To, TimeSpan SentAt) sent) && sent.To == echo.Source)
            Answered?.Invoke(sent.To, _machine.System!.Loop.Now - sent.SentAt);
    }
}
