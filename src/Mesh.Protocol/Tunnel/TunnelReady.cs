using System.Buffers;

namespace Mesh.Protocol.Tunnel;

/// <summary>Answer to a <see cref="TunnelHello"/>: the cipher of the tunnel's datagrams.</summary>
/// <remarks>
/// <code>cipher u8</code>
/// The side that opened the tunnel chooses, and the other confirms by sending the same; it holds for both directions. A side that gets
/// another cipher than was agreed, or one that it did not offer, closes the tunnel.
/// </remarks>
/// <param name="Cipher">Never 0.</param>
public readonly record struct TunnelReady(SealingCipher Cipher)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 2;

    private const int Length = 1;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out TunnelReady ready)
    {
        ready = default;
        if (payload.Length != Length || payload[0] == 0)
            return false;
        ready = new TunnelReady((SealingCipher)payload[0]);
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new FrameWriter(output, Kind, Length);
        writer.Write((byte)Cipher);
        writer.Complete();
    }
}
