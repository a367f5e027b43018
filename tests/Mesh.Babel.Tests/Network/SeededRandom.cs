namespace Mesh.Babel.Tests.Network;

/// <summary>SplitMix64: small, and the same for ever, so that a seed in a test's name stays meaningful.</summary>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        ulong mixed = (_state ^ (_state >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return mixed ^ (mixed >> 31);
    }

    public int Below(int limit) => (int)(Next() % (ulong)limit);

    public bool Chance(double probability) => Next() / (double)ulong.MaxValue < probability;

    public TimeSpan Between(TimeSpan low, TimeSpan high) => low + new TimeSpan((long)(Next() % (ulong)Math.Max(1, (high - low).Ticks)));
}
