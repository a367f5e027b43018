using System.Collections.Immutable;
using Mesh.Node.Certificates;
using Mesh.Node.Routing;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;

namespace Mesh.Node;

/// <summary>Ask a node how it is.</summary>
public sealed record GetNodeStatus;

/// <summary>This node is about to stop: others are to find ways around it, while it goes on forwarding what they send through it. Answer: <see cref="LeftNetwork"/>, at the latest after <see cref="Time"/>.</summary>
public sealed record LeaveNetwork
{
    /// <summary>How long ways through this node still work, but cost much. Others need some round trips to find better ones.</summary>
    public static readonly TimeSpan DetourTime = TimeSpan.FromSeconds(2);

    /// <summary>How long all of it takes. What is under way when ways are taken back still gets through.</summary>
    public static readonly TimeSpan Time = DetourTime + TimeSpan.FromMilliseconds(500);
}

/// <summary>The node may be stopped.</summary>
public sealed record LeftNetwork;

/// <summary>A node at one moment.</summary>
/// <param name="Prefix">The node.</param>
/// <param name="Address">Its overlay address.</param>
/// <param name="ParametersVersion">Version of the network parameters it uses; 0 where it has none yet.</param>
/// <param name="Tunnels">Its tunnels.</param>
/// <param name="Routes">Its routes.</param>
public sealed record NodeStatus(NodePrefix Prefix, Ipv6Address Address, ulong ParametersVersion, ImmutableArray<TunnelStatus> Tunnels, ImmutableArray<NodeRoute> Routes)
{
    /// <summary>Its certificate.</summary>
    public required CertificateStatus Certificate { get; init; }

    /// <summary>Interfaces on whose LAN the routing protocol speaks, or would.</summary>
    public ImmutableArray<LanInterfaceStatus> Lans { get; init; } = [];
}
