using Mesh.Node.Certificates;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.PortMapping;

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
/// <param name="Parameters">The network's parameters.</param>
/// <param name="Tunnels">Its tunnels.</param>
/// <param name="Routes">Its routes.</param>
/// <param name="Packets">What was forwarded.</param>
internal sealed record NodeStatusReport(
    string Prefix, string Address, string Subnet, string Network, string Registry, string Device, string Listen, CertificateReport Certificate,
    ParametersReport Parameters, IReadOnlyList<TunnelReport> Tunnels, IReadOnlyList<RouteReport> Routes, PacketReport Packets)
{
    /// <summary>Ports that a gateway maps, or null where none is asked.</summary>
    public PortMappingReport? PortMapping { get; init; }

    /// <summary>Interfaces on whose LAN the routing protocol speaks, or would.</summary>
    public IReadOnlyList<LanReport> Lans { get; init; } = [];
}

/// <summary>An interface of the LAN.</summary>
/// <param name="Interface">Its name.</param>
/// <param name="State">Its state.</param>
/// <param name="Address">The link-local address from which the routing protocol speaks there, or null where it does not.</param>
/// <param name="Problem">Why it does not, or null.</param>
/// <param name="Starts">How often it has begun to, since the start of the node.</param>
internal sealed record LanReport(string Interface, LanInterfaceState State, string? Address, string? Problem, int Starts);

/// <summary>Ports that a gateway maps.</summary>
/// <param name="State">How far it is.</param>
/// <param name="Gateway">The gateway's address, or null where there is none.</param>
/// <param name="Method">How it is asked: pcp, nat-pmp or upnp.</param>
/// <param name="Mappings">What it maps.</param>
/// <param name="Problem">Why it maps nothing, or in vain; or null.</param>
/// <param name="Counters">What happened since the start; what never did is left out.</param>
internal sealed record PortMappingReport(
    PortMappingState State, string? Gateway, string? Method, IReadOnlyList<MappingReport> Mappings, string? Problem, IReadOnlyDictionary<PortMappingCounter, long> Counters);

/// <summary>A mapped port.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">The node's port.</param>
/// <param name="ExternalAddress">The gateway's address at its other side, or null while it is not known.</param>
/// <param name="ExternalPort">The gateway's port.</param>
/// <param name="Until">When it ends unless it is renewed; null for never.</param>
internal sealed record MappingReport(TransportProtocol Protocol, int Port, string? ExternalAddress, int ExternalPort, DateTimeOffset? Until);

/// <summary>The node's own certificate.</summary>
/// <param name="Serial">Its serial number.</param>
/// <param name="State">Its state; while it is revoked or expired the node is out of service.</param>
/// <param name="Since">When the state began.</param>
/// <param name="Until">Its end.</param>
/// <param name="AuthorityUntil">End of the authority's certificate.</param>
/// <param name="Problem">Why the last question to the registry has not led to what is needed, or null.</param>
internal sealed record CertificateReport(ulong Serial, CertificateState State, DateTimeOffset Since, DateTimeOffset Until, DateTimeOffset AuthorityUntil, string? Problem);

/// <summary>The network's parameters as a node knows them.</summary>
/// <param name="Used">Version in use; 0 while there is none.</param>
/// <param name="Newest">Newest version that the node has heard of.</param>
/// <param name="NextFetch">When the registry will be asked next, or null. Where the newest version is in use that is the regular check.</param>
/// <param name="IsFetching">Whether the registry is being asked.</param>
/// <param name="RoutingKeys">How many keys authenticate the routing protocol: 0 to 2.</param>
/// <param name="AcceptsAny">Whether routing packets that no key authenticates are accepted, too, while there are keys.</param>
/// <param name="ValidUntil">When the next step of a rotation of those keys is due, or null.</param>
/// <param name="Refused">Answers of the registry that were refused.</param>
/// <param name="Forged">Versions told by other nodes that the authority did not sign.</param>
/// <param name="Fetches">How often the registry was asked.</param>
internal sealed record ParametersReport(
    ulong Used, ulong Newest, DateTimeOffset? NextFetch, bool IsFetching, int RoutingKeys, bool AcceptsAny, DateTimeOffset? ValidUntil, long Refused, long Forged, long Fetches);

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
/// <param name="Destruction">How far its destruction is, or null where it is to stay.</param>
internal sealed record TunnelReport(
    int Index, string? Peer, bool IsClient, TunnelState State, TunnelPathKind Path, string? Remote, double? RoundTripMilliseconds, long SentOctets, long ReceivedOctets, KillerState? Destruction);

/// <summary>A route.</summary>
/// <param name="Destination">Subnet of a node.</param>
/// <param name="Via">The neighbour that packets go to; "?" while it is not known which node that is.</param>
/// <param name="Tunnel">The tunnel that they take, or 0.</param>
/// <param name="Metric">Babel metric.</param>
internal sealed record RouteReport(string Destination, string Via, int Tunnel, int Metric)
{
    /// <summary>The interface on whose LAN the neighbour is, or null.</summary>
    public string? Device { get; init; }
}

/// <summary>Packets since the start.</summary>
internal sealed record PacketReport(long FromHost, long ToHost, long Transit, long Dropped);

/// <summary>A node's sessions with other nodes as <c>mesh peers</c> shows them.</summary>
/// <param name="Peers">One entry each, in the order of their prefixes.</param>
/// <param name="Counters">What happened to datagrams since the start; what never happened is left out.</param>
internal sealed record PeersReport(IReadOnlyList<PeerReport> Peers, IReadOnlyDictionary<PeerCounter, long> Counters);

/// <summary>A session with another node.</summary>
/// <param name="Prefix">Common name of the node.</param>
/// <param name="State">How far it is.</param>
/// <param name="Since">When that began.</param>
/// <param name="LastHeard">When something authentic came last, or null.</param>
/// <param name="Protocol">The protocol number that it states; 0 where it states none, null before the handshake.</param>
/// <param name="Capabilities">What it can do beyond that; null where it has not said, as nodes of re6st never do.</param>
/// <param name="SentMessages">Messages sent in the present session, acknowledgements among them.</param>
/// <param name="ReceivedMessages">Number of the last message that came in the present session; lost ones count too.</param>
internal sealed record PeerReport(
    string Prefix, PeerState State, DateTimeOffset Since, DateTimeOffset? LastHeard, int? Protocol, IReadOnlyList<string>? Capabilities, uint SentMessages, uint ReceivedMessages);
