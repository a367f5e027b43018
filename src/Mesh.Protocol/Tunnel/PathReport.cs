using System.Buffers;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.Tunnel;

/// <summary>Whether datagrams arrive. The values are on the wire.</summary>
public enum PathState : byte
{
    /// <summary>Nothing arrived for a while: send through the stream.</summary>
    Lost = 0,

    /// <summary>Datagrams of the receiver of this report arrive and open.</summary>
    Validated = 1,
}

/// <summary>Tells the peer how its datagrams fare, which it cannot see itself.</summary>
/// <remarks><code>state u8: 0 = lost, 1 = validated | receiver index u32 | largest datagram u16</code></remarks>
/// <param name="State">Whether the peer's datagrams arrive.</param>
/// <param name="ReceiverIndex">Index of the datagrams that the report is about: that of the sender of the report.</param>
/// <param name="LargestDatagram">Octets of the largest sealed datagram that has arrived on this path; 0 = none. It feeds path MTU discovery.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct PathReport(PathState State, uint ReceiverIndex, ushort LargestDatagram)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 5;

    private const int Length = 1 + sizeof(uint) + sizeof(ushort);

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out PathReport report)
    {
        report = default;
        var reader = new WireReader(payload);
        if (payload.Length != Length || !reader.TryReadByte(out byte state) || state > (byte)PathState.Validated
            || !reader.TryReadUInt32(out uint index) || !reader.TryReadUInt16(out ushort largest))
        {
            return false;
        }
        report = new PathReport((PathState)state, index, largest);
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new FrameWriter(output, Kind, Length);
        writer.Write((byte)State);
        writer.Write(ReceiverIndex);
        writer.Write(LargestDatagram);
        writer.Complete();
    }
}
