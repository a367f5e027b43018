using System.Runtime.InteropServices;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Update (RFC 8966 section 4.6.9) as it stands on the wire, before the parser state completes it.</summary>
/// <remarks><code>
/// type 8 | length | AE u8 | flags u8 (P 0x80, R 0x40) | plen u8 | omitted u8 | interval u16 (cs) | seqno u16 | metric u16
///        | ceil(plen/8) - omitted octets | sub-TLVs
/// </code></remarks>
/// <param name="Encoding">Wildcard only in a retraction of everything.</param>
/// <param name="Flags">P and R; other bits are ignored.</param>
/// <param name="PrefixLength">As on the wire: 0..32 for IPv4, 0..128 for IPv6.</param>
/// <param name="Omitted">Leading octets to take from the default prefix of this encoding.</param>
/// <param name="IntervalCentiseconds">When the route will be announced again; <see cref="Centiseconds.Never"/> for never.</param>
/// <param name="Seqno">The origin's sequence number.</param>
/// <param name="Metric">The sender's metric; infinity makes this a retraction.</param>
/// <param name="Octets">The octets present, in the most significant bits.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct UpdateTlv(
    AddressEncoding Encoding,
    byte Flags,
    byte PrefixLength,
    byte Omitted,
    ushort IntervalCentiseconds,
    Seqno Seqno,
    ushort Metric,
    UInt128 Octets)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 8;

    /// <summary>Octets of the fixed part, before the prefix.</summary>
    public const int BodyLength = 10;

    /// <summary>P: this prefix is the default prefix of the Updates that follow.</summary>
    public const byte PrefixFlag = 0x80;

    /// <summary>R: the low 8 octets of this address are the router-id of this and the following Updates.</summary>
    public const byte RouterIdFlag = 0x40;

    /// <summary>Octets of the prefix that are present.</summary>
    public int PresentOctets => PresentOf(PrefixLength, Omitted);

    /// <summary>Reads a body; false where it is too short, or the encoding or lengths are not possible.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out UpdateTlv update, out int consumed)
    {
        update = default;
        consumed = 0;
        if (body.Length < BodyLength)
            return false;
        var encoding = (AddressEncoding)body[0];
        int limit = AddressCodec.MaxPrefixLength(encoding);
        if (limit < 0 || body[2] > limit || body[3] > limit / 8)
            return false;
        int present = PresentOf(body[2], body[3]);
        if (body.Length < BodyLength + present)
            return false;
        consumed = BodyLength + present;
        update = new UpdateTlv(
            encoding, body[1], body[2], body[3], ReadUInt16BigEndian(body[4..]), new Seqno(ReadUInt16BigEndian(body[6..])), ReadUInt16BigEndian(body[8..]),
            AddressCodec.ReadLeftAligned(body.Slice(BodyLength, present)));
        return true;
    }

    /// <summary>Reads a whole TLV, header included, if it is an Update with a finite metric for an IPv6 prefix, without sub-TLVs.</summary>
    /// <param name="input">Begins with the TLV; what follows is not looked at.</param>
    /// <param name="update">What it says. Bits of its octets beyond the prefix may be set.</param>
    /// <param name="length">Octets of the TLV with its header.</param>
    /// <returns>False where it is anything else.</returns>
    public static bool TryDecodePlain(ReadOnlySpan<byte> input, out UpdateTlv update, out int length)
    {
        update = default;
        length = 0;
        if (input.Length < 2 + BodyLength || input[0] != Type || input[2] != (byte)AddressEncoding.Ipv6 || input[4] > 128 || input[5] > 16)
            return false;
        int present = PresentOf(input[4], input[5]);
        ushort metric = ReadUInt16BigEndian(input[10..]);
        if (input[1] != BodyLength + present || input.Length < 2 + BodyLength + present || metric == Babel.Metric.Infinity)
            return false;
        length = 2 + BodyLength + present;
        ReadOnlySpan<byte> octets = input[(2 + BodyLength)..];
        update = new UpdateTlv(
            AddressEncoding.Ipv6, input[3], input[4], input[5], ReadUInt16BigEndian(input[6..]), new Seqno(ReadUInt16BigEndian(input[8..])), metric,
            octets.Length >= 16 ? ReadUInt128BigEndian(octets) : AddressCodec.ReadLeftAligned(octets[..present]));
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        int present = PresentOctets;
        (output[0], output[1]) = (Type, (byte)(BodyLength + present));
        (output[2], output[3], output[4], output[5]) = ((byte)Encoding, Flags, PrefixLength, Omitted);
        WriteUInt16BigEndian(output[6..], IntervalCentiseconds);
        WriteUInt16BigEndian(output[8..], Seqno.Value);
        WriteUInt16BigEndian(output[10..], Metric);
        AddressCodec.WriteLeftAligned(Octets, present, output[12..]);
        return 2 + BodyLength + present;
    }

    private static int PresentOf(byte prefixLength, byte omitted) => Math.Max(0, ((prefixLength + 7) / 8) - omitted);
}
