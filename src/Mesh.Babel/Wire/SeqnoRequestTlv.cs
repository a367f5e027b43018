using System.Runtime.InteropServices;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Seqno Request (RFC 8966 section 4.6.11): asks for an Update with at least this sequence number; forwarded towards the origin.</summary>
/// <remarks><code>
/// type 10 | length | AE u8 (1, 2) | plen u8 | seqno u16 | hop count u8 (not 0) | reserved u8 | router-id 8 octets | ceil(plen/8) octets | sub-TLVs
/// </code></remarks>
/// <param name="Prefix">The prefix asked for.</param>
/// <param name="Seqno">The least sequence number that satisfies.</param>
/// <param name="HopCount">How often this may still be sent, this time included: 1..255.</param>
/// <param name="RouterId">The origin whose sequence number is meant.</param>
/// <param name="Source">Of packets from where, if not from everywhere; in a sub-TLV. babeld puts its length into the reserved octet, too, which we ignore and send as 0.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SeqnoRequestTlv(BabelPrefix Prefix, Seqno Seqno, byte HopCount, RouterId RouterId, BabelPrefix Source = default)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 10;

    /// <summary>Octets of the fixed part, before the prefix.</summary>
    public const int BodyLength = 14;

    /// <summary>Octets of the longest one.</summary>
    internal const int MaxLength = 2 + BodyLength + 16 + SourcePrefix.MaxLength;

    /// <summary>What is asked for.</summary>
    public RouteKey Key => new(Prefix, Source);

    /// <summary>Reads a body without its sub-TLVs; false where it is too short, the encoding or length is not possible, the hop count is 0 or the router-id is invalid.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out SeqnoRequestTlv request, out int consumed)
    {
        request = default;
        consumed = 0;
        if (body.Length < BodyLength || body[0] == (byte)AddressEncoding.Wildcard)
            return false;
        if (!AddressCodec.TryReadPrefix((AddressEncoding)body[0], body[1], body[BodyLength..], out BabelPrefix prefix, out int octets))
            return false;
        consumed = BodyLength + octets;
        request = new SeqnoRequestTlv(prefix, new Seqno(ReadUInt16BigEndian(body[2..])), body[4], RouterId.FromOctets(body[6..]));
        return request.HopCount != 0 && request.RouterId.IsValid;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        int octets = AddressCodec.WritePrefix(Prefix, output[(2 + BodyLength)..]);
        (output[0], output[1]) = (Type, (byte)(BodyLength + octets));
        (output[2], output[3]) = ((byte)(Prefix.IsIpv4 ? AddressEncoding.Ipv4 : AddressEncoding.Ipv6), Prefix.WireLength);
        WriteUInt16BigEndian(output[4..], Seqno.Value);
        (output[6], output[7]) = (HopCount, 0);
        RouterId.WriteTo(output[8..]);
        return new SourcePrefix(Source).AppendTo(output);
    }
}
