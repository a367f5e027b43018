using System.Buffers;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.Tunnel;

/// <summary>First frame of a control stream that takes the place of another one, whose way has gone: the tunnel, its keys and its datagrams go on.</summary>
/// <remarks>Payload: <c>receiver index u32, big-endian | answer u8, 0 or 1</c>. The connecting end names the tunnel by the index in the datagrams that it sends; the other end, where
/// it has that tunnel with the same node, answers with the same index.</remarks>
/// <param name="ReceiverIndex">Index of the datagrams that the connecting end sends.</param>
/// <param name="IsAnswer">Whether this is the accepting end's yes.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct StreamResume(uint ReceiverIndex, bool IsAnswer)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 11;

    private const int Length = sizeof(uint) + 1;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out StreamResume resume)
    {
        resume = default;
        var reader = new WireReader(payload);
        if (payload.Length != Length || !reader.TryReadUInt32(out uint index) || !reader.TryReadByte(out byte answer) || answer > 1)
            return false;
        resume = new StreamResume(index, answer == 1);
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new FrameWriter(output, Kind, Length);
        writer.Write(ReceiverIndex);
        writer.Write((byte)(IsAnswer ? 1 : 0));
        writer.Complete();
    }
}
