using System.Runtime.InteropServices;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Acknowledgment Request (RFC 8966 section 4.6.3): the sender wants an Acknowledgment, by unicast, before the interval is over.</summary>
/// <remarks><code>
/// type 2 | length | reserved u16 | opaque u16 | interval u16 (cs, not 0) | sub-TLVs
/// </code></remarks>
/// <param name="Opaque">Comes back in the Acknowledgment.</param>
/// <param name="IntervalCentiseconds">When the answer is due, 1..65535 cs.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct AckRequestTlv(ushort Opaque, ushort IntervalCentiseconds)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 2;

    /// <summary>Octets of the fixed part.</summary>
    public const int BodyLength = 6;

    /// <summary>Reads a body; false where it is too short or the interval is 0.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out AckRequestTlv request, out int consumed)
    {
        request = default;
        consumed = BodyLength;
        if (body.Length < BodyLength)
            return false;
        request = new AckRequestTlv(ReadUInt16BigEndian(body[2..]), ReadUInt16BigEndian(body[4..]));
        return request.IntervalCentiseconds != 0;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, BodyLength);
        WriteUInt16BigEndian(output[2..], 0);
        WriteUInt16BigEndian(output[4..], Opaque);
        WriteUInt16BigEndian(output[6..], IntervalCentiseconds);
        return 2 + BodyLength;
    }
}
