using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Security.Keys;

namespace Mesh.Node.Tunnels;

/// <summary>Says whose certificate it is and whether that node may have a tunnel with us now.</summary>
/// <param name="certificate">DER. The stream port has checked that the network's authority issued it.</param>
/// <param name="peer">The node's prefix.</param>
/// <param name="problem">Why not: a sentence.</param>
public delegate bool IdentifyPeer(ReadOnlyMemory<byte> certificate, out NodePrefix peer, out string problem);

/// <summary>Whom a tunnel talks to.</summary>
/// <param name="Streams">Control streams.</param>
/// <param name="DataPlane">Packets.</param>
/// <param name="Entropy">Keys.</param>
/// <param name="Manager">Gets <see cref="TunnelGreeted"/>, <see cref="TunnelUp"/>, <see cref="TunnelEnded"/>, <see cref="PeersLearned"/>, <see cref="SeenAt"/>.</param>
/// <param name="Router">Gets <see cref="RoutingLinkUp"/>, <see cref="RoutingLinkDown"/>, <see cref="RoutingPacket"/>.</param>
/// <param name="Identify">Judges peers.</param>
public sealed record TunnelPorts(IStreamPort Streams, IDataPlanePort DataPlane, IEntropy Entropy, ActorRef Manager, ActorRef Router, IdentifyPeer Identify)
{
    /// <summary>OpenVPN, or null where it is not used.</summary>
    public OpenVpnEquipment? OpenVpn { get; init; }

    /// <summary>Asked by a tunnel that greets: may it say that we have no other tunnel? Only one tunnel at a time gets a yes.</summary>
    public Func<TunnelIndex, bool> IsOnlyTunnel { get; init; } = static _ => false;

    /// <summary>The last instant at which the certificate of a peer is valid.</summary>
    public Func<ReadOnlyMemory<byte>, DateTimeOffset> EndOf { get; init; } = static _ => DateTimeOffset.MaxValue;

    /// <summary>Whether the second certificate is for the same node and the same key as the first.</summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool> IsRenewal { get; init; } = static (_, _) => false;
}
