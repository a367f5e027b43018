using System.Net;
using System.Net.Sockets;
using Mesh.Hocon.Schema;
using Mesh.Node.PortMapping;
using Mesh.Platform.Linux.PortMapping;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of mapped ports: how a node behind a NAT router is reached.</summary>
internal static class PortMappingKeys
{
    private const string Pcp = "pcp", NatPmp = "nat-pmp", Upnp = "upnp";

    private static readonly KeySection Section = new("node.port-mapping");
    private static readonly PortMappingOptions Standard = new() { Ports = [] };

    public static ConfigKey<bool> Enabled { get; } = ConfigKey.Boolean("node.port-mapping.enabled", new KeyOptions<bool>
    {
        Meaning = "Whether the gateway of a private network is asked to map the ports at which this node accepts tunnels, so that others reach it from outside. "
            + "Its external address is advertised then. A machine with a public address asks nobody.",
        Cost = "Without, a node behind NAT has tunnels only with nodes that are not, unless the router is set up by hand (node.advertise).",
        Default = true,
    });

    public static ConfigKey<IReadOnlyList<string>> Methods { get; } = ConfigKey.TextList("node.port-mapping.methods", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = $"How the gateway is asked, in the order in which it is tried; what worked the last time comes first. {Upnp} needs the tool upnpc (Debian: miniupnpc).",
        Cost = "UPnP proves nothing about who asks or answers; only a device at the gateway's own address is asked.",
        Range = $"{Pcp}, {NatPmp} and {Upnp}, at least one, none twice",
        Check = static names => names.Count > 0 && names.All(static name => MethodOf(name) is not null) && names.Distinct(StringComparer.Ordinal).Count() == names.Count,
        Default = [Pcp, NatPmp, Upnp],
    });

    public static ConfigKey<string> Gateway { get; } = ConfigKey.Text("node.port-mapping.gateway", new KeyOptions<string>
    {
        Meaning = "The IPv4 address of the gateway; empty for where the default route leads.",
        Range = "empty, or an IPv4 address",
        Check = static text => text.Length == 0 || (text.Count(static c => c == '.') == 3 && IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork),
        Default = "",
    });

    public static ConfigKey<string> Program { get; } = ConfigKey.Text("node.port-mapping.upnpc", new KeyOptions<string>
    {
        Meaning = "The tool that speaks UPnP: a path, or a name that is looked for. Without it that method is passed over.",
        Range = "not empty",
        Check = static text => text.Length > 0,
        Default = new PortMappingPortOptions().Program,
    });

    public static ConfigKey<TimeSpan> Lifetime { get; } = Section.Duration("lifetime", Standard.Lifetime, 120, 86_400,
        "How long the gateway is asked to keep a mapping; it is renewed at half of what is given.", "Longer leaves mappings of crashed nodes behind for longer.");

    public static ConfigKey<TimeSpan> CheckInterval { get; } = Section.Duration("check-interval", Standard.CheckInterval, 10, 3600,
        "How often the gateway is asked whether it has lost its state meanwhile.", "Longer is away for longer after a restart of a gateway that does not announce it.");

    public static ConfigKey<TimeSpan> MinRetryDelay { get; } = Section.Duration("min-retry-delay", Standard.MinRetryDelay, 1, 3600,
        "After how long it is tried again where no gateway maps ports; it doubles each time.", "");

    public static ConfigKey<TimeSpan> MaxRetryDelay { get; } = Section.Duration("max-retry-delay", Standard.MaxRetryDelay, 1, 86_400,
        "The longest time until it is tried again.", "");

    public static IReadOnlyList<ConfigKey> All { get; } = [Enabled, Methods, Gateway, Program, Lifetime, CheckInterval, MinRetryDelay, MaxRetryDelay];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("port-mapping-retries", [MaxRetryDelay, MinRetryDelay], "the longest delay has to be at least the first one", static c => c.Get(MaxRetryDelay) >= c.Get(MinRetryDelay)),
    ];

    /// <summary>The options of a configuration, or null where no ports are mapped.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="ports">What is to be mapped.</param>
    public static PortMappingOptions? Map(ResolvedConfig config, IReadOnlyList<PortToMap> ports) => !config.Get(Enabled) || ports.Count == 0 ? null : Standard with
    {
        Ports = ports,
        Methods = [.. config.Get(Methods).Select(static name => MethodOf(name) ?? throw new FormatException(name))],
        Lifetime = config.Get(Lifetime),
        CheckInterval = config.Get(CheckInterval),
        MinRetryDelay = config.Get(MinRetryDelay),
        MaxRetryDelay = config.Get(MaxRetryDelay),
        AcceptsPrivate = config.Get(NodeKeys.AdvertiseOwn) == OwnAddresses.All,
    };

    /// <summary>How a method is called here.</summary>
    public static string NameOf(PortMappingMethod method) => method switch { PortMappingMethod.Pcp => Pcp, PortMappingMethod.NatPmp => NatPmp, _ => Upnp };

    private static PortMappingMethod? MethodOf(string name) => name switch { Pcp => PortMappingMethod.Pcp, NatPmp => PortMappingMethod.NatPmp, Upnp => PortMappingMethod.Upnp, _ => null };
}
