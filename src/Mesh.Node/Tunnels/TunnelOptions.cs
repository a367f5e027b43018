using System.Net;
using Mesh.DataPlane;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <summary>Timers and limits of a tunnel.</summary>
public sealed record TunnelOptions
{
    /// <summary>How long TCP and TLS may take to connect. Default 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long after one address of a peer the next one is tried. Default 250 ms (RFC 8305 section 8).</summary>
    public TimeSpan ConnectStagger { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long after a change of the underlay the control stream may take to answer before another one is opened. Default 1 s.</summary>
    public TimeSpan ResumeAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the exchange of keys may take once the stream is open. Default 10 s.</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the other end may take to answer a close request. Default 5 s.</summary>
    public TimeSpan ClosingTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a tunnel that the peer wants to close still takes packets that are under way. Default 500 ms.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Interval of keep-alives on the control stream. Default 10 s.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After so many intervals without a sign of life the tunnel is given up. Default 3.</summary>
    public int MissedKeepAlives { get; init; } = 3;

    /// <summary>Interval of probes while the datagram path is not validated, for the first <see cref="FastProbes"/>. Default 300 ms.</summary>
    public TimeSpan FastProbeInterval { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How many probes are sent at the fast interval before the path counts as blocked for now. Default 10.</summary>
    public int FastProbes { get; init; } = 10;

    /// <summary>Interval of probes on a validated path; it also keeps NAT mappings alive. Default 10 s.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a probe on a validated path is as long as the longest packets while none are carried; while there are, each is. Default 1 minute.</summary>
    public TimeSpan IdleConfirmationInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Interval of attempts on a blocked path. Default 30 s.</summary>
    public TimeSpan BlockedProbeInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>So many unanswered probes in a row, and packets go into the stream. The first missing answer already shortens the interval. Default 3.</summary>
    public int LostProbes { get; init; } = 3;

    /// <summary>How long a key seals datagrams before its receiver gives out another. Each direction has its own. Default 2 minutes, which at
    /// 100 Gb/s is far below what the ciphers may seal with one key (2^60 datagrams), so no volume is counted.</summary>
    public TimeSpan RekeyInterval { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Ciphers in order of preference.</summary>
    public IReadOnlyList<SealingCipher> Ciphers { get; init; } = [SealingCipher.Aes256Gcm, SealingCipher.ChaCha20Poly1305];

    /// <summary>MTU of the underlay link, octets. Default 1500.</summary>
    public ushort LinkMtu { get; init; } = 1500;

    /// <summary>The longest inner packet that is of use: the TUN device's MTU, octets. Default 1420.</summary>
    public int DeviceMtu { get; init; } = DataPath.DefaultMtu;

    /// <summary>How often longer packets than the path was found to carry are tried again. Default 10 minutes (RFC 8899 section 5.1.1).</summary>
    public TimeSpan MtuRaiseInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>UDP port on which this machine receives datagrams, 0 for none.</summary>
    public ushort UdpPort { get; init; }

    /// <summary>The gateway's port that leads to <see cref="UdpPort"/>, or null where there is none.</summary>
    public ushort? MappedUdpPort { get; init; }

    /// <summary>The port that a peer is told to send datagrams to.</summary>
    /// <param name="peer">Where its stream comes from: from outside it comes through the gateway.</param>
    internal ushort UdpPortFor(IPAddress peer) => UdpPort != 0 && MappedUdpPort is { } mapped && AddressScope.IsPublic(peer) ? mapped : UdpPort;

    /// <summary>The data plane's name for a cipher, or null for one it does not have.</summary>
    internal static DataCipher? ToDataCipher(SealingCipher cipher) => cipher switch
    {
        SealingCipher.Aes256Gcm => DataCipher.Aes256Gcm,
        SealingCipher.ChaCha20Poly1305 => DataCipher.ChaCha20Poly1305,
        SealingCipher.Aes256Gmac => DataCipher.Aes256Gmac,
        _ => null,
    };
}
