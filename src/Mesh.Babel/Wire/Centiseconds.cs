namespace Mesh.Babel.Wire;

/// <summary>Intervals on the wire: 16 bits, hundredths of a second (RFC 8966 section 4.1.1).</summary>
public static class Centiseconds
{
    private const long TicksPerCentisecond = TimeSpan.TicksPerMillisecond * 10;

    /// <summary>An Update with this interval will not be repeated.</summary>
    public const ushort Never = 0xFFFF;

    /// <summary>Rounds up, so that a promise is never shorter than what is meant and never 0 by accident.</summary>
    /// <exception cref="OverflowException">The interval is negative or above 655.35 s: a mistake of ours.</exception>
    public static ushort From(TimeSpan interval) => checked((ushort)((interval.Ticks + TicksPerCentisecond - 1) / TicksPerCentisecond));

    /// <summary>The duration of <paramref name="centiseconds"/>.</summary>
    public static TimeSpan ToTimeSpan(ushort centiseconds) => new(centiseconds * TicksPerCentisecond);
}
