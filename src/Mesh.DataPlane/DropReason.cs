namespace Mesh.DataPlane;

/// <summary>Why a packet, a datagram or a control payload went no further. Each is counted.</summary>
public enum DropReason
{
    /// <summary>Not a whole IPv6 packet.</summary>
    MalformedPacket,

    /// <summary>An IPv4 packet; the overlay carries IPv6.</summary>
    IPv4Packet,

    /// <summary>The host sent from an address that is not this machine's.</summary>
    SourceNotOurs,

    /// <summary>A source or destination that is never routed: unspecified, loopback, IPv4-mapped, link-local, or a multicast source.</summary>
    Martian,

    /// <summary>To a multicast group; the overlay carries none.</summary>
    Multicast,

    /// <summary>No route, or an unreachable one.</summary>
    NoRoute,

    /// <summary>A route that says to drop.</summary>
    Blackhole,

    /// <summary>The host sent to an address of its own prefix that it does not have.</summary>
    NoSuchLocalAddress,

    /// <summary>The route leads back into the tunnel the packet came from.</summary>
    BackToSender,

    /// <summary>The hop limit ran out.</summary>
    HopLimitExceeded,

    /// <summary>Longer than the path carries.</summary>
    PacketTooBig,

    /// <summary>A route through a tunnel that does not exist.</summary>
    NoTunnel,

    /// <summary>The tunnel has no path yet.</summary>
    NoPath,

    /// <summary>The tunnel has no keys yet.</summary>
    NoKeys,

    /// <summary>The send key has sealed all it may.</summary>
    KeyUsedUp,

    /// <summary>The host's queue took no more.</summary>
    HostRefused,

    /// <summary>The socket took no more.</summary>
    DatagramRefused,

    /// <summary>The stream's queue took no more, or the stream is closed.</summary>
    StreamRefused,

    /// <summary>Too short for a sealed datagram, or a counter that no sender uses.</summary>
    MalformedDatagram,

    /// <summary>For a tunnel that is not here.</summary>
    UnknownReceiver,

    /// <summary>Not sealed by the peer, or changed on the way.</summary>
    NotAuthentic,

    /// <summary>A datagram that came before.</summary>
    Replayed,

    /// <summary>A datagram too late to tell whether it came before.</summary>
    TooOld,

    /// <summary>A control payload of a kind that this version does not know.</summary>
    UnknownKind,

    /// <summary>From a stream that is bound to no tunnel.</summary>
    UnboundStream,
}
