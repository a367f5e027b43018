using Mesh.Node.Certificates;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Node;

/// <summary>A node as <c>mesh status</c> shows it.</summary>
/// <param name="Prefix">Common name of its certificate.</param>
/// <param name="Address">Its overlay address.</param>
/// <param name="Subnet">Its addresses.</param>
/// <param name="Network">The overlay network.</param>
/// <param name="Registry">URL of the registry.</param>
/// <param name="Device">Name of the TUN device.</param>
/// <param name="Listen">Where it accepts tunnels.</param>
/// <param name="Certificate">Its certificate.</param>
/// <param name="ParametersVersion">Version of the network parameters; 0 while it has none.</param>
/// <param name="Tunnels">Its tunnels.</param>
/// <param name="Routes">Its routes.</param>
/// <param name="Packets">What was forwarded.</param>
internal sealed record NodeStatusReport(
    string Prefix, string Address, string Subnet, string Network, string Registry, string Device, string Listen, CertificateReport Certificate,
    ulong ParametersVersion, IReadOnlyList<TunnelReport> Tunnels, IReadOnlyList<RouteReport> Routes, PacketReport Packets);

/// <summary>The node's own certificate.</summary>
/// <param name="Serial">Its serial number.</param>
/// <param name="State">Its state; while it is revoked or expired the node is out of service.</param>
/// <param name="Since">When the state began.</param>
/// <param name="Until">Its end.</param>
/// <param name="AuthorityUntil">End of the authority's certificate.</param>
/// <param name="Problem">Why the last question to the registry has not led to what is needed, or null.</param>
internal sealed record CertificateReport(ulong Serial, CertificateState State, DateTimeOffset Since, DateTimeOffset Until, DateTimeOffset AuthorityUntil, string? Problem);

/// <summary>A tunnel.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Peer">Common name of the other end; null while it is not known.</param>
/// <param name="IsClient">True where this node opened it.</param>
/// <param name="State">Its state.</param>
/// <param name="Path">Which way packets take.</param>
/// <param name="Remote">Address of the other end.</param>
/// <param name="RoundTripMilliseconds">The last measured round trip.</param>
/// <param name="SentOctets">Octets of packets sent.</param>
/// <param name="ReceivedOctets">Octets of packets received.</param>
internal sealed record TunnelReport(
    int Index, string? Peer, bool IsClient, TunnelState State, TunnelPathKind Path, string? Remote, double? RoundTripMilliseconds, long SentOctets, long ReceivedOctets);

/// <summary>A route.</summary>
/// <param name="Destination">Subnet of a node.</param>
/// <param name="Via">The neighbour that packets go to.</param>
/// <param name="Tunnel">The tunnel that they take.</param>
/// <param name="Metric">Babel metric.</param>
internal sealed record RouteReport(string Destination, string Via, int Tunnel, int Metric);

/// <summary>Packets since the start.</summary>
internal sealed record PacketReport(long FromHost, long ToHost, long Transit, long Dropped);
