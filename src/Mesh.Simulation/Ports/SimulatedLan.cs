using System.Collections.Immutable;
using System.Net;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>A simulated machine's interface on a LAN, and its kernel's routes over it: by them the kernel forwards between the LAN and the node's device.</summary>
public sealed class SimulatedLan : ILinkWatchPort, IKernelLinkPort
{
    /// <summary>The interface's name.</summary>
    public const string Interface = "lan0";

    private const int Index = 2;
    private const int HopLimitAt = 7, SourceAt = 8, DestinationAt = 24, HeaderLength = 40;   // of the IPv6 header (RFC 8200 section 3)
    private static readonly TimeSpan KernelTime = TimeSpan.FromMicroseconds(50);

    private readonly Machine _machine;
    private readonly Ipv6Address _address;
    private ImmutableArray<KernelHopRoute> _routes = [];
    private ActorRef? _owner;

    /// <summary>Makes the interface of a machine that is plugged in.</summary>
    public SimulatedLan(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        _machine = machine;
        if (!Ipv6Address.TryFrom(machine.LinkLocal, out _address))
            throw new InvalidOperationException($"{machine.LinkLocal} is no IPv6 address");
        machine.ListenLan(OnPacket);
    }

    /// <summary>Gets the packets that the node's device is to take: those of the machine itself, and those for which no neighbour is the next hop. Set before anything is sent.</summary>
    public Action<byte[]>? ToDevice { get; set; }

    /// <summary>Gets the packets from the LAN for this machine or for nobody on it; false where a packet is not for this machine.</summary>
    public Func<ReadOnlyMemory<byte>, bool>? ToHost { get; set; }

    /// <inheritdoc/>
    public void Watch(string name, ActorRef owner) =>
        _machine.After(KernelTime, () => Tell(owner, new LinkSeen(name, name == Interface ? new LinkView(Index, IsRunning: true, [_address]) : null)));

    /// <inheritdoc/>
    public void Unwatch(string name, ActorRef owner)
    {
    }

    /// <inheritdoc/>
    public void Open(int link, Ipv6Address address, ActorRef owner) => _owner = owner;

    /// <inheritdoc/>
    public void Send(int link, Ipv6Address to, ReadOnlyMemory<byte> packet) => _machine.SendOnLan(PacketProtocol.LanRouting, to.ToIPAddress(), packet);

    /// <inheritdoc/>
    public void Close(int link) => _owner = null;

    /// <inheritdoc/>
    public void Publish(ImmutableArray<KernelHopRoute> routes) => _routes = [.. routes.OrderByDescending(static route => route.Destination.Length)];

    /// <summary>The kernel sends a packet on: one of its own programs, or one that has come from the device or the LAN.</summary>
    /// <param name="packet">An IPv6 packet.</param>
    /// <param name="isForwarded">Whether it is of others, so that its hop limit goes down.</param>
    public void Route(byte[] packet, bool isForwarded)
    {
        ArgumentNullException.ThrowIfNull(packet);
        if (packet.Length < HeaderLength || (isForwarded && --packet[HopLimitAt] == 0))
            return;
        Ipv6Address source = At(packet, SourceAt), destination = At(packet, DestinationAt);
        KernelHop? hop = _routes.FirstOrDefault(route => route.Destination.Contains(destination) && route.From?.Contains(source) != false)?.Hop;
        if (hop is not null)
            _machine.SendOnLan(PacketProtocol.LanPacket, hop.Address.ToIPAddress(), packet);
        else
            ToDevice?.Invoke(packet);
    }

    private static Ipv6Address At(byte[] packet, int offset) => new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(packet.AsSpan(offset)));

    private void OnPacket(Packet packet)
    {
        if (packet.Protocol == PacketProtocol.LanPacket)
        {
            if (ToHost?.Invoke(packet.Payload) == false)
                Route(packet.Payload.ToArray(), isForwarded: true);
        }
        else if (_owner is not null && Ipv6Address.TryFrom(packet.Source.Address, out Ipv6Address from) && Ipv6Address.TryFrom(packet.Destination.Address, out Ipv6Address to))
        {
            Tell(_owner, new KernelLinkPacket(Index, from, to, packet.Payload));
        }
    }

    private void Tell(ActorRef to, object message) => _machine.System?.Loop.Inject(to, message);
}
