namespace Mesh.Babel.Wire;

/// <summary>MAC (RFC 8967 section 6.1): the MAC of this packet under one key. It counts in the trailer only.</summary>
/// <remarks><code>
/// type 16 | length | MAC
/// </code></remarks>
public readonly ref struct MacTlv(ReadOnlySpan<byte> mac)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 16;

    /// <summary>The MAC; its length depends on the algorithm.</summary>
    public ReadOnlySpan<byte> Mac { get; } = mac;

    /// <summary>Reads a body; every one is possible.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out MacTlv mac)
    {
        mac = new MacTlv(body);
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, (byte)Mac.Length);
        Mac.CopyTo(output[2..]);
        return 2 + Mac.Length;
    }
}
