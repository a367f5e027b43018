using System.Security.Cryptography.X509Certificates;

namespace Mesh.Platform.Linux.Streams;

/// <summary>Says what is wrong with a peer's certificate.</summary>
/// <param name="der">The certificate, DER.</param>
/// <returns>A phrase for a person, or null where nothing is wrong.</returns>
public delegate string? CertificateJudge(ReadOnlyMemory<byte> der);

/// <summary>Settings of a <see cref="TlsStreamPort"/>.</summary>
public sealed record TlsStreamOptions
{
    /// <summary>Gives this node's certificate with its private key. Asked at each handshake, so a renewed one is used at once.</summary>
    public required Func<X509Certificate2> Certificate { get; init; }

    /// <summary>Judges peers' certificates: signature and dates. Nothing else does; may be called from several threads.</summary>
    public required CertificateJudge Judge { get; init; }

    /// <summary>The mark of what is sent (SO_MARK), for policy routing and firewalls; null for none. Needs CAP_NET_ADMIN.</summary>
    public uint? Mark { get; init; }

    /// <summary>The only interface through which streams go and come (SO_BINDTODEVICE); null for any.</summary>
    public string? UnderlayDevice { get; init; }

    /// <summary>The proxy through which streams are opened, socks5://HOST:PORT or http://HOST:PORT with a numeric HOST; null for none. Datagrams do not go through it.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>How long an accepted connection may take for its handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an accepted stream may wait for its owner (<see cref="Node.Ports.IStreamPort.SetOwner"/>).</summary>
    public TimeSpan HandoverTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an orderly close may take: sending what is queued and waiting for the peer's end.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the peer may leave what was sent unacknowledged before the stream is given up.</summary>
    public TimeSpan UnacknowledgedTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Accepted connections in their handshake at a time; more wait in the kernel's backlog.</summary>
    public int MaxHandshakes { get; init; } = 64;

    /// <summary>Accepted streams open at a time; more are closed at once.</summary>
    public int MaxAccepted { get; init; } = 4096;

    /// <summary>Octets that may be queued on a stream. A control frame beyond it closes the stream: whatever falls behind that far is of no use.</summary>
    public int MaxQueuedOctets { get; init; } = 1024 * 1024;

    /// <summary>Octets that may be queued on a stream for a packet still to be taken. A packet beyond it is dropped, as on any full link.</summary>
    public int MaxQueuedBeforePacket { get; init; } = 256 * 1024;

    /// <summary>Control frames read per second and stream in the long run. More are left unread, so that TCP slows the peer down.</summary>
    public int ControlFramesPerSecond { get; init; } = 1000;
}

/// <summary>What a stream port has done so far.</summary>
/// <param name="Accepted">Streams accepted, handshake and certificate in order.</param>
/// <param name="Refused">Connections not accepted: bad certificate, failed or late handshake, or too many.</param>
/// <param name="Overflowed">Streams closed because their queue was full.</param>
/// <param name="PacketsDropped">Packets dropped because a queue was full or a stream closed.</param>
public sealed record TlsStreamCounters(long Accepted, long Refused, long Overflowed, long PacketsDropped);
