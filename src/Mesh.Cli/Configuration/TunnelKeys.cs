using Mesh.Hocon.Schema;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of a node's tunnels.</summary>
internal static class TunnelKeys
{
    /// <summary>Stands for all ciphers, the fastest on this machine first.</summary>
    public const string Fastest = "fastest";

    private const string Aes256Gcm = "aes-256-gcm", ChaCha20Poly1305 = "chacha20-poly1305";

    private static readonly KeySection Tunnels = new("node.tunnels"), Tunnel = new("node.tunnel");
    private static readonly TunnelsOptions Many = new() { Self = NodePrefix.Empty };
    private static readonly TunnelOptions One = new();

    public static ConfigKey<int> ClientCount { get; } = ConfigKey.Int("node.tunnels.client-count", new KeyOptions<int>
    {
        Meaning = "How many tunnels to keep open to others, until the network's parameters say otherwise.",
        Cost = "More makes the overlay more robust, and routing costs grow with it.",
        Default = Many.ClientCount,
    }, min: 1, max: 1000);

    public static ConfigKey<int> MaxClients { get; } = ConfigKey.Int("node.tunnels.max-clients", new KeyOptions<int>
    {
        Meaning = "How many tunnels of others to accept, until the network's parameters say otherwise.",
        Default = Many.MaxClients,
    }, min: 0, max: 10_000);

    public static ConfigKey<TimeSpan> Tick { get; } = Tunnels.Duration("tick", Many.Tick, 0.1, 60,
        "Interval of the look at what is missing.", "Shorter replaces lost tunnels sooner.");

    public static ConfigKey<TimeSpan> MinRetryDelay { get; } = Tunnels.Duration("min-retry-delay", Many.MinRetryDelay, 0.1, 600,
        "How long a peer whose tunnel could not be opened is left alone at first; it doubles each time.", "");

    public static ConfigKey<TimeSpan> MaxRetryDelay { get; } = Tunnels.Duration("max-retry-delay", Many.MaxRetryDelay, 1, 86_400,
        "The longest time a peer is left alone.", "Longer finds peers later that were away.");

    public static ConfigKey<TimeSpan> MaxIsolatedRetryDelay { get; } = Tunnels.Duration("max-isolated-retry-delay", Many.MaxIsolatedRetryDelay, 0.1, 86_400,
        "The longest time a peer is left alone while no tunnel is up at all, and in the first ten minutes without a route to the registry's node.", "Shorter comes back sooner after an outage, and knocks more often meanwhile.");

    public static ConfigKey<TimeSpan> MinBootstrapDelay { get; } = Tunnels.Duration("min-bootstrap-delay", Many.MinBootstrapDelay, 0.1, 3600,
        "After how long a node without any tunnel asks the registry a second time; the delay doubles up to twice the tick.", "Shorter finds peers sooner and asks the registry more often.");

    public static ConfigKey<TimeSpan> MaxMoreDelay { get; } = Tunnels.Duration("max-more-delay", Many.MaxMoreDelay, 1, 86_400,
        "How often, at the least, a node with fewer tunnels than it wants asks the registry for a peer; it begins with twice the tick.", "Shorter asks the registry more often.");

    public static ConfigKey<int> SharedPeers { get; } = ConfigKey.Int("node.tunnels.shared-peers", new KeyOptions<int>
    {
        Meaning = "How many known peers a new neighbour is told about.",
        Default = Many.SharedPeers,
    }, min: 0, max: 63);

    public static ConfigKey<bool> TellsVersion { get; } = ConfigKey.Boolean("node.tunnels.tells-version", new KeyOptions<bool>
    {
        Meaning = "Whether neighbours hear of new network parameters in the tunnels, which needs no routes, or in messages between nodes only.",
        Default = Many.TellsVersion,
    });

    public static ConfigKey<IReadOnlyList<string>> Neighbours { get; } = ConfigKey.TextList("node.tunnels.neighbours", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Nodes that this one should have a tunnel with if at all possible, by the common names of their certificates. They are tried first, and their tunnels are not replaced.",
        Cost = "Fewer tunnels are chosen at random, which is what keeps the overlay in one piece.",
        Range = "INT/LEN each, for example 2/16",
        Check = static list => list.All(static text => NodePrefix.TryParseCommonName(text, out _)),
        Default = [],
    });

    public static ConfigKey<string> Country { get; } = ConfigKey.Text("node.tunnels.country", new KeyOptions<string>
    {
        Meaning = "Code of the country that this node is in; others are told with its addresses. It matters where the network keeps the tunnels of some countries inside them. Unless set, the registry is asked then.",
        Range = "two letters",
        Check = static text => text is [>= 'A' and <= 'Z', >= 'A' and <= 'Z'],
    });

    public static ConfigKey<bool> Refresh { get; } = ConfigKey.Boolean("node.tunnels.refresh", new KeyOptions<bool>
    {
        Meaning = "Whether the tunnel that is worth least is replaced by one with another node every so often, as the network's parameters say.",
        Cost = "Without, islands that have come together stay joined by few tunnels, and newcomers get few.",
        Default = Many.Refresh,
    });

    public static ConfigKey<TimeSpan> RefreshInterval { get; } = Tunnels.Duration("refresh-interval", Many.RefreshInterval, 10, 86_400,
        "How often the tunnel that is worth least is replaced, until the network's parameters say otherwise.", "Shorter explores better ones sooner and moves traffic more often.");

    public static ConfigKey<TimeSpan> ConnectTimeout { get; } = Tunnel.Duration("connect-timeout", One.ConnectTimeout, 1, 120,
        "How long TCP and TLS may take to connect.", "");

    public static ConfigKey<TimeSpan> ConnectStagger { get; } = Tunnel.Duration("connect-stagger", One.ConnectStagger, 0.01, 10,
        "How long after one address of a peer the next one is tried (RFC 8305).", "Shorter connects sooner where the first address leads nowhere, and opens more connections in vain.");

    public static ConfigKey<TimeSpan> ResumeAfter { get; } = Tunnel.Duration("resume-after", One.ResumeAfter, 0.1, 60,
        "How long, after this machine's addresses or routes have changed, the control stream may take to answer before another one is opened.", "Shorter than the round trip opens streams in vain.");

    public static ConfigKey<TimeSpan> MtuRaiseInterval { get; } = Tunnel.Duration("mtu-raise-interval", One.MtuRaiseInterval, 10, 86_400,
        "How often longer packets than the path was found to carry are tried again (RFC 8899).", "");

    public static ConfigKey<TimeSpan> GreetingTimeout { get; } = Tunnel.Duration("greeting-timeout", One.GreetingTimeout, 1, 120,
        "How long the exchange of keys may take once the stream is open.", "");

    public static ConfigKey<TimeSpan> ClosingTimeout { get; } = Tunnel.Duration("closing-timeout", One.ClosingTimeout, 0.1, 60,
        "How long the other end may take to answer a close request.", "");

    public static ConfigKey<TimeSpan> DrainTime { get; } = Tunnel.Duration("drain-time", One.DrainTime, 0, 60,
        "How long a tunnel that the peer wants to close still takes packets that are under way.", "Shorter than the round trip loses packets when a tunnel is closed.");

    public static ConfigKey<TimeSpan> KeepAliveInterval { get; } = Tunnel.Duration("keep-alive-interval", One.KeepAliveInterval, 1, 300,
        "Interval of keep-alives on the control stream; three times as long while datagrams pass, which are probed.", "Shorter finds dead peers sooner and costs packets.");

    public static ConfigKey<int> MissedKeepAlives { get; } = ConfigKey.Int("node.tunnel.missed-keep-alives", new KeyOptions<int>
    {
        Meaning = "After so many intervals without a sign of life a tunnel is given up.",
        Cost = "1 gives tunnels up for a single lost packet.",
        Default = One.MissedKeepAlives,
    }, min: 1, max: 100);

    public static ConfigKey<TimeSpan> FastProbeInterval { get; } = Tunnel.Duration("fast-probe-interval", One.FastProbeInterval, 0.05, 10,
        "Interval of probes while it is not known whether datagrams pass.", "");

    public static ConfigKey<int> FastProbes { get; } = ConfigKey.Int("node.tunnel.fast-probes", new KeyOptions<int>
    {
        Meaning = "How many probes are sent at the fast interval before the datagram path counts as blocked for now.",
        Default = One.FastProbes,
    }, min: 1, max: 1000);

    public static ConfigKey<TimeSpan> ProbeInterval { get; } = Tunnel.Duration("probe-interval", One.ProbeInterval, 0.5, 300,
        "Interval of probes on a datagram path that works; it also keeps NAT mappings alive.", "Above 25 s many NAT boxes forget the mapping.");

    public static ConfigKey<TimeSpan> IdleConfirmationInterval { get; } = Tunnel.Duration("idle-confirmation-interval", One.IdleConfirmationInterval, 1, 3600,
        "How often one of these probes is as long as the longest packets while none are carried; where there are packets, each is.", "Longer costs less on metered links, and a path that carries less than before is noticed later.");

    public static ConfigKey<TimeSpan> BlockedProbeInterval { get; } = Tunnel.Duration("blocked-probe-interval", One.BlockedProbeInterval, 1, 3600,
        "Interval of attempts on a blocked datagram path.", "");

    public static ConfigKey<int> LostProbes { get; } = ConfigKey.Int("node.tunnel.lost-probes", new KeyOptions<int>
    {
        Meaning = "So many unanswered probes in a row, and packets go into the control stream.",
        Default = One.LostProbes,
    }, min: 1, max: 100);

    public static ConfigKey<TimeSpan> RekeyInterval { get; } = Tunnel.Duration("rekey-interval", One.RekeyInterval, 1, 86_400,
        "How long a key seals datagrams before another one takes its place.", "Shorter exposes less to whoever gets hold of a key, and costs an exchange.");

    public static ConfigKey<IReadOnlyList<string>> Ciphers { get; } = ConfigKey.TextList("node.tunnel.ciphers", new KeyOptions<IReadOnlyList<string>>
    {
        Meaning = "Ciphers of the datagrams in order of preference.",
        Range = $"{Fastest} alone, or {Aes256Gcm} and {ChaCha20Poly1305}, at least one, none twice",
        Check = static names => names is [Fastest] || (names.Count > 0 && names.All(static name => name is Aes256Gcm or ChaCha20Poly1305)
            && names.Distinct(StringComparer.Ordinal).Count() == names.Count),
        Cost = $"{Fastest} measures both when the node starts, which takes some milliseconds.",
        Default = [Fastest],
    });

    public static ConfigKey<int> LinkMtu { get; } = ConfigKey.Int("node.tunnel.link-mtu", new KeyOptions<int>
    {
        Meaning = "MTU of the link to the underlay, octets.",
        Cost = "Above the real one, long datagrams are lost or fragmented.",
        Default = One.LinkMtu,
    }, min: 1280, max: 65_535);

    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        ClientCount, MaxClients, Tick, MinRetryDelay, MaxRetryDelay, MaxIsolatedRetryDelay, MinBootstrapDelay, MaxMoreDelay, SharedPeers, TellsVersion, Neighbours, Country, Refresh, RefreshInterval, ConnectTimeout, ConnectStagger, ResumeAfter, MtuRaiseInterval, GreetingTimeout, ClosingTimeout, DrainTime, KeepAliveInterval,
        MissedKeepAlives, FastProbeInterval, FastProbes, ProbeInterval, IdleConfirmationInterval, BlockedProbeInterval, LostProbes, RekeyInterval, Ciphers, LinkMtu,
    ];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("retry-delays", [MaxRetryDelay, MinRetryDelay], "the longest delay has to be at least the first one", static c => c.Get(MaxRetryDelay) >= c.Get(MinRetryDelay)),
    ];

    /// <summary>The options of a configuration, without what only the machine knows.</summary>
    public static TunnelsOptions Map(ResolvedConfig config) => Many with
    {
        ClientCount = config.Get(ClientCount),
        MaxClients = config.Get(MaxClients),
        Tick = config.Get(Tick),
        MinRetryDelay = config.Get(MinRetryDelay),
        MaxRetryDelay = config.Get(MaxRetryDelay),
        MaxIsolatedRetryDelay = config.Get(MaxIsolatedRetryDelay),
        MinBootstrapDelay = config.Get(MinBootstrapDelay),
        MaxMoreDelay = config.Get(MaxMoreDelay),
        SharedPeers = config.Get(SharedPeers),
        TellsVersion = config.Get(TellsVersion),
        Neighbours = config.Get(Neighbours).Select(static text => NodePrefix.ParseCommonName(text)).ToHashSet(),
        Country = config.TryGet(Country, out string? country) ? country : null,
        Refresh = config.Get(Refresh),
        RefreshInterval = config.Get(RefreshInterval),
        Tunnel = new TunnelOptions
        {
            ConnectTimeout = config.Get(ConnectTimeout),
            ConnectStagger = config.Get(ConnectStagger),
            ResumeAfter = config.Get(ResumeAfter),
            MtuRaiseInterval = config.Get(MtuRaiseInterval),
            DeviceMtu = config.Get(NodeKeys.DeviceMtu),
            GreetingTimeout = config.Get(GreetingTimeout),
            ClosingTimeout = config.Get(ClosingTimeout),
            DrainTime = config.Get(DrainTime),
            KeepAliveInterval = config.Get(KeepAliveInterval),
            MissedKeepAlives = config.Get(MissedKeepAlives),
            FastProbeInterval = config.Get(FastProbeInterval),
            FastProbes = config.Get(FastProbes),
            ProbeInterval = config.Get(ProbeInterval),
            IdleConfirmationInterval = config.Get(IdleConfirmationInterval),
            BlockedProbeInterval = config.Get(BlockedProbeInterval),
            LostProbes = config.Get(LostProbes),
            RekeyInterval = config.Get(RekeyInterval),
            Ciphers = config.Get(Ciphers) is [Fastest] ? One.Ciphers : [.. config.Get(Ciphers).Select(static name => name == Aes256Gcm ? SealingCipher.Aes256Gcm : SealingCipher.ChaCha20Poly1305)],
            LinkMtu = (ushort)config.Get(LinkMtu),
        },
    };
}
