using System.Numerics;

namespace Mesh.Babel.Routes;

/// <summary>How long routes live: 3.5 times the interval that their update announced (RFC 8966 appendix B), and how that is written in one octet.</summary>
/// <remarks>The octet is a small floating-point number of deciseconds, four bits of exponent and four of mantissa, rounded up by at most a sixteenth.</remarks>
internal static class HoldTime
{
    private const int MantissaBits = 4;
    private const int HiddenBit = 1 << MantissaBits;

    /// <summary>Centiseconds that a route lives.</summary>
    public static int Ticks(ushort interval) => ((interval * 7) + 1) / 2;

    /// <summary>Centiseconds after which it is asked for if it has not come again: 5/6 of its life.</summary>
    public static int WarnTicks(ushort interval) => Math.Max(1, Ticks(interval) * 5 / 6);

    /// <summary>Writes the life of a route whose update announced this interval, in centiseconds.</summary>
    public static byte Encode(ushort interval)
    {
        int deciseconds = (Ticks(interval) + 9) / 10;
        if (deciseconds < HiddenBit)
            return (byte)deciseconds;
        int exponent = BitOperations.Log2((uint)deciseconds) - MantissaBits;
        int mantissa = (deciseconds + (1 << exponent) - 1) >> exponent;   // 16..32: the last carries into the exponent
        return (byte)(((exponent + 1) << MantissaBits) + (mantissa - HiddenBit));
    }

    /// <summary>Centiseconds: what was written, or a little more.</summary>
    public static int Decode(byte code)
    {
        int exponent = code >> MantissaBits, mantissa = code & (HiddenBit - 1);
        return 10 * (exponent == 0 ? mantissa : (HiddenBit + mantissa) << (exponent - 1));
    }
}
