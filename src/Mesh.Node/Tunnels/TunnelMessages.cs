using System.Net;
using System.Text.Json.Serialization;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <summary>States of a <see cref="TunnelActor"/>.</summary>
public enum TunnelState
{
    /// <summary>The control stream is being opened.</summary>
    Connecting,

    /// <summary>The stream is open; keys are being exchanged.</summary>
    Greeting,

    /// <summary>Packets flow.</summary>
    Up,

    /// <summary>We asked the other end to close.</summary>
    Closing,

    /// <summary>The other end asked us to close; what is under way still arrives.</summary>
    Draining,
}

/// <summary>Which way a tunnel's packets take.</summary>
public enum TunnelPathKind
{
    /// <summary>None yet.</summary>
    None,

    /// <summary>Inside the control stream, because datagrams do not pass (or are not proven to pass yet).</summary>
    Stream,

    /// <summary>In sealed UDP datagrams.</summary>
    Datagram,

    /// <summary>Through OpenVPN over TCP.</summary>
    [JsonStringEnumMemberName("openvpn-tcp")]
    OpenVpnTcp,

    /// <summary>Through OpenVPN over UDP.</summary>
    [JsonStringEnumMemberName("openvpn-udp")]
    OpenVpnUdp,
}

/// <summary>A tunnel as others may see it. Published on the event stream whenever it changes, and a last time with <see cref="IsGone"/>.</summary>
/// <param name="Index">The tunnel's number on this machine.</param>
/// <param name="Peer">The node at the other end, or the empty prefix while it is not known.</param>
/// <param name="IsClient">True where we opened it.</param>
/// <param name="State">Its state.</param>
/// <param name="Path">Which way packets take.</param>
/// <param name="Remote">The other end's address as seen here.</param>
/// <param name="RoundTrip">The last measured round trip, or null.</param>
/// <param name="IsGone">True in the last report.</param>
public sealed record TunnelStatus(
    TunnelIndex Index, NodePrefix Peer, bool IsClient, TunnelState State, TunnelPathKind Path, IPEndPoint? Remote, TimeSpan? RoundTrip, bool IsGone)
{
    /// <summary>Whether the two ends tell each other news in the tunnel itself; through OpenVPN they only do in messages between nodes.</summary>
    public bool CarriesNews => Path is not (TunnelPathKind.OpenVpnTcp or TunnelPathKind.OpenVpnUdp);

    /// <summary>How far its destruction is, or null where it is not being destroyed. Only in <see cref="NodeStatus"/>; others see <see cref="Killers.DestructionChanged"/>.</summary>
    public Killers.KillerState? Destruction { get; init; }
}

/// <summary>The peer of an accepted tunnel has greeted; the manager decides whether there is a place for it.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="IsIsolated">The peer says that it has no other tunnel.</param>
public sealed record TunnelGreeted(TunnelIndex Index, bool IsIsolated);

/// <summary>A tunnel has come up; its manager decides whether it may stay.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="Peer">The node at the other end.</param>
/// <param name="IsClient">True where we opened it.</param>
/// <param name="Certificate">The peer's certificate, DER: it may be revoked while the tunnel is up.</param>
public sealed record TunnelUp(TunnelIndex Index, NodePrefix Peer, bool IsClient, ReadOnlyMemory<byte> Certificate)
{
    /// <summary>The other end's address.</summary>
    public IPEndPoint? Remote { get; init; }

    /// <summary>The cipher of its datagrams.</summary>
    public SealingCipher Cipher { get; init; } = SealingCipher.Aes256Gcm;
}

/// <summary>A tunnel actor has ended. <paramref name="WasUp"/> tells a lost tunnel from a failed attempt.</summary>
public sealed record TunnelEnded(TunnelIndex Index, NodePrefix Peer, bool IsClient, bool WasUp, string Reason)
{
    /// <summary>Why the peer asked us to close, or null where it did not ask.</summary>
    public CloseReason? PeerReason { get; init; }
}

/// <summary>Close the tunnel in an orderly way.</summary>
public sealed record CloseTunnel(CloseReason Reason, string Text);

/// <summary>To a tunnel: its peer has opened another one, perhaps since it was switched off and has forgotten this one. Ask it whether the stream still works: who does not know it resets it.</summary>
public sealed record DoubtTunnel;

/// <summary>The peer wants the tunnel gone and waits for an answer, <see cref="Killers.AnswerToClose"/>.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="Round">Number of its request, <see cref="Killers.Killer.NoRound"/> where it cannot number it.</param>
/// <param name="Reason">Why.</param>
/// <param name="Text">Why, for people.</param>
public sealed record CloseAsked(TunnelIndex Index, uint Round, CloseReason Reason, string Text);

/// <summary>The peer has answered <see cref="Killers.AskToClose"/>, or has taken its own request back: then it does not agree to that.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="Round">Which request; null where the peer cannot tell.</param>
/// <param name="Agrees">Whether we may cut.</param>
public sealed record CloseAnswered(TunnelIndex Index, uint? Round, bool Agrees);

/// <summary>Addresses of nodes that the peer told us.</summary>
public sealed record PeersLearned(NodePrefix From, PeerAddresses Addresses);

/// <summary>Tell the peer about these nodes.</summary>
public sealed record TellPeers(PeerAddresses Addresses);

/// <summary>Tell the peer which version of the parameters is known to exist.</summary>
public sealed record TellVersion(NetworkVersion Version);

/// <summary>We have another certificate: tell the peer, now or when the tunnel is up.</summary>
public sealed record ShowCertificate(CertificateRenewal Renewal);

/// <summary>The peer says that it has another certificate. Nothing about it is checked.</summary>
/// <param name="Index">The tunnel.</param>
/// <param name="Certificate">DER, perhaps.</param>
public sealed record PeerRenewed(TunnelIndex Index, ReadOnlyMemory<byte> Certificate);

/// <summary>The peer sees us at this address.</summary>
public sealed record SeenAt(ObservedEndpoint Endpoint);

/// <summary>A link on which the routing protocol may speak.</summary>
/// <param name="Tunnel">The tunnel.</param>
/// <param name="Peer">The node at the other end.</param>
/// <param name="Actor">Takes <see cref="RoutingPacket"/>s to send.</param>
public sealed record RoutingLinkUp(TunnelIndex Tunnel, NodePrefix Peer, ActorRef Actor);

/// <summary>Published by a router that was restarted: every tunnel that is up tells it so again.</summary>
public sealed record RoutingLinksWanted;

/// <summary>The link is gone.</summary>
public sealed record RoutingLinkDown(TunnelIndex Tunnel);

/// <summary>A packet of the routing protocol: from the router to a tunnel, or from a tunnel to the router.</summary>
public sealed record RoutingPacket(TunnelIndex Tunnel, ReadOnlyMemory<byte> Packet);
