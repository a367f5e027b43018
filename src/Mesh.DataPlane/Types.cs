using System.Net;

namespace Mesh.DataPlane;

/// <summary>Names a tunnel of this machine to the data plane, and is the receiver index in the datagrams sent to us.</summary>
public readonly record struct TunnelIndex(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"tunnel-{Value}";
}

/// <summary>Names one control stream of this machine. Unique for the life of the process; 0 is never used.</summary>
public readonly record struct StreamId(long Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"stream-{Value}";
}

/// <summary>What a sealed datagram carries: its first plaintext octet where that is not the first octet of an IP packet.</summary>
public enum InnerKind : byte
{
    /// <summary>A path probe; the receiver echoes it.</summary>
    Probe = 1,

    /// <summary>The answer to a probe.</summary>
    ProbeReply = 2,

    /// <summary>A Babel packet (RFC 8966), as the payload of the UDP datagram it would be on a LAN.</summary>
    Babel = 3,
}

/// <summary>Keys of a tunnel's datagrams.</summary>
/// <remarks>Setting keys again replaces only what differs: an unchanged send key goes on with its counter (a nonce is never used twice), an
/// unchanged receive key with its replay window. So a rekey without loss is: accept the new receive key while still sending with the old one,
/// tell the peer, and change the send key when the peer's answer says that it accepts it.</remarks>
/// <param name="ReceiverIndex">The index the peer wants to see on what we send.</param>
/// <param name="SendKey">32 octets, chosen by the peer.</param>
/// <param name="ReceiveKey">32 octets, chosen by us.</param>
/// <param name="Cipher">Which AEAD both ends use.</param>
public sealed record DataKeys(uint ReceiverIndex, ReadOnlyMemory<byte> SendKey, ReadOnlyMemory<byte> ReceiveKey, DataCipher Cipher);

/// <summary>How a tunnel's datagrams are protected.</summary>
public enum DataCipher : byte
{
    /// <summary>AES-256-GCM.</summary>
    Aes256Gcm = 1,

    /// <summary>ChaCha20-Poly1305.</summary>
    ChaCha20Poly1305 = 2,

    /// <summary>GMAC with AES-256: packets are authenticated, not hidden. For networks whose parameter <c>encrypt</c> is false.</summary>
    Aes256Gmac = 3,
}

/// <summary>How a tunnel's packets leave.</summary>
public abstract record DataPath
{
    private DataPath() { }

    /// <summary>Nowhere yet: packets are dropped and counted.</summary>
    public sealed record None : DataPath;

    /// <summary>Inside the control stream <paramref name="Id"/>, which TLS protects.</summary>
    public sealed record Stream(StreamId Id) : DataPath;

    /// <summary>Sealed, in UDP datagrams to <paramref name="Remote"/>.</summary>
    /// <param name="Remote">Where the peer receives.</param>
    /// <param name="Mtu">The longest inner packet that fits the path, in octets, 1280..65,535. A longer one is answered with Packet Too Big.</param>
    public sealed record Datagram(IPEndPoint Remote, int Mtu = DefaultMtu) : DataPath;

    /// <summary>The inner MTU of a path nothing is known about: an Ethernet less IPv6, UDP and sealing, rounded down.</summary>
    public const int DefaultMtu = 1420;
}
