using System.Runtime.InteropServices;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>IHU, "I heard you" (RFC 8966 section 4.6.6): what it costs the sender to receive from the node it names.</summary>
/// <remarks><code>
/// type 5 | length | AE u8 | reserved u8 | rxcost u16 | interval u16 (cs, not 0) | address 0/4/8/16 | sub-TLVs
/// </code></remarks>
/// <param name="Encoding">Wildcard means "whoever receives this".</param>
/// <param name="RxCost">Cost of receiving, or <see cref="Metric.Infinity"/>.</param>
/// <param name="IntervalCentiseconds">When the next one is due, 1..65535 cs.</param>
/// <param name="Address">Who was heard; default with the wildcard encoding.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct IhuTlv(AddressEncoding Encoding, ushort RxCost, ushort IntervalCentiseconds, BabelAddress Address)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 5;

    /// <summary>Octets of the fixed part, before the address.</summary>
    public const int BodyLength = 6;

    /// <summary>Octets of the longest one.</summary>
    internal const int MaxLength = 2 + BodyLength + 16 + 2 + IhuTimestamp.BodyLength;

    /// <summary>Reads a body; false where it is too short, the encoding is unknown, or the interval is 0.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out IhuTlv ihu, out int consumed)
    {
        ihu = default;
        consumed = 0;
        if (body.Length < BodyLength)
            return false;
        var encoding = (AddressEncoding)body[0];
        if (!AddressCodec.TryReadAddress(encoding, body[BodyLength..], out BabelAddress address))
            return false;
        consumed = BodyLength + AddressCodec.LengthOf(encoding);
        ihu = new IhuTlv(encoding, ReadUInt16BigEndian(body[2..]), ReadUInt16BigEndian(body[4..]), address);
        return ihu.IntervalCentiseconds != 0;
    }

    /// <summary>Writes the TLV, with one sub-TLV at most, and returns its octets.</summary>
    public int Encode(Span<byte> output, IhuTimestamp? timestamp = null)
    {
        int addressLength = AddressCodec.WriteAddress(Encoding, Address, output[(2 + BodyLength)..]);
        (output[0], output[1]) = (Type, (byte)(BodyLength + addressLength));
        (output[2], output[3]) = ((byte)Encoding, 0);
        WriteUInt16BigEndian(output[4..], RxCost);
        WriteUInt16BigEndian(output[6..], IntervalCentiseconds);
        if (timestamp is { } stamp)
            output[1] += (byte)stamp.Encode(output[(2 + BodyLength + addressLength)..]);
        return 2 + output[1];
    }
}
