using Mesh.Actors;

namespace Mesh.Node.Certificates;

/// <summary>Delays that double from time to time, each lengthened or shortened by up to a quarter, so that many nodes that failed together do not come again together.</summary>
internal sealed class GrowingDelay(TimeSpan first)
{
    /// <summary>How many times as long as without it a spread delay is at most.</summary>
    public const double MaxSpread = 1.25;

    private const int MaxDoublings = 30;

    private int _count;

    /// <summary>The next one.</summary>
    /// <param name="longest">What it does not exceed, apart from the quarter.</param>
    /// <param name="random">Where the quarter comes from.</param>
    public TimeSpan Next(TimeSpan longest, DeterministicRandom random)
    {
        TimeSpan delay = first * Math.Pow(2, _count);
        _count = Math.Min(_count + 1, MaxDoublings);
        return Spread(delay < longest ? delay : longest, random);
    }

    /// <summary>Begins anew with the first.</summary>
    public void Reset() => _count = 0;

    /// <summary>Lengthens or shortens by up to a quarter.</summary>
    public static TimeSpan Spread(TimeSpan delay, DeterministicRandom random) => delay * (MaxSpread - (0.5 * random.NextDouble()));
}
