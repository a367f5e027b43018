using System.Globalization;
using Mesh.Hocon.Schema;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Platform.Linux.OpenVpn;
using Mesh.Platform.Linux.Tun;
using Mesh.Protocol.Addressing;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of a node's tunnels of OpenVPN.</summary>
internal static class OpenVpnKeys
{
    private const string Protocols = "udp, tcp, udp6, tcp6";
    private const int MaxPrefixLength = TunDevice.MaxNameLength - 8;   // a dash, and the number of a tunnel

    private static readonly KeySection Section = new("node.openvpn");
    private static readonly OpenVpnOptions Standard = new();

    public static ConfigKey<bool> Enabled { get; } = ConfigKey.Boolean("node.openvpn.enabled", new KeyOptions<bool>
    {
        Meaning = "Whether tunnels of OpenVPN are opened and accepted, as nodes of re6st do. A peer that can be reached natively is not dialled by OpenVPN.",
        Cost = "A process and a TAP device for each tunnel that this node opens; and the kernel forwards IPv6 packets between devices while the node runs (net.ipv6.conf.all.forwarding).",
        Default = false,
    });

    public static ConfigKey<string> Program { get; } = ConfigKey.Text("node.openvpn.program", new KeyOptions<string>
    {
        Meaning = "The OpenVPN program, version 2.4 or later: a path, or a name that is looked for.",
        Range = "not empty",
        Check = static text => text.Length > 0,
        Default = new OpenVpnPortOptions { Version = default, Files = new OpenVpnFiles("", "", ""), RunDirectory = "" }.Program,
    });

    public static ConfigKey<IReadOnlyList<string>> Listen { get; } = ConfigKey.TextList("node.openvpn.listen", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "PORT/PROTOCOL each: where tunnels of OpenVPN are accepted, on all addresses of the family, and advertised at the addresses in node.advertise and those that node.advertise-own says. "
            + "Disabled protocols are passed over.",
        Range = $"PORT/PROTOCOL, each of {Protocols} once at most",
        Check = static list => list.All(static text => TryParseListen(text, out _)) && list.Select(static text => text.Split('/')[^1]).Distinct(StringComparer.Ordinal).Count() == list.Count,
        Default = ["1194/udp", "1194/tcp"],
    });

    public static ConfigKey<IReadOnlyList<string>> Disabled { get; } = ConfigKey.TextList("node.openvpn.disabled-protocols", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Protocols by which tunnels of OpenVPN are neither accepted nor opened.",
        Cost = "Over UDP a tunnel is faster where much is lost; OpenVPN does not find out how long packets may be on the way.",
        Range = Protocols,
        Check = static names => names.All(static name => TryParseProtocol(name, out _)),
        Default = [.. Standard.Disabled.Select(static protocol => protocol.Name())],
    });

    public static ConfigKey<string> DevicePrefix { get; } = ConfigKey.Text("node.openvpn.device-prefix", new KeyOptions<string>
    {
        Meaning = "Begin of the names of TAP devices. Two nodes on one machine need different ones.",
        Range = $"1 to {MaxPrefixLength} letters and digits",
        Check = static name => name.Length is > 0 and <= MaxPrefixLength && name.All(char.IsAsciiLetterOrDigit),
        Default = Standard.DevicePrefix,
    });

    public static ConfigKey<TimeSpan> ConnectTimeout { get; } = Section.Duration("connect-timeout", Standard.ConnectTimeout, 5, 600,
        "How long a tunnel of OpenVPN may take to come up.", "");

    public static ConfigKey<TimeSpan> DrainTime { get; } = Section.Duration("drain-time", Standard.DrainTime, 0, 60,
        "How long what is under way may still arrive after the routes have left a tunnel that is to be closed.", "Shorter than the round trip loses packets when a tunnel is closed.");

    public static ConfigKey<TimeSpan> ClosingTimeout { get; } = Section.Duration("closing-timeout", Standard.ClosingTimeout, 1, 120,
        "How long OpenVPN may take to end a connection.", "");

    public static ConfigKey<TimeSpan> MinRestartDelay { get; } = Section.Duration("min-restart-delay", Standard.MinRestartDelay, 0.1, 600,
        "How long a server that has ended stays away at first; it doubles each time.", "");

    public static ConfigKey<TimeSpan> MaxRestartDelay { get; } = Section.Duration("max-restart-delay", Standard.MaxRestartDelay, 1, 3600,
        "The longest time that a server stays away.", "");

    public static IReadOnlyList<ConfigKey> All { get; } = [Enabled, Program, Listen, Disabled, DevicePrefix, ConnectTimeout, DrainTime, ClosingTimeout, MinRestartDelay, MaxRestartDelay];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("openvpn-restarts", [MaxRestartDelay, MinRestartDelay], "the longest delay has to be at least the first one", static c => c.Get(MaxRestartDelay) >= c.Get(MinRestartDelay)),
    ];

    /// <summary>The options of a configuration, or null where OpenVPN is not used.</summary>
    public static OpenVpnOptions? Map(ResolvedConfig config) => !config.Get(Enabled) ? null : Standard with
    {
        Servers = [.. config.Get(Listen).Select(static text => TryParseListen(text, out OpenVpnListen? listen) ? listen : throw new FormatException(text))],
        Disabled = config.Get(Disabled).Select(static name => TryParseProtocol(name, out AddressProtocol protocol) ? protocol : throw new FormatException(name)).ToHashSet(),
        DevicePrefix = config.Get(DevicePrefix),
        ConnectTimeout = config.Get(ConnectTimeout),
        DrainTime = config.Get(DrainTime),
        ClosingTimeout = config.Get(ClosingTimeout),
        MinRestartDelay = config.Get(MinRestartDelay),
        MaxRestartDelay = config.Get(MaxRestartDelay),
    };

    private static bool TryParseListen(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out OpenVpnListen? listen)
    {
        string[] parts = text.Split('/');
        listen = parts.Length == 2 && ushort.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port != 0 && TryParseProtocol(parts[1], out AddressProtocol protocol)
            ? new OpenVpnListen(port, protocol)
            : null;
        return listen is not null;
    }

    private static bool TryParseProtocol(string name, out AddressProtocol protocol) =>
        AddressProtocolNames.TryParse(name, out protocol) && protocol != AddressProtocol.Mesh && protocol.Name() == name;
}
