using System.Diagnostics;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>Makes a failing input smaller as long as it shows the same fault.</summary>
internal static class Shrinker
{
    private const int MaxRuns = 3000;

    // Slow inputs are slow to make smaller.
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    /// <summary>Leaves out pieces, long ones first, then makes octets plain: 0 or the digit 0.</summary>
    public static byte[] Shrink(FuzzTarget target, byte[] input, Violation found)
    {
        int runs = 0;
        long start = Stopwatch.GetTimestamp();
        bool changed = true;
        while (changed && MayGoOn())
        {
            changed = false;
            for (int length = Math.Max(1, input.Length / 2); length > 0; length /= 2)
            {
                for (int at = 0; at + length <= input.Length && MayGoOn();)
                {
                    if (Shows([.. input[..at], .. input[(at + length)..]]))
                        changed = true;
                    else
                        at += length;
                }
            }
        }

        foreach (byte plain in (byte[])[0, (byte)'0'])
        {
            for (int at = 0; at < input.Length && MayGoOn(); at++)
            {
                byte[] candidate = [.. input];
                candidate[at] = plain;
                if (input[at] is not (0 or (byte)'0'))
                    _ = Shows(candidate);
            }
        }

        return input;

        bool MayGoOn() => runs < MaxRuns && Stopwatch.GetElapsedTime(start) < MaxTime;

        bool Shows(byte[] candidate)
        {
            runs++;
            Violation? now = Contract.Probe(target, FuzzInput.Of(candidate, target.IsText), out _);
            bool isSame = now is not null && now.Kind == found.Kind && now.Group == found.Group;
            if (isSame)
                input = candidate;
            return isSame;
        }
    }
}
