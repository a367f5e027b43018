using System.Collections.Immutable;
using System.Net;
using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.PortMapping;

/// <summary>Published on the event stream: where others reach us through a gateway has changed.</summary>
/// <param name="Addresses">To be advertised; empty where there is no mapping any more.</param>
/// <param name="UdpPort">The gateway's port for the datagrams of native tunnels, or null.</param>
public sealed record MappedAddressesChanged(AddressList Addresses, ushort? UdpPort);

/// <summary>Published by an actor that has to know the mapped addresses and was restarted.</summary>
/// <param name="By">Gets a <see cref="MappedAddressesChanged"/>.</param>
public sealed record MappedAddressesWanted(ActorRef By);

/// <summary>The node is about to stop: end the mappings. Answer: <see cref="PortMappingsReleased"/>, at the latest after <see cref="Limit"/>.</summary>
public sealed record ReleasePortMappings
{
    /// <summary>How long the gateway may take.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);
}

/// <summary>The mappings are ended, as far as the gateway has answered.</summary>
public sealed record PortMappingsReleased;

/// <summary>Ask how the mappings are. Answer: <see cref="PortMappingStatus"/>.</summary>
public sealed record GetPortMappingStatus;

/// <summary>How the mappings are.</summary>
/// <param name="State">The state.</param>
/// <param name="Gateway">The gateway's address, or null where there is none.</param>
/// <param name="Method">By which method it is asked, or was last.</param>
/// <param name="Mappings">What it has mapped.</param>
/// <param name="Problem">Why there is no mapping, or why what there is is of no use; or null.</param>
/// <param name="Counters">What happened since the start; what never did is left out.</param>
public sealed record PortMappingStatus(
    PortMappingState State, IPAddress? Gateway, PortMappingMethod? Method, ImmutableArray<HeldMapping> Mappings, string? Problem, IReadOnlyDictionary<PortMappingCounter, long> Counters);

/// <summary>A mapping that a gateway has given.</summary>
/// <param name="Port">What is mapped.</param>
/// <param name="ExternalAddress">The gateway's address at its other side, or null while it is not known.</param>
/// <param name="ExternalPort">The gateway's port.</param>
/// <param name="Until">When it ends unless it is renewed; null for never.</param>
public sealed record HeldMapping(PortToMap Port, IPAddress? ExternalAddress, ushort ExternalPort, DateTimeOffset? Until);
