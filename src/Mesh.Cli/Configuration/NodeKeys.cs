using System.Net;
using Mesh.DataPlane;
using Mesh.Hocon.Schema;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Streams;
using Mesh.Platform.Linux.Tun;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of a node, apart from those of its tunnels and of routing.</summary>
internal static class NodeKeys
{
    /// <summary>Where nodes accept tunnels unless they say otherwise.</summary>
    public const int DefaultPort = 6626;

    private static readonly LinuxDataPlaneOptions Plane = new();
    private static readonly TlsStreamOptions Tls = new() { Certificate = static () => throw new InvalidOperationException(), Judge = static _ => null };

    public static ConfigKey<Uri> Registry { get; } = ConfigKey.Url("node.registry", new KeyOptions<Uri>
    {
        Meaning = "Base URL of the network's registry. Joining writes it into node.conf in the node's directory; a node does not run without it.",
    });

    public static ConfigKey<IPEndPoint> Listen { get; } = ConfigKey.EndPoint("node.listen", new KeyOptions<IPEndPoint>
    {
        Meaning = "Where tunnels of other nodes are accepted: streams over TCP and datagrams over UDP, on the same port; [::] takes IPv4 too.",
        Default = new IPEndPoint(IPAddress.IPv6Any, DefaultPort),
    });

    public static ConfigKey<bool> Accept { get; } = ConfigKey.Boolean("node.accept", new KeyOptions<bool>
    {
        Meaning = "Whether tunnels of other nodes are accepted at all.",
        Cost = "Without, this node only reaches nodes that accept some.",
        Default = true,
    });

    public static ConfigKey<IReadOnlyList<string>> Advertise { get; } = ConfigKey.TextList("node.advertise", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "ADDRESS:PORT each: where others can reach this node from outside, for example through a port that a router forwards. "
            + "The machine's own addresses need not stand here, see advertise-own.",
        Range = $"ADDRESS:PORT, at most {AddressList.MaxCount}",
        Check = static list => list.Count <= AddressList.MaxCount && list.All(static text => AdvertisedEndPoint.TryParse(text, out _)),
        Default = [],
    });

    public static ConfigKey<OwnAddresses> AdvertiseOwn { get; } = ConfigKey.Enum("node.advertise-own", new KeyOptions<OwnAddresses>
    {
        Meaning = "Which addresses of the machine itself are advertised beside those in node.advertise: those that are reachable in the whole Internet (public), "
            + "private ones too (all), which is right where the underlay is a private network, or none.",
        Cost = "Others lose time with private addresses that they cannot reach. A network in which no node advertises any address cannot come together.",
        Default = OwnAddresses.Public,
    });

    public static ConfigKey<string> DeviceName { get; } = ConfigKey.Text("node.device.name", new KeyOptions<string>
    {
        Meaning = "Name of the TUN device; %d in it becomes the first free number.",
        Range = $"1 to {TunDevice.MaxNameLength} ASCII characters without blanks and slashes",
        Check = static name => name.Length is > 0 and <= TunDevice.MaxNameLength && name.All(static c => c is > ' ' and < '\x7f' and not '/'),
        Default = Plane.DeviceName,
    });

    public static ConfigKey<int> DeviceMtu { get; } = ConfigKey.Int("node.device.mtu", new KeyOptions<int>
    {
        Meaning = "MTU of the TUN device, octets: the longest packet that this machine sends into the overlay.",
        Cost = "Above what a tunnel carries, packets too big are answered with an ICMPv6 error, and senders adapt.",
        Default = Plane.DeviceMtu,
    }, min: 1280, max: 65_535);

    public static ConfigKey<long> SocketBuffer { get; } = ConfigKey.Size("node.data-plane.socket-buffer", new KeyOptions<long>
    {
        Meaning = "Room that the kernel is asked for to hold datagrams, each way.",
        Cost = "More rides out longer bursts and takes that much memory.",
        Default = Plane.SocketBufferOctets,
    }, min: 64 * 1024, max: 1024 * 1024 * 1024);

    public static ConfigKey<bool> Offload { get; } = ConfigKey.Boolean("node.data-plane.offload", new KeyOptions<bool>
    {
        Meaning = "Whether the kernel hands over and takes many packets in one call (segmentation offload), as far as it can.",
        Cost = "Without it, packets go one by one and throughput drops to a fifth; for finding faults.",
        Default = Plane.Offload,
    });

    public static ConfigKey<int> RekeyPackets { get; } = ConfigKey.Int("node.data-plane.rekey-packets", new KeyOptions<int>
    {
        Meaning = "How many datagrams a key seals before another one takes its place, even if node.tunnel.rekey-interval is not over.",
        Cost = "QUIC gives a key of AES-GCM no more than 8388608 packets (RFC 9001 section 6.6).",
        Default = (int)DataPlaneOptions.Default.WornAfter,
    }, min: 1000, max: 1_000_000_000);

    public static ConfigKey<bool> Gateway { get; } = ConfigKey.Boolean("node.gateway", new KeyOptions<bool>
    {
        Meaning = "Whether this node is a way out of the network: it announces ::/0 for packets from the network, and this machine forwards them.",
        Cost = "Makes this machine an IPv6 router. The world needs a route back to the network through it; no packet filter is set.",
        Default = false,
    });

    public static ConfigKey<IReadOnlyList<string>> Interfaces { get; } = ConfigKey.TextList("node.interfaces", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Interfaces of this machine on whose LAN there are other nodes of the network: routes are exchanged there, and packets go to them without tunnels, as with -i of re6st. "
            + "One that does not exist is waited for.",
        Cost = "Packets are not encrypted on the LAN, and the kernel forwards IPv6 packets between devices while the node runs (net.ipv6.conf.all.forwarding). Without a key for routing packets, "
            + "whoever is on the LAN can change the routes.",
        Range = $"names of 1 to {TunDevice.MaxNameLength} ASCII characters without blanks, slashes and colons, each once",
        Check = static names => names.All(IsInterfaceName) && names.Distinct(StringComparer.Ordinal).Count() == names.Count,
        Default = [],
    });

    public static ConfigKey<int> Mark { get; } = ConfigKey.Int("node.underlay.mark", new KeyOptions<int>
    {
        Meaning = "Mark of all packets that go into the underlay (SO_MARK), for policy routing and firewalls; 0 for none.",
        Default = 0,
    }, min: 0, max: int.MaxValue);

    public static ConfigKey<string> UnderlayDevice { get; } = ConfigKey.Text("node.underlay.device", new KeyOptions<string>
    {
        Meaning = "The only interface through which tunnels go and come (SO_BINDTODEVICE); empty for whatever the routes say.",
        Range = $"empty, or 1 to {TunDevice.MaxNameLength} ASCII characters without blanks and slashes",
        Check = static name => name.Length <= TunDevice.MaxNameLength && name.All(static c => c is > ' ' and < '\x7f' and not '/'),
        Default = "",
    });

    public static ConfigKey<string> Proxy { get; } = ConfigKey.Text("node.underlay.proxy", new KeyOptions<string>
    {
        Meaning = "The proxy through which this node opens the control streams of tunnels; empty for none. Data goes past it in datagrams where they pass, and else in the stream.",
        Range = "empty, socks5://HOST:PORT or http://HOST:PORT, HOST a numeric address",
        Check = static text => text.Length == 0 || (Uri.TryCreate(text, UriKind.Absolute, out Uri? proxy) && proxy is { Scheme: "socks5" or "http", UserInfo: "", PathAndQuery: "/" or "", Port: > 0 }
            && System.Net.IPAddress.TryParse(proxy.DnsSafeHost, out _)),
        Default = "",
    });

    public static ConfigKey<int> IcmpErrorsPerSecond { get; } = ConfigKey.Int("node.data-plane.icmp-errors-per-second", new KeyOptions<int>
    {
        Meaning = "ICMPv6 errors sent per second in the long run (RFC 4443 section 2.4 (f)).",
        Default = DataPlaneOptions.Default.IcmpErrorsPerSecond,
    }, min: 1, max: 100_000);

    public static ConfigKey<int> IcmpErrorBurst { get; } = ConfigKey.Int("node.data-plane.icmp-error-burst", new KeyOptions<int>
    {
        Meaning = "ICMPv6 errors sent at once after a quiet time.",
        Default = DataPlaneOptions.Default.IcmpErrorBurst,
    }, min: 1, max: 100_000);

    public static ConfigKey<TimeSpan> HandshakeTimeout { get; } = ConfigKey.Duration("node.streams.handshake-timeout", new KeyOptions<TimeSpan>
    {
        Meaning = "How long an accepted connection may take for its handshake.",
        Default = Tls.HandshakeTimeout,
    }, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    public static ConfigKey<int> MaxHandshakes { get; } = ConfigKey.Int("node.streams.max-handshakes", new KeyOptions<int>
    {
        Meaning = "Accepted connections in their handshake at a time; more wait in the kernel's backlog.",
        Cost = "More lets strangers keep more of the processor busy.",
        Default = Tls.MaxHandshakes,
    }, min: 1, max: 4096);

    public static ConfigKey<int> MaxAccepted { get; } = ConfigKey.Int("node.streams.max-accepted", new KeyOptions<int>
    {
        Meaning = "Accepted streams open at a time; more are closed at once.",
        Default = Tls.MaxAccepted,
    }, min: 1, max: 65_535);

    public static ConfigKey<long> MaxQueued { get; } = ConfigKey.Size("node.streams.max-queued", new KeyOptions<long>
    {
        Meaning = "Octets that may be queued on a stream before it is closed, because its peer is too slow.",
        Cost = "So much memory for each slow peer.",
        Default = Tls.MaxQueuedOctets,
    }, min: 256 * 1024, max: 64 * 1024 * 1024);

    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        Registry, Listen, Accept, Advertise, AdvertiseOwn, DeviceName, DeviceMtu, SocketBuffer, Offload, RekeyPackets, Gateway, Interfaces, Mark, UnderlayDevice, Proxy, IcmpErrorsPerSecond, IcmpErrorBurst,
        HandshakeTimeout, MaxHandshakes, MaxAccepted, MaxQueued,
    ];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("lan-interfaces", [Interfaces, DeviceName], "the node's own TUN device is no interface of a LAN", static c => !c.Get(Interfaces).Contains(c.Get(DeviceName), StringComparer.Ordinal)),
    ];

    /// <summary>Whether the kernel might give an interface this name (dev_valid_name in Linux).</summary>
    public static bool IsInterfaceName(string name) =>
        name.Length is > 0 and <= TunDevice.MaxNameLength && name is not ("." or "..") && name.All(static c => c is > ' ' and < '\x7f' and not ('/' or ':'));
}
