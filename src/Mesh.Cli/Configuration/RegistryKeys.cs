using System.Collections.Immutable;
using System.Net;
using Mesh.Hocon.Schema;
using Mesh.Protocol.Registry;
using Mesh.Registry;
using Mesh.Registry.Http;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of a registry.</summary>
internal static class RegistryKeys
{
    /// <summary>Where registries listen unless they say otherwise.</summary>
    public const int DefaultPort = 6680;

    private static readonly KeySection Section = new("registry");
    private static readonly RegistryOptions Standard = new();
    private static readonly RegistryServerOptions Server = new();

    public static ConfigKey<IReadOnlyList<string>> Listen { get; } = ConfigKey.TextList("registry.listen", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Where the registry serves nodes over HTTP; it is plain HTTP, since what matters is authenticated by the protocol itself. An IPv6 address is IPv6 only.",
        Range = "ADDRESS:PORT each, at least one",
        Check = static list => list.Count > 0 && list.All(static text => IPEndPoint.TryParse(text, out _)),
        Default = [$"0.0.0.0:{DefaultPort}", $"[::]:{DefaultPort}"],
    });

    public static ConfigKey<int> PrefixLength { get; } = Section.Int("prefix-length", Standard.PrefixLength, 0, 127,
        "Length in bits of the prefix that a new token gives; 0 closes the registration by token.", "Longer leaves nodes fewer addresses, shorter leaves room for fewer nodes.");

    public static ConfigKey<int> AnonymousPrefixLength { get; } = Section.Int("anonymous-prefix-length", Standard.AnonymousPrefixLength, 0, 127,
        "Length in bits of the prefix of a node that joins without token; 0 refuses such nodes.", "Above 0 anybody may join.");

    public static ConfigKey<TimeSpan> GracePeriod { get; } = Section.Duration("grace-period", Standard.GracePeriod, 86_400, 316_224_000,
        "How long a token is good unless it says otherwise, and how long a prefix is kept after its certificate expired.", "Longer keeps prefixes of lost nodes from others.");

    public static ConfigKey<TimeSpan> CertificateLifetime { get; } = Section.Duration("certificate-lifetime", Standard.CertificateLifetime, 60, 3_162_240_000,
        "Validity of a node's certificate.", "Longer makes revocation lists longer; shorter makes nodes depend on the registry more often.");

    public static ConfigKey<TimeSpan> RenewPeriod { get; } = Section.Duration("renew-period", Standard.RenewPeriod, 1, 316_224_000,
        "A certificate is renewed when it ends within this time. Nodes ask in its last 30 days, or in the last third of its life where that is shorter.", "It is for how long the registry may be away.");

    public static ConfigKey<IReadOnlyList<string>> AuthorizedOrigins { get; } = ConfigKey.TextList("registry.authorized-origins", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Addresses from which private methods, for example to add a token, may be called over HTTP.",
        Cost = "Whoever sends from these addresses administrates the network.",
        Range = "IP addresses",
        Check = static list => list.All(static text => IPAddress.TryParse(text, out _)),
        Default = [.. Standard.AuthorizedOrigins],
    });

    public static ConfigKey<int> MinProtocol { get; } = Section.Int("min-protocol", Standard.MinProtocol, 1, RegistryOptions.Protocol,
        "Nodes with a smaller protocol number stop.", "Raising it shuts out nodes that were not updated.");

    public static ConfigKey<TimeSpan> Hello { get; } = Section.WholeSeconds("hello", Standard.Hello, 1, 600,
        "Interval of the routing protocol's Hellos on all nodes.", "Shorter notices failures sooner and costs packets on every tunnel.");

    public static ConfigKey<int> ClientCount { get; } = Section.Int("client-count", Standard.ClientCount, 1, 1000,
        "How many tunnels a node opens.", "More makes the overlay more robust, and routing costs grow with it.");

    public static ConfigKey<int> MaxClients { get; } = ConfigKey.Int("registry.max-clients", new KeyOptions<int>
    {
        Meaning = "How many tunnels a node serves. Unless set, twice registry.client-count.",
    }, min: 1, max: 10_000);

    public static ConfigKey<TimeSpan> TunnelRefresh { get; } = Section.WholeSeconds("tunnel-refresh", Standard.TunnelRefresh, 10, 86_400,
        "How often a node replaces a tunnel.", "Shorter explores better ones sooner and moves traffic more often.");

    public static ConfigKey<bool> Encrypt { get; } = ConfigKey.Boolean("registry.encrypt", new KeyOptions<bool>
    {
        Meaning = "Whether tunnels hide what they carry.",
        Cost = "Off saves some processor time, and everybody on the way can read along.",
        Default = Standard.Encrypt,
    });

    public static ConfigKey<bool> BabelAuthentication { get; } = ConfigKey.Boolean("registry.babel-authentication", new KeyOptions<bool>
    {
        Meaning = "Whether routing messages are authenticated with a key that the registry gives to every node.",
        Default = Standard.BabelAuthentication,
    });

    public static ConfigKey<TimeSpan> RotationStepTime { get; } = Section.WholeSeconds("rotation-step-time", Standard.RotationStepTime, 10, 2_592_000,
        "How long after a step of the rotation of routing keys the next one is held to be safe: until then nodes may not have heard of it.",
        "A node that misses a step for longer loses the network until it asks the registry again.");

    public static ConfigKey<string> Ipv4 { get; } = ConfigKey.Text("registry.ipv4", new KeyOptions<string>
    {
        Meaning = "IPv4 network for payload, from which each node gets a subnet by its number. Unless set, there is none.",
        Range = "ADDRESS/LENGTH without bits beyond its length, as in 10.42.0.0/16",
        Check = NetworkParameters.IsIpv4Network,
    });

    public static ConfigKey<int> Ipv4SubnetLength { get; } = Section.Int("ipv4-subnet-length", Standard.Ipv4SubnetLength, 0, 16,
        "Bits of the nodes' numbers in registry.ipv4, which needs it; 0 without registry.ipv4.", "More lets more nodes have a subnet, and makes the subnets smaller.");

    public static ConfigKey<IReadOnlyList<string>> SameCountry { get; } = ConfigKey.TextList("registry.same-country", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Countries whose nodes only have tunnels inside the country.",
        Cost = "Such a country is cut off from the rest, unless one of its nodes is reached by other ways.",
        Range = "ISO 3166 codes of two capital letters",
        Check = static list => list.All(static text => text is [>= 'A' and <= 'Z', >= 'A' and <= 'Z']),
        Default = [.. Standard.SameCountry],
    });

    public static ConfigKey<string> BabelDefault { get; } = ConfigKey.Text("registry.babel-default", new KeyOptions<string>
    {
        Meaning = "Defaults of the interfaces of the nodes' routing daemons, in the words of babeld.",
        Cost = "Nodes of re6st hand it to babeld as it is; a mistake there stops all of them.",
        Range = "1 to 500 printable characters",
        Check = static text => text.Length is > 0 and <= 500 && !text.Any(char.IsControl),
        Default = Standard.BabelDefault,
    });

    public static ConfigKey<TimeSpan> DelayRestart { get; } = ConfigKey.Duration("registry.delay-restart", new KeyOptions<TimeSpan>
    {
        Meaning = "What nodes of re6st wait before a restart that a change of parameters needs, in addition to 1 s. Unless set, it is left to them.",
        Range = "whole seconds",
        Check = static value => value.Ticks % TimeSpan.TicksPerSecond == 0,
    }, TimeSpan.Zero, TimeSpan.FromDays(1));

    public static ConfigKey<TimeSpan> AdvertisementLifetime { get; } = Section.WholeSeconds("advertisement-lifetime", Standard.AdvertisementLifetime, 10, 86_400,
        "How long the addresses are believed that nodes advertise; they refresh theirs every 3 minutes.", "");

    public static ConfigKey<int> MaxPendingSignatures { get; } = Section.Int("max-pending-signatures", Standard.MaxPendingSignatures, 1, 10_000,
        "How many signatures may be under way before further requests are refused as overload.", "");

    public static ConfigKey<int> MaxCalls { get; } = Section.Int("max-calls", Standard.MaxCalls, 1, 100_000,
        "How many calls may be under way before further ones are refused as overload.", "");

    public static ConfigKey<TimeSpan> CallTimeout { get; } = Section.WholeSeconds("call-timeout", Standard.CallTimeout, 1, 60,
        "How long a call may take before it is answered as overload.", "");

    public static ConfigKey<int> SnapshotInterval { get; } = Section.Int("snapshot-interval", Standard.SnapshotInterval, 10, 1_000_000,
        "A snapshot is taken after so many events.", "Less makes the start faster and costs disk.");

    public static ConfigKey<int> WorkThreads { get; } = Section.Int("work-threads", 2, 1, 256, "Threads that sign and encrypt.", "");

    public static ConfigKey<int> MaxConnections { get; } = Section.Int("http.max-connections", Server.MaxConnections, 1, 100_000, "Connections at a time; further ones are closed.", "");

    public static ConfigKey<TimeSpan> HeadTimeout { get; } = Section.Duration("http.head-timeout", Server.HeadTimeout, 1, 60, "How long a client may take to send the head of a request.", "");

    public static ConfigKey<TimeSpan> IdleTimeout { get; } = Section.Duration("http.idle-timeout", Server.IdleTimeout, 1, 600, "How long a connection may be idle between requests.", "");

    public static ConfigKey<int> MinAnswerRate { get; } = Section.Int("http.min-answer-rate", Server.MinAnswerRate, 1, 1_000_000_000,
        "Octets per second that a client has to take of an answer, after a grace of registry.http.head-timeout; who is slower is cut off.", "");

    public static ConfigKey<IReadOnlyList<string>> TlsEndpoints { get; } = ConfigKey.TextList("registry.http.tls-endpoints", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Where the registry serves over TLS, 1.2 or newer, besides registry.listen. Nodes do not need it, for the protocol itself proves what matters.",
        Range = "ADDRESS:PORT each",
        Check = static list => list.All(static text => IPEndPoint.TryParse(text, out _)),
        Default = [],
    });

    public static ConfigKey<string> TlsCertificate { get; } = ConfigKey.Text("registry.http.tls-certificate", new KeyOptions<string>
    {
        Meaning = "Certificate for TLS with what leads to its authority, PEM; a newer file in its place is used at once. A path that is not absolute is meant from the registry's directory.",
    });

    public static ConfigKey<string> TlsKey { get; } = ConfigKey.Text("registry.http.tls-key", new KeyOptions<string>
    {
        Meaning = "Key of registry.http.tls-certificate, PEM, not encrypted.",
    });

    public static ConfigKey<double> AnonymousRate { get; } = ConfigKey.Double("registry.http.anonymous-rate", new KeyOptions<double>
    {
        Meaning = "Requests that one address (IPv6: one /64) may send per second in the long run without being a node. Authorized origins are not limited.",
        Cost = "Some requests cost the registry a signature.",
        Default = Server.AnonymousRate,
    }, min: 0.01, max: 100_000);

    public static ConfigKey<int> AnonymousBurst { get; } = Section.Int("http.anonymous-burst", Server.AnonymousBurst, 1, 1_000_000, "Such requests that may come at once.", "");

    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        Listen, PrefixLength, AnonymousPrefixLength, GracePeriod, CertificateLifetime, RenewPeriod, AuthorizedOrigins, MinProtocol, Hello, ClientCount,
        MaxClients, TunnelRefresh, Encrypt, BabelAuthentication, RotationStepTime, Ipv4, Ipv4SubnetLength, SameCountry, BabelDefault, DelayRestart, AdvertisementLifetime, MaxPendingSignatures, MaxCalls, CallTimeout, SnapshotInterval,
        WorkThreads, MaxConnections, HeadTimeout, IdleTimeout, MinAnswerRate, TlsEndpoints, TlsCertificate, TlsKey, AnonymousRate, AnonymousBurst,
    ];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("certificate-lifetime", [CertificateLifetime, RenewPeriod], "certificates have to live longer than the period in which they are renewed", static c => c.Get(CertificateLifetime) > c.Get(RenewPeriod)),
        new("tls", [TlsEndpoints, TlsCertificate, TlsKey], "TLS needs an address, a certificate and a key, or none of them", static c =>
            c.Get(TlsEndpoints).Count > 0 == c.TryGet(TlsCertificate, out _) && c.Get(TlsEndpoints).Count > 0 == c.TryGet(TlsKey, out _)),
    ];

    /// <summary>The registry's options of a configuration; which prefixes fit is for <see cref="RegistryOptions.Validate"/>, which knows the network.</summary>
    public static RegistryOptions Map(ResolvedConfig config) => Standard with
    {
        PrefixLength = config.Get(PrefixLength),
        AnonymousPrefixLength = config.Get(AnonymousPrefixLength),
        GracePeriod = config.Get(GracePeriod),
        CertificateLifetime = config.Get(CertificateLifetime),
        RenewPeriod = config.Get(RenewPeriod),
        AuthorizedOrigins = config.Get(AuthorizedOrigins).ToImmutableSortedSet(StringComparer.Ordinal),
        MinProtocol = config.Get(MinProtocol),
        Hello = config.Get(Hello),
        ClientCount = config.Get(ClientCount),
        MaxClients = config.TryGet(MaxClients, out int clients) ? clients : null,
        TunnelRefresh = config.Get(TunnelRefresh),
        Encrypt = config.Get(Encrypt),
        BabelAuthentication = config.Get(BabelAuthentication),
        RotationStepTime = config.Get(RotationStepTime),
        Ipv4 = config.TryGet(Ipv4, out string? ipv4) ? ipv4 : null,
        Ipv4SubnetLength = config.Get(Ipv4SubnetLength),
        SameCountry = config.Get(SameCountry).ToImmutableSortedSet(StringComparer.Ordinal),
        BabelDefault = config.Get(BabelDefault),
        DelayRestart = config.TryGet(DelayRestart, out TimeSpan delay) ? delay : null,
        AdvertisementLifetime = config.Get(AdvertisementLifetime),
        MaxPendingSignatures = config.Get(MaxPendingSignatures),
        MaxCalls = config.Get(MaxCalls),
        CallTimeout = config.Get(CallTimeout),
        SnapshotInterval = config.Get(SnapshotInterval),
    };

    /// <summary>The options of the HTTP server.</summary>
    public static RegistryServerOptions MapServer(ResolvedConfig config) => Server with
    {
        Endpoints = [.. config.Get(Listen).Select(static text => IPEndPoint.Parse(text))],
        MaxConnections = config.Get(MaxConnections),
        HeadTimeout = config.Get(HeadTimeout),
        IdleTimeout = config.Get(IdleTimeout),
        MinAnswerRate = config.Get(MinAnswerRate),
        TlsEndpoints = [.. config.Get(TlsEndpoints).Select(static text => IPEndPoint.Parse(text))],
        TlsCertificate = config.TryGet(TlsCertificate, out string? certificate) ? certificate : null,
        TlsKey = config.TryGet(TlsKey, out string? key) ? key : null,
        AnonymousRate = config.Get(AnonymousRate),
        AnonymousBurst = config.Get(AnonymousBurst),
    };
}
