using System.Collections.Immutable;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.LocalNode;

/// <summary>What the <see cref="LocalNodeActor"/> can be asked.</summary>
public abstract record LocalNodeCommand
{
    private protected LocalNodeCommand()
    {
    }
}

/// <summary>Where can a node be reached, as it says itself? Answer: <see cref="AddressAnswered"/>.</summary>
public sealed record AskAddress(NodePrefix Node) : LocalNodeCommand;

/// <summary>What software do these nodes run? Answer: <see cref="VersionsCollected"/> or <see cref="LocalNodeBusy"/>.</summary>
/// <param name="Nodes">The nodes; all are in the answer, those that say nothing too.</param>
public sealed record CollectVersions(ImmutableArray<NodePrefix> Nodes) : LocalNodeCommand;

/// <summary>Who has tunnels with whom? Answer: <see cref="TopologyCollected"/> or <see cref="LocalNodeBusy"/>.</summary>
/// <param name="RegistryNode">The node next to the registry, which is asked first; then those that it names, and so on.</param>
public sealed record CollectTopology(NodePrefix RegistryNode) : LocalNodeCommand;

/// <summary>Numbers for monitoring. Answer: <see cref="LocalNodeStatistics"/>.</summary>
public sealed record GetLocalNodeStatistics : LocalNodeCommand;

/// <summary>What a node says about where it can be reached.</summary>
/// <param name="Node">The node.</param>
/// <param name="Addresses">Possibly none; null where it did not answer in time, or not in the form of an address list.</param>
public sealed record AddressAnswered(NodePrefix Node, AddressList? Addresses);

/// <summary>The versions, protocol reference 3.4.</summary>
/// <param name="Json"><c>{"0000000000000010": "VERSION, PLATFORM"}</c>, null for nodes without a usable answer.</param>
public sealed record VersionsCollected(ReadOnlyMemory<byte> Json);

/// <summary>The tunnels, protocol reference 3.9.</summary>
/// <param name="Json"><c>{"": ["0/16"], "0/16": ["2/16"]}</c>: who reported, and from whom tunnels lead to whom.</param>
public sealed record TopologyCollected(ReadOnlyMemory<byte> Json);

/// <summary>Too many other collections are under way; try again later.</summary>
public sealed record LocalNodeBusy;

/// <summary>Numbers for monitoring.</summary>
/// <param name="Sent">Datagrams sent.</param>
/// <param name="Received">Datagrams received, all of them.</param>
/// <param name="Malformed">Of these: such as no node sends.</param>
/// <param name="Unexpected">Of these: well-formed, but nobody waited for them (any more).</param>
/// <param name="Silent">Questions about an address that had no answer in time.</param>
/// <param name="Refused">Questions and collections that were refused as too many.</param>
/// <param name="Notified">How often the node was told that the parameters changed.</param>
public sealed record LocalNodeStatistics(long Sent, long Received, long Malformed, long Unexpected, long Silent, long Refused, long Notified);
