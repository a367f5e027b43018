using System.Collections.Immutable;
using Mesh.Node.Certificates;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;

namespace Mesh.Node;

/// <summary>Ask a node how it is.</summary>
public sealed record GetNodeStatus;

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
}
