namespace Mesh.DataPlane;

/// <summary>Lets events pass at a mean rate, with bursts. Its time comes in with each question. Safe for several threads.</summary>
/// <remarks>Kept as one number, the time at which the bucket will be full again, so that one compare-and-swap takes a token.</remarks>
public sealed class TokenBucket
{
    private readonly long _ticksPerToken;
    private readonly long _capacityTicks;
    private long _fullAt = long.MinValue / 2;

    /// <summary>A full bucket.</summary>
    /// <param name="perSecond">Tokens that come in per second, at least 1.</param>
    /// <param name="burst">Tokens that the bucket holds, at least 1.</param>
    public TokenBucket(int perSecond, int burst)
        : this(TimeSpan.FromSeconds(1) / AtLeastOne(perSecond), burst)
    {
    }

    /// <summary>A full bucket.</summary>
    /// <param name="interval">How long a token takes to come in, above zero.</param>
    /// <param name="burst">Tokens that the bucket holds, at least 1.</param>
    public TokenBucket(TimeSpan interval, int burst)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(burst, 1);
        _ticksPerToken = interval.Ticks;
        _capacityTicks = _ticksPerToken * burst;
    }

    /// <summary>Takes a token if there is one.</summary>
    /// <param name="now">A time that does not run backwards; where threads bring slightly different ones, none is gained or lost.</param>
    public bool TryTake(TimeSpan now)
    {
        while (true)
        {
            long fullAt = Volatile.Read(ref _fullAt);
            long next = Math.Max(fullAt, now.Ticks) + _ticksPerToken;
            if (next - now.Ticks > _capacityTicks)
                return false;
            if (Interlocked.CompareExchange(ref _fullAt, next, fullAt) == fullAt)
                return true;
        }
    }

    /// <summary>Whether <see cref="TryTake"/> would find a token.</summary>
    /// <param name="now">As there.</param>
    public bool HasToken(TimeSpan now) => Math.Max(Volatile.Read(ref _fullAt), now.Ticks) + _ticksPerToken - now.Ticks <= _capacityTicks;

    private static int AtLeastOne(int perSecond)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(perSecond, 1);
        return perSecond;
    }
}
