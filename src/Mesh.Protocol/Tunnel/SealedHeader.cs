using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mesh.Protocol.Tunnel;

/// <summary>What stands in clear in front of a sealed datagram.</summary>
/// <remarks>
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------------------------------------------------------+
/// |                        receiver index                         |
/// +---------------------------------------------------------------+
/// |                            counter                            |
/// |                            64 bits                            |
/// +---------------------------------------------------------------+
/// |                    ciphertext, 0 or more octets               :
/// +---------------------------------------------------------------+
/// |                        tag, 16 octets                         |
/// +---------------------------------------------------------------+
/// </code>
/// Big-endian. The 12 octets of the header are authenticated with the ciphertext. The index names the receiver's state,
/// so a datagram finds its key whatever address it comes from; the counter is the nonce and never repeats under one key.
/// </remarks>
/// <param name="ReceiverIndex">Number that the receiver announced in its <see cref="TunnelHello"/> or <see cref="Rekey"/>.</param>
/// <param name="Counter">Number of the datagram, from 0.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SealedHeader(uint ReceiverIndex, ulong Counter)
{
    /// <summary>Octets of the header.</summary>
    public const int Length = sizeof(uint) + sizeof(ulong);

    /// <summary>Octets of the tag at the end.</summary>
    public const int TagLength = 16;

    /// <summary>Octets that sealing adds to a packet, and the length of the smallest datagram.</summary>
    public const int Overhead = Length + TagLength;

    /// <summary>Cuts a datagram into its parts; false when it is too short to be one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out SealedHeader header, out ReadOnlySpan<byte> ciphertext, out ReadOnlySpan<byte> tag)
    {
        header = default;
        ciphertext = tag = default;
        if (datagram.Length < Overhead)
            return false;
        header = new SealedHeader(BinaryPrimitives.ReadUInt32BigEndian(datagram), BinaryPrimitives.ReadUInt64BigEndian(datagram[sizeof(uint)..]));
        ciphertext = datagram[Length..^TagLength];
        tag = datagram[^TagLength..];
        return true;
    }

    /// <summary>Writes the 12 octets of the header.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination[sizeof(uint)..], Counter);
        BinaryPrimitives.WriteUInt32BigEndian(destination, ReceiverIndex);
    }
}
