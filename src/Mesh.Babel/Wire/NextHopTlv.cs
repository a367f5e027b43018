using System.Runtime.InteropServices;

namespace Mesh.Babel.Wire;

/// <summary>Next Hop (RFC 8966 section 4.6.8): where packets for the Updates that follow should go.</summary>
/// <remarks><code>
/// type 7 | length | AE u8 (1..3) | reserved u8 | address | sub-TLVs
/// </code></remarks>
/// <param name="Encoding">IPv4 sets the next hop of IPv4 Updates, the others that of IPv6 Updates.</param>
/// <param name="Address">The next hop.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct NextHopTlv(AddressEncoding Encoding, BabelAddress Address)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 7;

    /// <summary>Octets of the fixed part, before the address.</summary>
    public const int BodyLength = 2;

    /// <summary>Reads a body; false where it is too short or the encoding is the wildcard or unknown.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out NextHopTlv nextHop, out int consumed)
    {
        nextHop = default;
        consumed = 0;
        if (body.Length < BodyLength || body[0] == (byte)AddressEncoding.Wildcard)
            return false;
        var encoding = (AddressEncoding)body[0];
        if (!AddressCodec.TryReadAddress(encoding, body[BodyLength..], out BabelAddress address))
            return false;
        consumed = BodyLength + AddressCodec.LengthOf(encoding);
        nextHop = new NextHopTlv(encoding, address);
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        int addressLength = AddressCodec.WriteAddress(Encoding, Address, output[(2 + BodyLength)..]);
        (output[0], output[1]) = (Type, (byte)(BodyLength + addressLength));
        (output[2], output[3]) = ((byte)Encoding, 0);
        return 2 + BodyLength + addressLength;
    }
}
