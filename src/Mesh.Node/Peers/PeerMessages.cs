using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Peers;

/// <summary>Send a message to a node, after a handshake where there is no session. Nothing comes back; what cannot be delivered is counted.</summary>
/// <param name="Peer">Whom.</param>
/// <param name="Code">See <see cref="PeerCode"/>. A message with the same code that still waits is replaced.</param>
/// <param name="Data">What follows the code.</param>
public sealed record TellPeer(NodePrefix Peer, byte Code, ReadOnlyMemory<byte> Data);

/// <summary>Ask a node where it can be reached; the answer goes to the address book. Told, or published on the event stream.</summary>
public sealed record AskPeerAddress(NodePrefix Peer);

/// <summary>Published on the event stream: somebody says that this is the network's version. Whether it is signed has not been checked.</summary>
/// <param name="From">Who says so.</param>
/// <param name="Version">The version.</param>
public sealed record VersionHeard(NodePrefix From, NetworkVersion Version);

/// <summary>Published on the event stream: the registry beside us says that the parameters have changed.</summary>
public sealed record ParametersOutdated;

/// <summary>Published on the event stream: the peer wants a tunnel of OpenVPN with us closed (protocol reference 7.6).</summary>
/// <param name="Peer">The node at its other end.</param>
/// <param name="Kill">Which tunnel, and the request's number; null where the peer cannot tell: then it is the one that it opened to us.</param>
public sealed record PeerKillRequested(NodePrefix Peer, TunnelKill? Kill = null);

/// <summary>Published on the event stream: the peer answers our request (protocol reference 7.6), or takes its own back.</summary>
/// <param name="Peer">The node at the tunnel's other end.</param>
/// <param name="Kill">To which request, and whether it agrees; null where the peer cannot tell: then it agrees that we close the tunnel that we opened to it.</param>
public sealed record PeerKillAnswered(NodePrefix Peer, TunnelKill? Kill = null);

/// <summary>Published on the event stream by the end of a tunnel of OpenVPN: say this to the other end.</summary>
/// <param name="Peer">The node at the other end.</param>
/// <param name="Code"><see cref="PeerCode.KillRequest"/> or <see cref="PeerCode.KillAnswer"/>.</param>
/// <param name="Kill">What is said; null in an agreement to a request without number. A node of re6st is told what it understands of it, or nothing.</param>
/// <param name="Until">When it is too late to say it, monotonic: a message that could not be delivered by then must not come later.</param>
public sealed record TellOfKill(NodePrefix Peer, byte Code, TunnelKill? Kill, TimeSpan Until);

/// <summary>How are the sessions with other nodes? Answer: <see cref="PeersStatus"/>.</summary>
public sealed record GetPeersStatus;

/// <summary>Sessions with other nodes.</summary>
/// <param name="Peers">One entry each, in the order of their prefixes.</param>
/// <param name="Counters">What happened to datagrams so far; what never happened is left out.</param>
public sealed record PeersStatus(ImmutableArray<PeerStatus> Peers, ImmutableSortedDictionary<PeerCounter, long> Counters);

/// <summary>A session with a node.</summary>
/// <param name="Peer">The node.</param>
/// <param name="State">How far it is.</param>
/// <param name="Protocol">The protocol number that it states; null while it has not.</param>
/// <param name="Features">What it can do beyond protocol 10; null where it has not said, as nodes of re6st never do.</param>
/// <param name="SentMessages">Messages sent in the present session, acknowledgements among them.</param>
/// <param name="ReceivedMessages">The number of the last message of the present session that came, less the handshake's: losses count too.</param>
public sealed record PeerStatus(NodePrefix Peer, PeerState State, int? Protocol, PeerFeatures? Features, uint SentMessages, uint ReceivedMessages)
{
    /// <summary>When it came into that state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>When something authentic came last; null before.</summary>
    public required DateTimeOffset? LastHeard { get; init; }
}

/// <summary>States of a session with a node, see <see cref="PeerActor"/>.</summary>
public enum PeerState
{
    /// <summary>No session, and none is wanted.</summary>
    Idle,

    /// <summary>We have shown our certificate and wait for a secret.</summary>
    Greeting,

    /// <summary>We have sent a secret, and no message has shown yet that the peer has it.</summary>
    Proposed,

    /// <summary>The session works.</summary>
    Connected,
}
