using System.Runtime.InteropServices;

namespace Mesh.Babel.Wire;

/// <summary>Route Request (RFC 8966 section 4.6.10): asks for an Update for a prefix, or for the whole table.</summary>
/// <remarks><code>
/// type 9 | length | AE u8 | plen u8 | ceil(plen/8) octets | sub-TLVs       AE 0, plen 0: the whole table
/// </code></remarks>
/// <param name="Prefix">The prefix asked for; null for the whole table.</param>
/// <param name="Source">Of packets from where, if not from everywhere; in a sub-TLV.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct RouteRequestTlv(BabelPrefix? Prefix, BabelPrefix Source = default)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 9;

    /// <summary>Octets of the fixed part, before the prefix.</summary>
    public const int BodyLength = 2;

    /// <summary>Octets of the longest one.</summary>
    internal const int MaxLength = 2 + BodyLength + 16 + SourcePrefix.MaxLength;

    /// <summary>What is asked for; null for the whole table.</summary>
    public RouteKey? Key => Prefix is { } prefix ? new RouteKey(prefix, Source) : null;

    /// <summary>Reads a body without its sub-TLVs; false where it is too short, or the encoding or length is not possible.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out RouteRequestTlv request, out int consumed)
    {
        request = default;
        consumed = 0;
        if (body.Length < BodyLength)
            return false;
        var encoding = (AddressEncoding)body[0];
        if (!AddressCodec.TryReadPrefix(encoding, body[1], body[BodyLength..], out BabelPrefix prefix, out int octets))
            return false;
        consumed = BodyLength + octets;
        request = new RouteRequestTlv(encoding == AddressEncoding.Wildcard ? null : prefix);
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        int octets = 0;
        (output[2], output[3]) = ((byte)AddressEncoding.Wildcard, 0);
        if (Prefix is { } prefix)
        {
            (output[2], output[3]) = ((byte)(prefix.IsIpv4 ? AddressEncoding.Ipv4 : AddressEncoding.Ipv6), prefix.WireLength);
            octets = AddressCodec.WritePrefix(prefix, output[4..]);
        }

        (output[0], output[1]) = (Type, (byte)(BodyLength + octets));
        return new SourcePrefix(Source).AppendTo(output);
    }
}
