using System.Buffers;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.Tunnel;

/// <summary>A new index and key for the datagrams that are sent to the sender of this message. The counter starts again.</summary>
/// <remarks>
/// <code>receiver index u32 | key, 32 octets</code>
/// The sender of this message opens both generations until the first datagram of the new one arrives, so nothing is lost.
/// </remarks>
/// <param name="ReceiverIndex">Number that the datagrams begin with.</param>
/// <param name="Key">Key that they are sealed with.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Rekey(uint ReceiverIndex, TunnelKey Key)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 6;

    private const int Length = sizeof(uint) + TunnelKey.Length;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out Rekey rekey)
    {
        rekey = default;
        var reader = new WireReader(payload);
        if (payload.Length != Length || !reader.TryReadUInt32(out uint index) || !reader.TryReadBytes(TunnelKey.Length, out ReadOnlySpan<byte> key))
            return false;
        rekey = new Rekey(index, new TunnelKey(key));
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new FrameWriter(output, Kind, Length);
        writer.Write(ReceiverIndex);
        writer.Write(Key);
        writer.Complete();
    }
}
