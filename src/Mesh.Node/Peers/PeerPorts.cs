using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Node.Peers;

/// <summary>What all sessions of a node share.</summary>
/// <param name="Port">Datagrams.</param>
/// <param name="WorkPool">RSA.</param>
/// <param name="Entropy">Secrets.</param>
/// <param name="Options">Limits and timers.</param>
/// <param name="Counters">Counts.</param>
/// <param name="Secrets">Limits the making of secrets.</param>
/// <param name="Owner">The <see cref="PeersActor"/>.</param>
internal sealed record PeerPorts(IPeerPort Port, IWorkPool WorkPool, IEntropy Entropy, PeersOptions Options, PeerCounters Counters, TokenBucket Secrets, ActorRef Owner);

/// <summary>A greeting whose certificate has been checked.</summary>
internal sealed record GreetingArrived(Hello0 Greeting, NodeCertificate Certificate, Ipv6Address From, ushort Port);

/// <summary>A secret has come.</summary>
internal sealed record SecretArrived(Hello Hello);

/// <summary>A message of a session has come.</summary>
internal sealed record DatagramArrived(ReadOnlyMemory<byte> Datagram, Ipv6Address From, ushort Port);

/// <summary>To the owner: the peer has said something authentic that is to be answered with <see cref="Respond"/>, and by nothing else.</summary>
internal sealed record PeerSpoke(NodePrefix Peer, byte Code, ReadOnlyMemory<byte> Data, Ipv6Address From, ushort Port);

/// <summary>The owner's answer to what a peer has said.</summary>
/// <param name="Code">As it came.</param>
/// <param name="Data">The answer, or null to acknowledge only.</param>
/// <param name="To">Where the message came from.</param>
/// <param name="Port">And from which port.</param>
internal sealed record Respond(byte Code, ReadOnlyMemory<byte>? Data, Ipv6Address To, ushort Port);

/// <summary>To the owner: a session is established.</summary>
/// <param name="Peer">With whom.</param>
/// <param name="Certificate">The peer's.</param>
/// <param name="Secret">The session's secret.</param>
/// <param name="IsOurTurn">The peer has made the secret and waits for our first message, the network version.</param>
internal sealed record PeerReady(NodePrefix Peer, NodeCertificate Certificate, SessionKey Secret, bool IsOurTurn);

/// <summary>To the owner: nobody answers, and there is no session.</summary>
internal sealed record PeerSilent(NodePrefix Peer);

/// <summary>Send this before anything that waits.</summary>
internal sealed record TellFirst(byte Code, ReadOnlyMemory<byte> Data);

/// <summary>Send this, after a handshake where there is no session.</summary>
internal sealed record Tell(byte Code, ReadOnlyMemory<byte> Data)
{
    /// <summary>When it is too late to send it, monotonic.</summary>
    public TimeSpan Until { get; init; } = TimeSpan.MaxValue;
}

/// <summary>Our own certificate has changed.</summary>
internal sealed record UseIdentity(NodeIdentity Identity);
