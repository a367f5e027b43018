using Mesh.Babel;
using Mesh.Hocon.Schema;

namespace Mesh.Cli.Configuration;

/// <summary>Keys of the routing speaker.</summary>
internal static class BabelKeys
{
    private static readonly KeySection Section = new("node.babel");
    private static readonly BabelOptions Standard = new();

    public static ConfigKey<TimeSpan> SmoothingHalfLife { get; } = Section.Duration("smoothing-half-life", Standard.SmoothingHalfLife, 0, 3600,
        "Half-life of the smoothed metric that a better route must wait for; 0s does not smooth.", "Longer means fewer and later switches.");

    public static ConfigKey<TimeSpan> UrgentDelay { get; } = Section.Duration("urgent-delay", Standard.UrgentDelay, 0, 1,
        "Nominal delay of urgent updates (RFC 8966 appendix B allows 200 ms).", "Shorter lets a retraction cross the network faster, longer puts more of them into one packet.");

    public static ConfigKey<TimeSpan> NormalDelay { get; } = Section.Duration("normal-delay", Standard.NormalDelay, 0, 60,
        "Nominal delay of other triggered updates.", "Shorter converges faster and costs packets.");

    public static ConfigKey<TimeSpan> NewsPause { get; } = Section.Duration("news-pause", Standard.NewsPause, 0, 60,
        "How often an interface sends updates about destinations that are new, in the long run. Retractions do not wait for it.", "Longer puts more of them into one packet while a network comes up, and new nodes are reached later.");

    public static ConfigKey<int> NewsBurst { get; } = Section.Int("news-burst", Standard.NewsBurst, 1, 1000,
        "How many such updates may leave after a quiet time before that holds.", "");

    public static ConfigKey<int> Resends { get; } = Section.Int("resends", Standard.Resends, 0, 10,
        "How often a retraction or an own seqno request is repeated; the pause doubles each time.", "");

    public static ConfigKey<TimeSpan> ResendDelay { get; } = Section.Duration("resend-delay", Standard.ResendDelay, 0.01, 60, "Pause before the first repetition.", "");

    public static ConfigKey<TimeSpan> SourceLifetime { get; } = Section.Duration("source-lifetime", Standard.SourceLifetime, 1, 86_400,
        "How long a feasibility distance outlives the last update sent with it (RFC 8966 appendix B).", "Too short can make loops for a moment after a loss of updates.");

    public static ConfigKey<TimeSpan> WildcardPause { get; } = Section.Duration("wildcard-pause", Standard.WildcardPause, 0, 3600,
        "A neighbour gets the whole table on request at most once in this time.", "Shorter lets a neighbour cause more traffic.");

    public static ConfigKey<TimeSpan> ForwardPause { get; } = Section.Duration("forward-pause", Standard.ForwardPause, 0, 3600,
        "An equal or older seqno request is not forwarded again within this time.", "");

    public static ConfigKey<TimeSpan> RequestLifetime { get; } = Section.Duration("request-lifetime", Standard.RequestLifetime, 0, 3600,
        "How long a forwarded request is remembered, so that its answer goes back at once.", "");

    public static ConfigKey<int> BurstPackets { get; } = Section.Int("burst-packets", Standard.BurstPackets, 1, 10_000,
        "Packets of updates sent back to back to one destination before pausing.", "More can overrun the receiver's socket.");

    public static ConfigKey<TimeSpan> BurstPause { get; } = Section.Duration("burst-pause", Standard.BurstPause, 0.001, 10, "That pause.", "");

    public static ConfigKey<int> RequestHopCount { get; } = Section.Int("request-hop-count", Standard.RequestHopCount, 1, 255,
        "Hop count of own seqno requests.", "It bounds the diameter of the network.");

    public static ConfigKey<int> MaxPrefixes { get; } = Section.Int("max-prefixes", Standard.MaxPrefixes, 1, 1 << 24, "Prefixes known at a time, our own included.", "Memory.");

    public static ConfigKey<int> MaxRoutes { get; } = Section.Int("max-routes", Standard.MaxRoutes, 1, 1 << 28, "Routes (prefix and neighbour) known at a time.", "Memory.");

    public static ConfigKey<int> MaxSources { get; } = Section.Int("max-sources", Standard.MaxSources, 1, 1 << 26,
        "Feasibility distances (prefix and router-id) known at a time.", "An update that would need one more is not sent.");

    public static ConfigKey<int> MaxNeighbours { get; } = Section.Int("max-neighbours", Standard.MaxNeighbours, 1, ushort.MaxValue, "Neighbours known at a time.", "Memory.");

    public static ConfigKey<int> MaxPendingRequests { get; } = Section.Int("max-pending-requests", Standard.MaxPendingRequests, 1, 1 << 24,
        "Seqno requests remembered at a time, own and forwarded.", "Memory.");

    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        SmoothingHalfLife, UrgentDelay, NormalDelay, NewsPause, NewsBurst, Resends, ResendDelay, SourceLifetime, WildcardPause, ForwardPause, RequestLifetime, BurstPackets, BurstPause, RequestHopCount, MaxPrefixes, MaxRoutes, MaxSources,
        MaxNeighbours, MaxPendingRequests,
    ];

    public static IReadOnlyList<ConfigRule> Rules { get; } =
    [
        new("babel-delays", [NormalDelay, UrgentDelay], "the delay of normal updates has to be at least that of urgent ones", static c => c.Get(NormalDelay) >= c.Get(UrgentDelay)),
        new("babel-requests", [RequestLifetime, ForwardPause], "requests have to be remembered at least as long as they are not forwarded again", static c => c.Get(RequestLifetime) >= c.Get(ForwardPause)),
    ];

    /// <summary>The options of a configuration.</summary>
    public static BabelOptions Map(ResolvedConfig config) => Standard with
    {
        SmoothingHalfLife = config.Get(SmoothingHalfLife),
        UrgentDelay = config.Get(UrgentDelay),
        NormalDelay = config.Get(NormalDelay),
        NewsPause = config.Get(NewsPause),
        NewsBurst = config.Get(NewsBurst),
        Resends = config.Get(Resends),
        ResendDelay = config.Get(ResendDelay),
        SourceLifetime = config.Get(SourceLifetime),
        WildcardPause = config.Get(WildcardPause),
        ForwardPause = config.Get(ForwardPause),
        RequestLifetime = config.Get(RequestLifetime),
        BurstPackets = config.Get(BurstPackets),
        BurstPause = config.Get(BurstPause),
        RequestHopCount = (byte)config.Get(RequestHopCount),
        MaxPrefixes = config.Get(MaxPrefixes),
        MaxRoutes = config.Get(MaxRoutes),
        MaxSources = config.Get(MaxSources),
        MaxNeighbours = config.Get(MaxNeighbours),
        MaxPendingRequests = config.Get(MaxPendingRequests),
    };
}
