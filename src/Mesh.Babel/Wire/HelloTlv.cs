using System.Runtime.InteropServices;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Mesh.Babel.Wire;

/// <summary>Hello (RFC 8966 section 4.6.5): the sender is alive and promises another Hello within the interval.</summary>
/// <remarks><code>
/// type 4 | length | flags u16 (0x8000 = unicast) | seqno u16 | interval u16 (cs, 0 = unscheduled) | sub-TLVs
/// </code></remarks>
/// <param name="Seqno">Counts the Hellos of this kind on this interface.</param>
/// <param name="IntervalCentiseconds">When the next one is due; 0 promises nothing and leaves the earlier promise valid.</param>
/// <param name="IsUnicast">Whether this belongs to the sender's unicast series for the receiver.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct HelloTlv(Seqno Seqno, ushort IntervalCentiseconds, bool IsUnicast = false)
{
    /// <summary>Type octet.</summary>
    public const byte Type = 4;

    /// <summary>Octets of the fixed part.</summary>
    public const int BodyLength = 6;

    private const ushort UnicastFlag = 0x8000;

    /// <summary>Reads a body; false where it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out HelloTlv hello, out int consumed)
    {
        hello = default;
        consumed = BodyLength;
        if (body.Length < BodyLength)
            return false;
        bool isUnicast = (ReadUInt16BigEndian(body) & UnicastFlag) != 0;
        hello = new HelloTlv(new Seqno(ReadUInt16BigEndian(body[2..])), ReadUInt16BigEndian(body[4..]), isUnicast);
        return true;
    }

    /// <summary>Writes the TLV, with one sub-TLV at most, and returns its octets.</summary>
    public int Encode(Span<byte> output, HelloTimestamp? timestamp = null)
    {
        (output[0], output[1]) = (Type, BodyLength);
        WriteUInt16BigEndian(output[2..], IsUnicast ? UnicastFlag : (ushort)0);
        WriteUInt16BigEndian(output[4..], Seqno.Value);
        WriteUInt16BigEndian(output[6..], IntervalCentiseconds);
        if (timestamp is { } stamp)
            output[1] += (byte)stamp.Encode(output[(2 + BodyLength)..]);
        return 2 + output[1];
    }
}
