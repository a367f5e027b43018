using System.Net;
using Mesh.Actors;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>A router with one public address in front of a site. Mapping is endpoint-independent, filtering address-dependent (RFC 4787's terms): what most home
/// routers do.</summary>
public sealed class NatBox : UnderlayNode
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

        if (!_byInner.TryGetValue((packet.Protocol, packet.Source), out Mapping? mapping))
        {
            mapping = new Mapping(packet.Source, new IPEndPoint(Address, _nextPort++));
            _byInner.Add((packet.Protocol, packet.Source), mapping);
            _byPort.Add((packet.Protocol, mapping.Outer.Port), mapping);
        }

        mapping.Remotes[packet.Destination.Address] = Engine.Now;
        Internet.Route(this, packet with { Source = mapping.Outer }, _random);
    }

    private void LetIn(Packet packet)
    {
        if (_byPort.TryGetValue((packet.Protocol, packet.Destination.Port), out Mapping? mapping)
            && mapping.Remotes.TryGetValue(packet.Source.Address, out TimeSpan used)
            && (Engine.Now - used <= MappingLifetime || packet.Protocol == PacketProtocol.Tcp)
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
    }
}
