namespace Mesh.Protocol.Registry;

/// <summary>Unsigned integers of 1 to 8 octets whose encodings sort like the values, one encoding for each value.</summary>
/// <remarks>
/// <code>
///  0 1 2 3 4 5 6 7
/// +-----+---------+----
/// |  n  |  value - base(n), big-endian in 5 + 8n bits
/// +-----+---------+----
/// </code>
/// n octets follow the first one. Encodings of one size start where those of the smaller size stop:
/// base(n) is the sum of 32 * 256^k for all k below n.
/// </remarks>
public static class PackedInteger
{
    /// <summary>The largest value, 0x202020202020201f.</summary>
    public const ulong MaxValue = 0x2020_2020_2020_201F;

    /// <summary>Octets of the longest encoding.</summary>
    public const int MaxLength = 8;

    private const int SizeShift = 5;

    /// <summary>Octets of the encoding of <paramref name="value"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is above <see cref="MaxValue"/>.</exception>
    public static int LengthOf(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        int following = 0;
        while (following < MaxLength - 1 && value >= Base(following + 1))
            following++;
        return following + 1;
    }

    /// <summary>Writes the encoding and returns how many octets that are.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is above <see cref="MaxValue"/>.</exception>
    public static int Write(Span<byte> destination, ulong value)
    {
        int length = LengthOf(value);
        ulong rest = value - Base(length - 1);
        for (int index = length - 1; index >= 0; index--, rest >>= 8)
            destination[index] = (byte)rest;
        destination[0] |= (byte)((length - 1) << SizeShift);
        return length;
    }

    /// <summary>The encoding in an array of its own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is above <see cref="MaxValue"/>.</exception>
    public static byte[] Encode(ulong value)
    {
        byte[] encoding = new byte[LengthOf(value)];
        _ = Write(encoding, value);
        return encoding;
    }

    /// <summary>Reads the integer at the start of <paramref name="input"/>; false when octets are missing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> input, out ulong value, out int consumed)
    {
        value = 0;
        consumed = 0;
        if (input.IsEmpty)
            return false;
        int following = input[0] >> SizeShift;
        if (input.Length <= following)
            return false;
        ulong rest = (ulong)(input[0] & ((1 << SizeShift) - 1));
        foreach (byte octet in input.Slice(1, following))
            rest = (rest << 8) | octet;
        value = rest + Base(following);
        consumed = following + 1;
        return true;
    }

    private static ulong Base(int following)
    {
        ulong sum = 0;
        for (int index = 0; index < following; index++)
            sum = (sum << 8) + (1 << SizeShift);
        return sum;
    }
}
