namespace Mesh.Babel;

/// <summary>What the round-trip time to a neighbour adds to the cost of its link (RFC 9616 section 4).</summary>
/// <remarks>
/// The defaults are those of RFC 9616 section 4.2. re6st distributes <c>max-rtt-penalty 5000 rtt-max 500 rtt-decay 125</c>. A peer measures only while we send it timestamps, and the
/// other way round; what each makes of it is its own.
/// </remarks>
public sealed record RttParameters
{
    private static readonly TimeSpan MaxRtt = TimeSpan.FromMinutes(1);

    /// <summary>Up to here nothing is added, 0..1 min.</summary>
    public TimeSpan Min { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>From here on <see cref="MaxPenalty"/> is added, above <see cref="Min"/>..1 min; between them, in proportion.</summary>
    public TimeSpan Max { get; init; } = TimeSpan.FromMilliseconds(120);

    /// <summary>The most that is added, 0 (measure only)..65534.</summary>
    public ushort MaxPenalty { get; init; } = 150;

    /// <summary>How much a sample counts beside all before it, in 1/256, 1..256 (only the last one counts). 42 is RFC 9616's 0.836 for what was before.</summary>
    public int Decay { get; init; } = 42;

    /// <summary>What a round trip adds; fractions are dropped.</summary>
    /// <param name="microseconds">The round-trip time.</param>
    public ushort PenaltyOf(long microseconds)
    {
        long min = Min.Ticks / TimeSpan.TicksPerMicrosecond;
        long max = Max.Ticks / TimeSpan.TicksPerMicrosecond;
        return (ushort)(MaxPenalty * (Math.Clamp(microseconds, min, max) - min) / (max - min));
    }

    /// <summary>Everything that is wrong with these values; empty where they can be used.</summary>
    public IEnumerable<string> Problems()
    {
        if (Min < TimeSpan.Zero || Min > MaxRtt)
            yield return $"{nameof(RttParameters)}.{nameof(Min)} {Min}: must be 0..1 min.";
        if (Max.Ticks / TimeSpan.TicksPerMicrosecond <= Min.Ticks / TimeSpan.TicksPerMicrosecond || Max > MaxRtt)
            yield return $"{nameof(RttParameters)}.{nameof(Max)} {Max}: must be above {nameof(Min)} {Min}, up to 1 min.";
        if (MaxPenalty == Metric.Infinity)
            yield return $"{nameof(RttParameters)}.{nameof(MaxPenalty)} {MaxPenalty}: must be 0..65534.";
        if (Decay is < 1 or > 256)
            yield return $"{nameof(RttParameters)}.{nameof(Decay)} {Decay}: must be 1..256.";
    }
}
