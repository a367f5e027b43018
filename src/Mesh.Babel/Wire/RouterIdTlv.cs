namespace Mesh.Babel.Wire;

/// <summary>Router-Id (RFC 8966 section 4.6.7): the origin of the Updates that follow in the packet.</summary>
/// <remarks><code>
/// type 6 | length | reserved u16 | router-id 8 octets | sub-TLVs
/// </code></remarks>
/// <param name="RouterId">May be invalid; the reader decides what that means.</param>
public readonly record struct RouterIdTlv(RouterId RouterId)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 6;

    /// <summary>Octets of the fixed part.</summary>
    public const int BodyLength = 10;

    /// <summary>Reads a body; false where it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out RouterIdTlv tlv, out int consumed)
    {
        tlv = default;
        consumed = BodyLength;
        if (body.Length < BodyLength)
            return false;
        tlv = new RouterIdTlv(RouterId.FromOctets(body[2..]));
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1], output[2], output[3]) = (Type, BodyLength, 0, 0);
        RouterId.WriteTo(output[4..]);
        return 2 + BodyLength;
    }
}
