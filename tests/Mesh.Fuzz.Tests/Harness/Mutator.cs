using System.Buffers.Binary;
using System.Text;
using Mesh.Actors;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>Changes inputs in the ways that decoders are known to get wrong. Knows no format, but what formats have in common: lengths, numbers, pieces.</summary>
internal sealed class Mutator(DeterministicRandom random, IReadOnlyList<byte[]> tokens, int maxLength)
{
    private const int MaxChanges = 6;

    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 126, 127, 128, 129, 254, 255, 256, 257, 1023, 1024, 4095, 4096, 8191, 8192, 16383, 32767, 32768, 65534, 65535, 65536,
        0x7FFF_FFFE, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF,
    ];

    private static readonly byte[][] Numbers = [.. new[]
    {
        "0", "-0", "-1", "1", "00", "01", "+1", "9", "10", "16", "31", "32", "33", "64", "127", "128", "129", "255", "256", "999", "32768", "65535", "65536", "99999", "2147483647",
        "2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
        "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", "79228162514264337593543950335", "79228162514264337593543950336",
        "1e3", "1E3", "1e-3", "1e400", "1e-400", "1e28", "1e29", "0.1", "0.5", "1.0", "1.", ".5", "0.00000000000000000000000000001", "1.00000000000000000000000000001", "0x10", "NaN", "Infinity",
        "253402300799", "253402300800", "1800003600.5",
    }.Select(Encoding.ASCII.GetBytes)];

    /// <summary>A changed copy.</summary>
    /// <param name="input">What is changed.</param>
    /// <param name="other">Another input, pieces of which may get in.</param>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        var octets = new List<byte>(input);
        for (int changes = 1 + Math.Min(random.Next(MaxChanges), random.Next(MaxChanges)); changes > 0; changes--)
            Change(octets, other);
        return octets.Count <= maxLength ? [.. octets] : [.. octets.Take(maxLength)];
    }

    private void Change(List<byte> octets, byte[] other)
    {
        switch (random.Next(18))
        {
            case 0 or 1:
                At(octets, (o, at) => o[at] ^= (byte)(1 << random.Next(8)));
                break;
            case 2 or 3:
                At(octets, (o, at) => o[at] = (byte)(random.Next(2) == 0 ? Interesting[random.Next(24)] : (ulong)random.Next(256)));
                break;
            case 4:
                SetInteger(octets, 1 << random.Next(1, 4));
                break;
            case 5:
                SpoilLength(octets);
                break;
            case 6 or 7:
                GrowInside(octets);
                break;
            case 8:
                At(octets, static (o, at) => o.RemoveRange(at, o.Count - at));
                break;
            case 9:
                octets.AddRange(Noise(random.Next(1, 40)));
                break;
            case 10:
                Splice(octets, other);
                break;
            case 11:
                octets.InsertRange(random.Next(octets.Count + 1), Piece(octets));
                break;
            case 12:
                (int start, int length) = Range(octets.Count, 64);
                octets.RemoveRange(start, length);
                break;
            case 13:
                Swap(octets);
                break;
            case 14:
                Repeat(octets);
                break;
            case 15 or 16 when tokens.Count > 0:
                InsertToken(octets);
                break;
            default:
                EditNumber(octets);
                break;
        }
    }

    private void At(List<byte> octets, Action<List<byte>, int> change)
    {
        if (octets.Count > 0)
            change(octets, random.Next(octets.Count));
    }

    private byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        if (random.Next(3) != 0)
            random.NextBytes(noise);
        else
            noise.AsSpan().Fill((byte)(random.Next(2) == 0 ? 0 : 255));
        return noise;
    }

    private (int Start, int Length) Range(int count, int longest)
    {
        int start = random.Next(count + 1);
        return (start, random.Next(Math.Min(count - start, longest) + 1));
    }

    private List<byte> Piece(List<byte> octets)
    {
        (int start, int length) = Range(octets.Count, 64);
        return octets.GetRange(start, length);
    }

    // Big-endian, as on the wire; it may run over the end, which it then moves.
    private void SetInteger(List<byte> octets, int width)
    {
        Span<byte> all = stackalloc byte[sizeof(ulong)];
        int at = random.Next(octets.Count + 1);
        BinaryPrimitives.WriteUInt64BigEndian(all, random.Next(4) == 0 ? (ulong)Math.Max(0, octets.Count - at - width + random.Next(-2, 3)) : Interesting[random.Next(Interesting.Length)]);
        for (int index = 0; index < width; index++)
        {
            if (at + index < octets.Count)
                octets[at + index] = all[sizeof(ulong) - width + index];
        }
    }

    private static ulong Read(List<byte> octets, int at, int width)
    {
        ulong value = 0;
        for (int index = 0; index < width; index++)
            value = (value << 8) | octets[at + index];
        return value;
    }

    private static void Write(List<byte> octets, int at, int width, ulong value)
    {
        for (int index = width - 1; index >= 0; index--, value >>= 8)
            octets[at + index] = (byte)value;
    }

    // Somewhere, a number that could be the length of what follows it: it is not more than what is left.
    private bool TryFindLength(List<byte> octets, out int at, out int width, out int length)
    {
        (at, width, length) = (0, 0, 0);
        for (int attempt = 0; attempt < 8 && octets.Count > 4; attempt++)
        {
            width = 1 << random.Next(3);
            at = random.Next(octets.Count - width);
            ulong value = Read(octets, at, width);
            if (value == 0 || value > (ulong)(octets.Count - at - width))
                continue;
            length = (int)value;
            return true;
        }

        return false;
    }

    private void SpoilLength(List<byte> octets)
    {
        if (TryFindLength(octets, out int at, out int width, out int length))
            Write(octets, at, width, (ulong)length + (ulong)(random.Next(2) == 0 ? 1 : -1));
    }

    // Adds or removes octets inside of what a length counts, and corrects it, and all lengths around that seem to count it too.
    private void GrowInside(List<byte> octets)
    {
        if (!TryFindLength(octets, out int at, out int width, out int length))
            return;
        int inside = at + width + random.Next(length + 1);
        byte[] added = Noise(random.Next(1, 20));
        int removed = random.Next(2) == 0 ? random.Next(Math.Min(at + width + length - inside, 20) + 1) : 0;
        if (removed > 0)
            added = [];
        long delta = added.Length - removed;
        for (int field = 0; field <= at; field++)
        {
            foreach (int size in (int[])[1, 2, 4])
            {
                long counted = field + size <= at + width ? (long)Math.Min(Read(octets, field, size), int.MaxValue) : 0;
                bool isOuter = field + size + counted == octets.Count && counted > 0;
                bool isItself = field == at && size == width;
                if ((isOuter || isItself) && counted + delta >= 0 && (size == sizeof(uint) || counted + delta < 1L << (8 * size)))
                    Write(octets, field, size, (ulong)(counted + delta));
            }
        }

        octets.RemoveRange(inside, removed);
        octets.InsertRange(inside, added);
    }

    private void Splice(List<byte> octets, byte[] other)
    {
        int at = random.Next(octets.Count + 1), from = random.Next(other.Length + 1);
        octets.RemoveRange(at, octets.Count - at);
        octets.AddRange(other.AsSpan(from));
    }

    private void Swap(List<byte> octets)
    {
        (int first, int length) = Range(octets.Count, 32);
        int second = random.Next(octets.Count - length + 1);
        for (int index = 0; index < length; index++)
            (octets[first + index], octets[second + index]) = (octets[second + index], octets[first + index]);
    }

    // What is fine once may be too much a hundred times: depth, quadratic time, doubled keys.
    private void Repeat(List<byte> octets)
    {
        List<byte> piece = tokens.Count > 0 && random.Next(2) == 0 ? [.. tokens[random.Next(tokens.Count)]] : Piece(octets);
        if (piece.Count == 0)
            return;
        int times = random.Next(1, Math.Max(2, Math.Min(300, (maxLength - octets.Count) / piece.Count)));
        octets.InsertRange(random.Next(octets.Count + 1), Enumerable.Repeat(piece, times).SelectMany(static same => same).ToArray());
    }

    private void InsertToken(List<byte> octets)
    {
        int at = random.Next(octets.Count + 1);
        byte[] token = tokens[random.Next(tokens.Count)];
        if (random.Next(2) == 0)
            octets.RemoveRange(at, Math.Min(token.Length, octets.Count - at));
        octets.InsertRange(at, token);
    }

    // Replaces a run of digits, or writes a number where there is none.
    private void EditNumber(List<byte> octets)
    {
        int at = random.Next(octets.Count + 1), end;
        while (at < octets.Count && !char.IsAsciiDigit((char)octets[at]))
            at++;
        for (end = at; end < octets.Count && char.IsAsciiDigit((char)octets[end]); end++)
        {
        }

        bool isKept = random.Next(4) == 0;
        if (!isKept)
            octets.RemoveRange(at, end - at);
        octets.InsertRange(isKept ? end : at, Numbers[random.Next(Numbers.Length)]);
    }
}
