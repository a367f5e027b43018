using System.Buffers;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.Tunnel;

/// <summary>Shows that the sender lives, and asks the receiver to show the same.</summary>
/// <remarks>
/// <code>sequence u32 | echo u8: 0 = asks, 1 = answers</code>
/// An answer repeats the number of what it answers, so the asker can measure the round trip. Answers are not answered.
/// </remarks>
/// <param name="Sequence">Counts the questions of one side; it wraps.</param>
/// <param name="IsEcho">Whether this is the answer.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct KeepAlive(uint Sequence, bool IsEcho)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 3;

    private const int Length = sizeof(uint) + 1;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out KeepAlive keepAlive)
    {
        keepAlive = default;
        var reader = new WireReader(payload);
        if (payload.Length != Length || !reader.TryReadUInt32(out uint sequence) || !reader.TryReadByte(out byte echo) || echo > 1)
            return false;
        keepAlive = new KeepAlive(sequence, echo == 1);
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new FrameWriter(output, Kind, Length);
        writer.Write(Sequence);
        writer.Write((byte)(IsEcho ? 1 : 0));
        writer.Complete();
    }
}
