namespace Mesh.Babel.Wire;

/// <summary>Pad1 (type 0, a single octet) and PadN (type 1): octets without meaning (RFC 8966 sections 4.6.1, 4.6.2).</summary>
/// <param name="Length">Octets that the padding takes altogether, 1..257; 1 is a Pad1.</param>
public readonly record struct PadTlv(int Length)
{
    /// <summary>Type of Pad1, which has no length octet.</summary>
    public const byte Pad1Type = 0;

    /// <summary>Type of PadN.</summary>
    public const byte PadNType = 1;

    /// <summary>Reads a PadN; its content does not matter.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out PadTlv pad)
    {
        pad = new PadTlv(2 + body.Length);
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        if (Length is < 1 or > 257)
            throw new InvalidOperationException($"Padding of {Length} octets cannot be written: 1..257 are possible.");
        output[..Length].Clear();
        if (Length > 1)
            (output[0], output[1]) = (PadNType, (byte)(Length - 2));
        return Length;
    }
}
