namespace Mesh.Babel.Wire;

/// <summary>Source Prefix sub-TLV of an Update, Route Request or Seqno Request (RFC 9079 section 7.1): the TLV is about packets from this prefix only.</summary>
/// <remarks><code>
/// type 128 (mandatory) | length | plen u8 (not 0) | ceil(plen/8) octets      in the encoding of the TLV, never compressed
/// </code></remarks>
/// <param name="Prefix">The source.</param>
public readonly record struct SourcePrefix(BabelPrefix Prefix)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 128;

    /// <summary>Octets of the longest one.</summary>
    public const int MaxLength = 2 + 1 + 16;

    /// <summary>Octets of it; 0 for a source that is everybody, which is not written.</summary>
    public int EncodedLength => Prefix.WireLength == 0 ? 0 : 3 + ((Prefix.WireLength + 7) / 8);

    /// <summary>Reads a body; false where it is cut short, its length is 0 or impossible, or the TLV's encoding carries no prefix.</summary>
    public static bool TryDecode(AddressEncoding encoding, ReadOnlySpan<byte> body, out SourcePrefix source)
    {
        source = default;
        if (body.IsEmpty || body[0] == 0 || !AddressCodec.TryReadPrefix(encoding, body[0], body[1..], out BabelPrefix prefix, out _))
            return false;
        source = new SourcePrefix(prefix);
        return true;
    }

    /// <summary>Appends it to a TLV, if it says anything, and returns the TLV's octets.</summary>
    public int AppendTo(Span<byte> tlv)
    {
        int length = 2 + tlv[1];
        if (EncodedLength == 0)
            return length;
        Span<byte> output = tlv[length..];
        (output[0], output[1], output[2]) = (Type, (byte)(EncodedLength - 2), Prefix.WireLength);
        _ = AddressCodec.WritePrefix(Prefix, output[3..]);
        tlv[1] += (byte)EncodedLength;
        return length + EncodedLength;
    }
}
