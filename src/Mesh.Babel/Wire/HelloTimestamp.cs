using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Timestamp sub-TLV of a Hello (RFC 9616 section 6.1): when it was sent, by the sender's clock.</summary>
/// <remarks><code>
/// type 3 | length | transmit u32 (µs modulo 2^32)      longer: the rest is ignored; shorter: the sub-TLV is
/// </code></remarks>
/// <param name="Transmit">Sender's clock, µs modulo 2^32.</param>
public readonly record struct HelloTimestamp(uint Transmit)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 3;

    /// <summary>Octets of the body.</summary>
    public const int BodyLength = 4;

    /// <summary>Reads a body; false where it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out HelloTimestamp timestamp)
    {
        timestamp = body.Length < BodyLength ? default : new HelloTimestamp(ReadUInt32BigEndian(body));
        return body.Length >= BodyLength;
    }

    /// <summary>Writes the sub-TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, BodyLength);
        WriteUInt32BigEndian(output[2..], Transmit);
        return 2 + BodyLength;
    }
}
