using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>A matrix that anyone can make again: nodes at random places of a square that wraps, a random factor for each pair, and a delay of each node's access. Section 6 of re6st's simulation
/// (cb13b00).</summary>
/// <remarks>
/// With <c>mix</c> one step of SplitMix64, all arithmetic on unsigned 64-bit integers:
/// position x, y = <c>mix(2i) >> 48, mix(2i+1) >> 48</c>; noise of i &lt; j: <c>u = mix(2^32 + i*n + j) >> 48</c>; access delay <c>A = (amax * f) >> 16</c>, where f is q to the power p in units of
/// 2^16 and <c>q = mix(2^33 + i) >> 48</c>; latency = <c>base + A(i) + A(j) + ((d * u * mul) >> 32)</c>, d the whole part of the distance.
/// </remarks>
public sealed class LatencyFormula : Latencies
{
    private const int Side = 1 << 16;

    private readonly ulong _base;
    private readonly ulong _factor;
    private readonly (int X, int Y)[] _places;
    private readonly ulong[] _access;

    private LatencyFormula(string name, int nodes, ulong least, ulong access, int power, ulong factor)
        : base(name, nodes)
    {
        (_base, _factor) = (least, factor);
        _places = new (int X, int Y)[nodes];
        _access = new ulong[nodes];
        for (int i = 0; i < nodes; i++)
        {
            _places[i] = ((int)(Mix(2 * (ulong)i) >> 48), (int)(Mix((2 * (ulong)i) + 1) >> 48));
            ulong q = Mix((1UL << 33) + (ulong)i) >> 48, f = q;
            for (int p = 1; p < power; p++)
                f = (f * q) >> 16;
            _access[i] = (access * f) >> 16;
        }
    }

    /// <summary><c>U</c>: all nodes are alike.</summary>
    public static LatencyFormula Uniform(int nodes) => new("U", nodes, least: 7_000, access: 0, power: 1, factor: 359_885);

    /// <summary><c>H</c>: good and bad places. The factor is that for 2,500 nodes except at 10,000, for which the reference has one, too.</summary>
    public static LatencyFormula Heterogeneous(int nodes) => new("H", nodes, least: 1_000, access: 60_000, power: 4, factor: nodes == 10_000 ? 266_608UL : 270_631UL);

    /// <inheritdoc/>
    public override int Microseconds(int one, int other)
    {
        (int i, int j) = one < other ? (one, other) : (other, one);
        long dx = Shortest(_places[i].X - _places[j].X), dy = Shortest(_places[i].Y - _places[j].Y);
        ulong distance = (ulong)Math.Sqrt((dx * dx) + (dy * dy));   // exact: the sum has at most 31 bits
        ulong noise = Mix((1UL << 32) + ((ulong)i * (ulong)Nodes) + (ulong)j) >> 48;
        return (int)(_base + _access[i] + _access[j] + ((distance * noise * _factor) >> 32));
    }

    private static int Shortest(int difference)
    {
        int length = Math.Abs(difference);
        return Math.Min(length, Side - length);
    }

    private static ulong Mix(ulong x) => DeterministicRandom.SplitMix(ref x);
}
