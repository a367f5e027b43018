using System.Buffers.Binary;
using System.Numerics;

namespace Mesh.Actors;

/// <summary>A seeded pseudo-random source: the same seed gives the same numbers on every machine and every runtime.</summary>
/// <remarks>xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64. Ours, because the runtime's own generator is free to
/// change between versions, and then an old failing seed would show nothing. Not for keys of real machines.</remarks>
public sealed class DeterministicRandom
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Starts a sequence. Any seed is good, 0 too.</summary>
    public DeterministicRandom(ulong seed)
    {
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
    }

    /// <summary>64 uniformly distributed bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A uniform integer in [0, <paramref name="exclusiveMax"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Next(int exclusiveMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMax);
        return (int)NextBelow((ulong)exclusiveMax);
    }

    /// <summary>A uniform integer in [<paramref name="inclusiveMin"/>, <paramref name="exclusiveMax"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty.</exception>
    public int Next(int inclusiveMin, int exclusiveMax)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(inclusiveMin, exclusiveMax);
        return (int)(inclusiveMin + (long)NextBelow((ulong)((long)exclusiveMax - inclusiveMin)));
    }

    /// <summary>A uniform number in [0, 1) with 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A uniform time span in [<paramref name="min"/>, <paramref name="max"/>].</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty.</exception>
    public TimeSpan NextTimeSpan(TimeSpan min, TimeSpan max)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(min, max);
        ulong length = (ulong)max.Ticks - (ulong)min.Ticks;
        return new TimeSpan((long)((ulong)min.Ticks + (length == ulong.MaxValue ? NextUInt64() : NextBelow(length + 1))));
    }

    /// <summary>Fills a span with random octets.</summary>
    public void NextBytes(Span<byte> destination)
    {
        while (destination.Length >= sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, NextUInt64());
            destination = destination[sizeof(ulong)..];
        }

        if (destination.IsEmpty)
            return;
        Span<byte> last = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(last, NextUInt64());
        last[..destination.Length].CopyTo(destination);
    }

    /// <summary>Puts a list in random order (Fisher-Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>An independent source derived from this one's next output, so that one part's draws do not shift another's.</summary>
    public DeterministicRandom Fork() => new(NextUInt64());

    // Lemire's multiply-and-reject: unbiased and almost always without a division.
    private ulong NextBelow(ulong bound)
    {
        ulong high = Math.BigMul(NextUInt64(), bound, out ulong low);
        if (low >= bound)
            return high;
        ulong threshold = (0 - bound) % bound;
        while (low < threshold)
            high = Math.BigMul(NextUInt64(), bound, out low);
        return high;
    }

    /// <summary>One step of SplitMix64 (Steele, Lea and Flood, 2014): moves the state on, and gives 64 bits that are well mixed from it.</summary>
    public static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
