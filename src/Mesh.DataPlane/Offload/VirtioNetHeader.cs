using System.Runtime.InteropServices;

namespace Mesh.DataPlane.Offload;

/// <summary>What is before each packet of a TUN device with IFF_VNET_HDR: what the kernel has left to do, or what we leave to it (struct virtio_net_hdr of
/// linux/virtio_net.h).</summary>
/// <remarks><code>
///  0      1         2           4         6           8              10
///  | flags | gso type | hdr len u16 | gso size u16 | csum start u16 | csum offset u16 |      integers in the machine's own order
/// </code></remarks>
/// <param name="Flags"><see cref="NeedsChecksum"/> or 0.</param>
/// <param name="Kind">How the packet is to be cut into segments.</param>
/// <param name="HeaderLength">Octets of headers that each segment repeats. The kernel only gives it as a hint.</param>
/// <param name="SegmentSize">Octets of payload of each segment but the last.</param>
/// <param name="ChecksumStart">Where the checksum begins to count: the transport header.</param>
/// <param name="ChecksumOffset">Where the checksum stands, from <paramref name="ChecksumStart"/>.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct VirtioNetHeader(
    byte Flags, SegmentationKind Kind, ushort HeaderLength, ushort SegmentSize, ushort ChecksumStart, ushort ChecksumOffset)
{
    /// <summary>Octets of the header.</summary>
    public const int Length = 10;

    /// <summary>The checksum field holds the pseudo-header's sum only.</summary>
    public const byte NeedsChecksum = 1;

    private const byte ExplicitCongestion = 0x80;   // or'ed to the type: the first segment alone carries CWR

    /// <summary>Reads a header.</summary>
    /// <returns>False where the octets are too few.</returns>
    public static bool TryRead(ReadOnlySpan<byte> octets, out VirtioNetHeader header)
    {
        header = default;
        if (octets.Length < Length)
            return false;
        header = new VirtioNetHeader(octets[0], (SegmentationKind)(octets[1] & ~ExplicitCongestion), MemoryMarshal.Read<ushort>(octets[2..]),
            MemoryMarshal.Read<ushort>(octets[4..]), MemoryMarshal.Read<ushort>(octets[6..]), MemoryMarshal.Read<ushort>(octets[8..]));
        return true;
    }

    /// <summary>Writes the header into <see cref="Length"/> octets.</summary>
    public void Write(Span<byte> octets)
    {
        octets[0] = Flags;
        octets[1] = (byte)Kind;
        MemoryMarshal.Write(octets[2..], HeaderLength);
        MemoryMarshal.Write(octets[4..], SegmentSize);
        MemoryMarshal.Write(octets[6..], ChecksumStart);
        MemoryMarshal.Write(octets[8..], ChecksumOffset);
    }
}

/// <summary>How a long packet is cut (VIRTIO_NET_HDR_GSO_*).</summary>
public enum SegmentationKind : byte
{
    /// <summary>Not at all: it is one packet.</summary>
    None = 0,

    /// <summary>TCP over IPv4.</summary>
    TcpIPv4 = 1,

    /// <summary>TCP over IPv6.</summary>
    TcpIPv6 = 4,

    /// <summary>UDP: datagrams of equal length.</summary>
    Udp = 5,
}
