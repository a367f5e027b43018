using System.Net;
using Mesh.Actors;
using Mesh.Protocol.PortMapping;
using Mesh.Simulation.Engine;

namespace Mesh.Simulation.Underlay;

/// <summary>How a NAT box chooses outer ports and whom it lets in.</summary>
public enum NatKind
{
    /// <summary>Endpoint-independent mapping and filtering, in the terms of RFC 4787: whoever knows the outer port comes in.</summary>
    FullCone,

    /// <summary>Endpoint-independent mapping, address-dependent filtering: what most home routers do.</summary>
    Restricted,

    /// <summary>Endpoint-independent mapping, address and port-dependent filtering.</summary>
    PortRestricted,

    /// <summary>Address and port-dependent mapping and filtering: another outer port for each remote endpoint, so that what one of them tells about it is of no use to others.</summary>
    Symmetric,
}

/// <summary>A router with one address outside in front of a site. It may be one that maps ports for those who ask, and stand behind another one, the carrier's.</summary>
public sealed partial class NatBox : UnderlayNode
{
    private readonly DeterministicRandom _random;
    private readonly NatBox? _carrier;
    private readonly Dictionary<IPAddress, UnderlayNode> _inside = [];
    private readonly Dictionary<(PacketProtocol, IPEndPoint Inner, Remote), Mapping> _byInner = [];
    private readonly Dictionary<(PacketProtocol, int), Mapping> _byPort = [];
    private int _nextPort = 20_000;

    internal NatBox(SimulationEngine engine, Internet internet, string name, IPAddress address, Place place, DeterministicRandom random, NatBox? carrier = null, UnderlayNode? beside = null)
        : base(engine, internet, name, address, place, carrier ?? beside)
    {
        (_random, _carrier) = (random, carrier);
        carrier?.AttachInside(this);
    }

    /// <summary>How it chooses ports and whom it lets in. Default <see cref="NatKind.Restricted"/>.</summary>
    public NatKind Kind { get; init; } = NatKind.Restricted;

    /// <summary>How long a UDP mapping stands that is not used. Default two minutes (RFC 4787 REQ-5). TCP's are kept.</summary>
    public TimeSpan MappingLifetime { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>What the Internet sees of it: itself, or its carrier's box.</summary>
    public NatBox Outermost => _carrier ?? this;

    /// <summary>Inbound packets that no mapping let through.</summary>
    public long Filtered { get; private set; }

    internal void AttachInside(UnderlayNode node) => _inside.Add(node.Address, node);

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
        if (_inside.TryGetValue(packet.Destination.Address, out UnderlayNode? neighbour))
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

        // A port that was asked for is the one for all remotes, whatever the kind.
        if (!_byInner.TryGetValue((packet.Protocol, packet.Source, default), out Mapping? mapping) || (Kind == NatKind.Symmetric && !mapping.IsOpen(Now)))
        {
            Remote remote = Kind == NatKind.Symmetric ? Of(packet.Destination) : default;
            if (!_byInner.TryGetValue((packet.Protocol, packet.Source, remote), out mapping))
                mapping = Make(packet.Protocol, packet.Source, remote, wanted: 0);
        }

        mapping.Remotes[Filter(packet.Destination)] = Now;
        Packet outside = packet with { Source = mapping.Outer };
        if (_carrier is not null)
            Internet.SendInside(this, _carrier, outside);
        else
            Internet.Route(this, outside, _random);
    }

    private static Remote Of(IPEndPoint endpoint) => new(endpoint.Address, endpoint.Port);

    // Who may come in by a mapping over which something went to this endpoint.
    private Remote Filter(IPEndPoint remote) => Kind switch
    {
        NatKind.FullCone => default,
        NatKind.Restricted => new Remote(remote.Address, 0),
        _ => Of(remote),
    };

    private Mapping Make(PacketProtocol protocol, IPEndPoint inner, Remote remote, int wanted)
    {
        if (wanted == 0 || _byPort.ContainsKey((protocol, wanted)))
        {
            while (_byPort.ContainsKey((protocol, _nextPort)))
                _nextPort++;
            wanted = _nextPort++;
        }

        var mapping = new Mapping(inner, new IPEndPoint(Address, wanted));
        _byInner.Add((protocol, inner, remote), mapping);
        _byPort.Add((protocol, wanted), mapping);
        return mapping;
    }

    private void LetIn(Packet packet)
    {
        if (_byPort.TryGetValue((packet.Protocol, packet.Destination.Port), out Mapping? mapping)
            && (mapping.IsOpen(Now)
                || (mapping.Remotes.TryGetValue(Filter(packet.Source), out TimeSpan used) && (Now - used <= MappingLifetime || packet.Protocol == PacketProtocol.Tcp)))
            && _inside.TryGetValue(mapping.Inner.Address, out UnderlayNode? inside))
        {
            mapping.Remotes[Filter(packet.Source)] = Now;
            Internet.SendInside(this, inside, packet with { Destination = mapping.Inner });
        }
        else
        {
            Filtered++;
        }
    }

    private readonly record struct Remote(IPAddress? Address, int Port);

    private sealed class Mapping(IPEndPoint inner, IPEndPoint outer)
    {
        public IPEndPoint Inner => inner;

        public IPEndPoint Outer => outer;

        /// <summary>Who may come in, and when something went to or came from there last.</summary>
        public Dictionary<Remote, TimeSpan> Remotes { get; } = [];

        /// <summary>With what it was asked for, where it was.</summary>
        public PcpNonce Nonce { get; set; }

        /// <summary>Until when everybody may come in by it.</summary>
        public TimeSpan OpenUntil { get; set; }

        public bool IsOpen(TimeSpan now) => OpenUntil > now;
    }
}
