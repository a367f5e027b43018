using System.Net;
using Mesh.Actors;
using Mesh.Protocol.PortMapping;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>A router with one public address in front of a site. Mapping is endpoint-independent, filtering address-dependent (RFC 4787's terms): what most home
/// routers do. It may be one that maps ports for those who ask.</summary>
public sealed partial class NatBox : UnderlayNode
{
    private static readonly TimeSpan MappingLifetime = TimeSpan.FromMinutes(2);   // RFC 4787 REQ-5, for UDP; TCP's are kept as long

    private readonly DeterministicRandom _random;
    private readonly Dictionary<IPAddress, Machine> _inside = [];
    private readonly Dictionary<(PacketProtocol, IPEndPoint), Mapping> _byInner = [];
    private readonly Dictionary<(PacketProtocol, int), Mapping> _byPort = [];
    private int _nextPort = 20_000;

    internal NatBox(SimulationEngine engine, Internet internet, string name, IPAddress address, Place place, DeterministicRandom random)
        : base(engine, internet, name, address, place) => _random = random;

    /// <summary>Inbound packets that no mapping let through.</summary>
    public long Filtered { get; private set; }

    internal void AttachInside(Machine machine) => _inside.Add(machine.Address, machine);

    internal bool IsInside(IPAddress address) => _inside.ContainsKey(address);

    internal override void Receive(Packet packet)
    {
        if (_inside.ContainsKey(packet.Source.Address))
            Translate(packet);
        else
            LetIn(packet);
    }

    private void Translate(Packet packet)
    {
        if (_inside.TryGetValue(packet.Destination.Address, out Machine? neighbour))
        {
            Internet.SendInside(this, neighbour, packet);
            return;
        }

        if (MapsAt is { } inside && packet.Destination.Address.Equals(inside))
        {
            if (packet is { Protocol: PacketProtocol.Udp, Destination.Port: PcpMessage.ServerPort })
                Serve(packet);
            return;
        }

        if (!_byInner.TryGetValue((packet.Protocol, packet.Source), out Mapping? mapping))
            mapping = Make(packet.Protocol, packet.Source, wanted: 0);
        mapping.Remotes[packet.Destination.Address] = Engine.Now;
        Internet.Route(this, packet with { Source = mapping.Outer }, _random);
    }

    private Mapping Make(PacketProtocol protocol, IPEndPoint inner, int wanted)
    {
        if (wanted == 0 || _byPort.ContainsKey((protocol, wanted)))
        {
            while (_byPort.ContainsKey((protocol, _nextPort)))
                _nextPort++;
            wanted = _nextPort++;
        }

        var mapping = new Mapping(inner, new IPEndPoint(Address, wanted));
        _byInner.Add((protocol, inner), mapping);
        _byPort.Add((protocol, wanted), mapping);
        return mapping;
    }

    private void LetIn(Packet packet)
    {
        if (_byPort.TryGetValue((packet.Protocol, packet.Destination.Port), out Mapping? mapping)
            && (mapping.IsOpen(Engine.Now)
                || (mapping.Remotes.TryGetValue(packet.Source.Address, out TimeSpan used) && (Engine.Now - used <= MappingLifetime || packet.Protocol == PacketProtocol.Tcp)))
            && _inside.TryGetValue(mapping.Inner.Address, out Machine? machine))
        {
            mapping.Remotes[packet.Source.Address] = Engine.Now;
            Internet.SendInside(this, machine, packet with { Destination = mapping.Inner });
        }
        else
        {
            Filtered++;
        }
    }

    private sealed class Mapping(IPEndPoint inner, IPEndPoint outer)
    {
        public IPEndPoint Inner => inner;

        public IPEndPoint Outer => outer;

        public Dictionary<IPAddress, TimeSpan> Remotes { get; } = [];

        /// <summary>With what it was asked for, where it was.</summary>
        public PcpNonce Nonce { get; set; }

        /// <summary>Until when everybody may come in by it.</summary>
        public TimeSpan OpenUntil { get; set; }

        public bool IsOpen(TimeSpan now) => OpenUntil > now;
    }
}
