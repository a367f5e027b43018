using System.Runtime.InteropServices;

namespace Mesh.Babel.Routes;

/// <summary>The exponentially smoothed metric of RFC 8966 appendix A.3: a new or oscillating route has to earn its selection.</summary>
/// <remarks>
/// <para>
/// Computed lazily in babeld's steps, so that both switch at the same time: whole half-lives first, then whole seconds of 2^(1/half-life) - 1; closer than 4 it
/// snaps to the metric. A new route starts at <see cref="Start"/> or its metric, whichever is larger.
/// </para>
/// <para>
/// Smoothing is linear: a sum is smoothed by smoothing its parts. So the cost of a link is smoothed once for all its routes, and of a route there is something to keep only
/// for a short while after the metric that its neighbour announced has changed.
/// </para>
/// </remarks>
/// <param name="Value">What the hysteresis sees.</param>
/// <param name="At">Up to when that has been computed, in deciseconds modulo 2^16.</param>
[StructLayout(LayoutKind.Auto)]
internal record struct SmoothedMetric(ushort Value, ushort At)
{
    /// <summary>Where a new route starts.</summary>
    public const ushort Start = 32767;

    private const int Snap = 4;
    private const int PerSecond = 10;

    /// <summary>The fraction by which a second moves the value, in 1/65536.</summary>
    public static int FractionPerSecond(TimeSpan halfLife) => halfLife <= TimeSpan.Zero ? 0 : (int)((Math.Pow(2, 1 / halfLife.TotalSeconds) - 1) * 0x10000);

    /// <summary>Moves the value towards <paramref name="metric"/>.</summary>
    /// <param name="metric">What it follows; finite.</param>
    /// <param name="now">Deciseconds modulo 2^16.</param>
    /// <param name="halfLife">Deciseconds; 0 for no smoothing.</param>
    /// <param name="fractionPerSecond">See <see cref="FractionPerSecond"/>.</param>
    public void Advance(ushort metric, ushort now, int halfLife, int fractionPerSecond)
    {
        int value = halfLife == 0 ? metric : Value;
        int left = (ushort)(now - At);
        while (value != metric && left >= halfLife)
        {
            value = Snapped(value + ((metric - value) / 2), metric);
            left -= halfLife;
        }

        while (value != metric && left >= PerSecond)
        {
            value = Snapped(value + (int)(((long)metric - value) * fractionPerSecond / 0x10000), metric);
            left -= PerSecond;
        }

        (Value, At) = ((ushort)value, value == metric ? now : (ushort)(now - left));
    }

    private static int Snapped(int value, int metric) => Math.Abs(value - metric) < Snap ? metric : value;
}
