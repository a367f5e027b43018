using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Acknowledgment (RFC 8966 section 4.6.4): the answer to an Acknowledgment Request.</summary>
/// <remarks><code>
/// type 3 | length | opaque u16 | sub-TLVs
/// </code></remarks>
/// <param name="Opaque">Copied from the request.</param>
public readonly record struct AckTlv(ushort Opaque)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 3;

    /// <summary>Octets of the fixed part.</summary>
    public const int BodyLength = 2;

    /// <summary>Reads a body; false where it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out AckTlv ack, out int consumed)
    {
        ack = default;
        consumed = BodyLength;
        if (body.Length < BodyLength)
            return false;
        ack = new AckTlv(ReadUInt16BigEndian(body));
        return true;
    }

    /// <summary>Writes the TLV and returns its octets.</summary>
    public int Encode(Span<byte> output)
    {
        (output[0], output[1]) = (Type, BodyLength);
        WriteUInt16BigEndian(output[2..], Opaque);
        return 2 + BodyLength;
    }
}
