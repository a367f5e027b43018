using System.Buffers.Binary;

namespace Mesh.Protocol.Tunnel;

/// <summary>Framing inside a tunnel's control stream.</summary>
/// <remarks>
/// <code>kind u8 | length u16, big-endian | payload</code>
/// Kinds 1..9 are the control messages of this namespace, each of which knows its own. A kind that is not known is passed over,
/// so that a later version can add some.
/// </remarks>
public static class Frame
{
    /// <summary>Kind of a frame that carries one IP packet.</summary>
    public const byte Packet = 0x80;

    /// <summary>Octets before the payload.</summary>
    public const int HeaderLength = 3;

    /// <summary>The longest payload, in octets.</summary>
    public const int MaxPayloadLength = ushort.MaxValue;

    /// <summary>Writes a header in front of a payload of <paramref name="payloadLength"/> octets.</summary>
    public static void WriteHeader(Span<byte> destination, byte kind, int payloadLength)
    {
        destination[0] = kind;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], checked((ushort)payloadLength));
    }

    /// <summary>Reads one frame from the start of <paramref name="input"/>.</summary>
    /// <returns>False where the frame is not complete yet.</returns>
    public static bool TryRead(ReadOnlySpan<byte> input, out byte kind, out ReadOnlySpan<byte> payload, out int consumed)
    {
        payload = default;
        kind = 0;
        consumed = 0;
        if (input.Length < HeaderLength)
            return false;
        int length = BinaryPrimitives.ReadUInt16BigEndian(input[1..]);
        if (input.Length - HeaderLength < length)
            return false;
        kind = input[0];
        payload = input.Slice(HeaderLength, length);
        consumed = HeaderLength + length;
        return true;
    }
}
