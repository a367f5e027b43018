namespace Mesh.Babel;

/// <summary>Tuning and limits of a speaker. The defaults suit networks from two to ten thousand nodes.</summary>
public sealed record BabelOptions
{
    /// <summary>A mistake on purpose, for tests.</summary>
    internal BabelMutation Mutation { get; init; }

    /// <summary>Half-life of the smoothed metric that a better route must wait for, 0 (no smoothing)..1 h. Longer means fewer and later switches.</summary>
    public TimeSpan SmoothingHalfLife { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// Nominal delay of urgent updates, jittered by a quarter either way. RFC 8966 appendix B allows 200 ms; babeld takes 100 ms. Shorter makes a
    /// retraction or an answer cross the network faster, longer puts more of them into one packet.
    /// </summary>
    public TimeSpan UrgentDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Nominal delay of other triggered updates, jittered by a quarter either way.</summary>
    public TimeSpan NormalDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How often an interface sends updates about destinations that are new, in the long run: while a network comes up, what is learnt within this time leaves in one packet and not in many.
    /// Retractions, and whatever else is urgent, do not wait for it.
    /// </summary>
    public TimeSpan NewsPause { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How many such updates may leave after a quiet time before that holds.</summary>
    public int NewsBurst { get; init; } = 8;

    /// <summary>How often a retraction or an own seqno request is repeated; the pause doubles each time.</summary>
    public int Resends { get; init; } = 3;

    /// <summary>Pause before the first repetition.</summary>
    public TimeSpan ResendDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a feasibility distance outlives the last update sent with it (RFC 8966 appendix B: 3 min); never less than four update intervals.</summary>
    public TimeSpan SourceLifetime { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>A neighbour gets the whole table on request at most once in this time.</summary>
    public TimeSpan WildcardPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>An equal or older seqno request is not forwarded again within this time.</summary>
    public TimeSpan ForwardPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a forwarded request is remembered, so that its answer goes back at once (babeld: 65 s).</summary>
    public TimeSpan RequestLifetime { get; init; } = TimeSpan.FromSeconds(65);

    /// <summary>Hop count of own seqno requests, 1..255; bounds the diameter of the network.</summary>
    public byte RequestHopCount { get; init; } = 64;

    /// <summary>Packets of updates sent back to back to one destination before pausing, so that a dump does not overrun the receiver's socket.</summary>
    public int BurstPackets { get; init; } = 16;

    /// <summary>That pause.</summary>
    public TimeSpan BurstPause { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Prefixes known at a time, our own included.</summary>
    public int MaxPrefixes { get; init; } = 65_536;

    /// <summary>Routes (prefix and neighbour) known at a time.</summary>
    public int MaxRoutes { get; init; } = 1_048_576;

    /// <summary>Feasibility distances (prefix and router-id) known at a time. An update that would need one more is not sent.</summary>
    public int MaxSources { get; init; } = 131_072;

    /// <summary>Neighbours known at a time, on all interfaces; and on each interface with keys, senders of whose packet counters something is known.</summary>
    public int MaxNeighbours { get; init; } = 4_096;

    /// <summary>Seqno requests remembered at a time, own and forwarded.</summary>
    public int MaxPendingRequests { get; init; } = 8_192;

    /// <summary>Everything that is wrong with these values; empty where they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (SmoothingHalfLife < TimeSpan.Zero || SmoothingHalfLife > TimeSpan.FromHours(1))
            yield return $"{nameof(SmoothingHalfLife)} {SmoothingHalfLife}: must be 0..1 h.";
        if (UrgentDelay < TimeSpan.Zero || UrgentDelay > TimeSpan.FromSeconds(1))
            yield return $"{nameof(UrgentDelay)} {UrgentDelay}: must be 0..1 s.";
        if (NormalDelay < UrgentDelay || NormalDelay > TimeSpan.FromMinutes(1))
            yield return $"{nameof(NormalDelay)} {NormalDelay}: must be {nameof(UrgentDelay)}..1 min.";
        if (NewsPause < TimeSpan.Zero || NewsPause > TimeSpan.FromMinutes(1) || NewsBurst < 1)
            yield return $"{nameof(NewsPause)} {NewsPause}: must be 0..1 min; {nameof(NewsBurst)}: at least 1.";
        if (Resends is < 0 or > 10)
            yield return $"{nameof(Resends)} {Resends}: must be 0..10.";
        if (ResendDelay < TimeSpan.FromMilliseconds(10) || ResendDelay > TimeSpan.FromMinutes(1))
            yield return $"{nameof(ResendDelay)} {ResendDelay}: must be 10 ms..1 min.";
        if (SourceLifetime < TimeSpan.FromSeconds(1) || SourceLifetime > TimeSpan.FromHours(24))
            yield return $"{nameof(SourceLifetime)} {SourceLifetime}: must be 1 s..24 h.";
        if (WildcardPause < TimeSpan.Zero || ForwardPause < TimeSpan.Zero || BurstPause < TimeSpan.FromMilliseconds(1))
            yield return $"{nameof(WildcardPause)}, {nameof(ForwardPause)}: must not be negative; {nameof(BurstPause)}: at least 1 ms.";
        if (RequestLifetime < ForwardPause || RequestLifetime > TimeSpan.FromHours(1))
            yield return $"{nameof(RequestLifetime)} {RequestLifetime}: must be {nameof(ForwardPause)}..1 h.";
        if (RequestHopCount == 0)
            yield return $"{nameof(RequestHopCount)} 0: must be 1..255.";
        if (BurstPackets < 1)
            yield return $"{nameof(BurstPackets)} {BurstPackets}: must be at least 1.";
        if (MaxPrefixes < 1 || MaxRoutes < 1 || MaxSources < 1 || MaxPendingRequests < 1 || MaxNeighbours is < 1 or > ushort.MaxValue)
            yield return "Every limit must be at least 1, and MaxNeighbours at most 65535.";
    }
}
