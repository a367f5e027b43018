namespace Mesh.Babel.Routes;

/// <summary>The exponentially smoothed metric of RFC 8966 appendix A.3: a new or oscillating route has to earn its selection.</summary>
/// <remarks>
/// Computed lazily in babeld's steps, so that both switch at the same time: whole half-lives first, then whole seconds of 2^(1/half-life) - 1; closer than 4 it
/// snaps to the metric. A new route starts at <see cref="Start"/> or its metric, whichever is larger.
/// </remarks>
internal static class SmoothedMetric
{
    /// <summary>Where a new route starts.</summary>
    public const ushort Start = 32767;

    private const int Snap = 4;
    private const uint TicksPerSecond = 100;

    /// <summary>The fraction by which a second moves the value, in 1/65536.</summary>
    public static int FractionPerSecond(TimeSpan halfLife) => halfLife <= TimeSpan.Zero ? 0 : (int)((Math.Pow(2, 1 / halfLife.TotalSeconds) - 1) * 0x10000);

    /// <summary>Moves the value of <paramref name="cell"/> to <paramref name="now"/> (centiseconds).</summary>
    public static void Advance(ref RouteCell cell, ushort metric, uint now, uint halfLifeTicks, int fractionPerSecond)
    {
        if (metric == Metric.Infinity || halfLifeTicks == 0)
        {
            (cell.Smoothed, cell.SmoothedAt) = (metric, now);
            return;
        }

        if (cell.Smoothed == Metric.Infinity)
        {
            (cell.Smoothed, cell.SmoothedAt) = (Math.Max(metric, Start), now);
            return;
        }

        int value = cell.Smoothed;
        uint at = cell.SmoothedAt;
        while (value != metric && now - at >= halfLifeTicks)
        {
            value += (metric - value) / 2;
            at += halfLifeTicks;
            if (Math.Abs(value - metric) < Snap)
                value = metric;
        }

        while (value != metric && now - at >= TicksPerSecond)
        {
            value += (int)(((long)metric - value) * fractionPerSecond / 0x10000);
            at += TicksPerSecond;
            if (Math.Abs(value - metric) < Snap)
                value = metric;
        }

        cell.Smoothed = (ushort)value;
        cell.SmoothedAt = value == metric ? now : at;
    }
}
