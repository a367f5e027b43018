using System.Runtime.InteropServices;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Timestamp sub-TLV of an IHU (RFC 9616 section 6.2): the last Hello of the node that the IHU names, as it was sent and as it came.</summary>
/// <remarks><code>
/// type 3 | length | origin u32 (µs modulo 2^32) | receive u32 (µs modulo 2^32)      longer: the rest is ignored; shorter: the sub-TLV is
/// </code></remarks>
/// <param name="Origin">What the Hello said, by the clock of the node that the IHU names.</param>
/// <param name="Receive">When it came, by the clock of the IHU's sender.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct IhuTimestamp(uint Origin, uint Receive)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 3;

    /// <summary>Octets of the body.</summary>
    public const int BodyLength = 8;

    /// <summary>Reads a body; false where it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out IhuTimestamp timestamp)
    {
        timestamp = body.Length < BodyLength ? default : new IhuTimestamp(ReadUInt32BigEndian(body), ReadUInt32BigEndian(body[4..]));
        return body.Length >= BodyLength;
    }

    /// <summary>Writes the sub-TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, BodyLength);
        WriteUInt32BigEndian(output[2..], Origin);
        WriteUInt32BigEndian(output[6..], Receive);
        return 2 + BodyLength;
    }
}
