using System.Net;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;

namespace Mesh.Simulation.Underlay;

/// <content>A PCP server (RFC 6887) for the machines inside, where the box is one that maps ports.</content>
public sealed partial class NatBox
{
    private static readonly TimeSpan MinLifetime = TimeSpan.FromMinutes(2), MaxLifetime = TimeSpan.FromHours(24);   // RFC 6887 section 15
    private static readonly TimeSpan ErrorLifetime = TimeSpan.FromSeconds(30);

    private TimeSpan _since;

    /// <summary>Its address inside, at which it maps ports; null where it does not.</summary>
    public IPAddress? MapsAt { get; init; }

    /// <summary>Ports that strangers may come in by now.</summary>
    public int OpenPorts => _byPort.Values.Count(mapping => mapping.IsOpen(Engine.Now));

    /// <summary>It is switched off and on: it forgets everything, and says so to the machines inside.</summary>
    public void Restart()
    {
        _byInner.Clear();
        _byPort.Clear();
        _since = Engine.Now;
        if (MapsAt is null)
            return;
        byte[] announcement = new PcpResponse(PcpOpcode.Announce, PcpResult.Success, TimeSpan.Zero, Epoch, null).Encode();
        foreach (UnderlayNode inside in _inside.Values)
            Answer(inside, PcpMessage.ClientPort, announcement);
    }

    private uint Epoch => (uint)(Engine.Now - _since).TotalSeconds;

    private void Serve(Packet packet)
    {
        if (!PcpRequest.TryDecode(packet.Payload.Span, out PcpRequest request) || !_inside.TryGetValue(packet.Source.Address, out UnderlayNode? machine))
            return;
        PcpResponse response = request.Client.ToIPAddress().MapToIPv4().Equals(machine.Address)
            ? request.Map is { } map ? Map(machine, request, map) : Success(request)
            : new PcpResponse(request.Opcode, PcpResult.AddressMismatch, ErrorLifetime, Epoch, request.Map);
        Answer(machine, packet.Source.Port, response.Encode());
    }

    private PcpResponse Success(PcpRequest request) => new(request.Opcode, PcpResult.Success, TimeSpan.Zero, Epoch, null);

    private PcpResponse Map(UnderlayNode machine, PcpRequest request, PcpMap map)
    {
        PacketProtocol protocol = map.Protocol == TransportProtocol.Tcp ? PacketProtocol.Tcp : PacketProtocol.Udp;
        var inner = new IPEndPoint(machine.Address, map.InternalPort);
        // A mapping that packets from inside have made is the one that is given (section 11.3).
        if (!_byInner.TryGetValue((protocol, inner, default), out Mapping? mapping) && request.Lifetime > TimeSpan.Zero)
            mapping = Make(protocol, inner, remote: default, map.ExternalPort);
        if (mapping is not null && mapping.IsOpen(Engine.Now) && mapping.Nonce != map.Nonce)
            return new PcpResponse(request.Opcode, PcpResult.NotAuthorized, ErrorLifetime, Epoch, map);
        TimeSpan lifetime = request.Lifetime == TimeSpan.Zero ? TimeSpan.Zero : request.Lifetime < MinLifetime ? MinLifetime : request.Lifetime > MaxLifetime ? MaxLifetime : request.Lifetime;
        if (mapping is not null)
            (mapping.Nonce, mapping.OpenUntil) = (map.Nonce, Engine.Now + lifetime);
        Ipv6Address.TryFrom(Address.MapToIPv6(), out Ipv6Address external);
        return new PcpResponse(request.Opcode, PcpResult.Success, lifetime, Epoch, map with { ExternalPort = (ushort)(mapping?.Outer.Port ?? 0), ExternalAddress = external });
    }

    private void Answer(UnderlayNode machine, int port, byte[] datagram) =>
        Internet.SendInside(this, machine, new Packet(PacketProtocol.Udp, new IPEndPoint(MapsAt!, PcpMessage.ServerPort), new IPEndPoint(machine.Address, port), datagram));
}
