using System.Buffers.Binary;

namespace Mesh.Protocol.BabelControl;

/// <summary>Framing of the control socket of the patched babeld, a Unix stream socket.</summary>
/// <remarks>
/// The client's first octet is <see cref="Greeting"/>; from then on both sides send packets, big-endian:
/// <code>type u16 | length of the body u32 | body</code>
/// Protocol reference section 8.
/// </remarks>
public static class ControlPacket
{
    /// <summary>What the client sends once, before its first packet.</summary>
    public const byte Greeting = 1;

    /// <summary>Octets before the body.</summary>
    public const int HeaderLength = 6;

    /// <summary>Octets of the longest body that is read. Four arrays of 65535 items take less, but for names of interfaces that nobody has.</summary>
    public const int MaxBodyLength = 10 * 1024 * 1024;

    /// <summary>Type of <see cref="DumpRequest"/> and <see cref="DumpResponse"/>.</summary>
    public const ushort Dump = 1;

    /// <summary>Type of <see cref="SetCostMultiplier"/> and its answer.</summary>
    public const ushort CostMultiplier = 2;

    /// <summary>Reads the first octets of a packet; false where there are fewer than <see cref="HeaderLength"/>, or the body would be longer than <see cref="MaxBodyLength"/>.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> octets, out ushort type, out int bodyLength)
    {
        (type, bodyLength) = (0, 0);
        if (octets.Length < HeaderLength)
            return false;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(octets[sizeof(ushort)..]);
        if (length > MaxBodyLength)
            return false;
        (type, bodyLength) = (BinaryPrimitives.ReadUInt16BigEndian(octets), (int)length);
        return true;
    }

    /// <summary>A packet of our own side.</summary>
    internal static byte[] Encode(ushort type, ReadOnlySpan<byte> body)
    {
        byte[] packet = new byte[HeaderLength + body.Length];
        BinaryPrimitives.WriteUInt16BigEndian(packet, type);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(sizeof(ushort)), (uint)body.Length);
        body.CopyTo(packet.AsSpan(HeaderLength));
        return packet;
    }
}
