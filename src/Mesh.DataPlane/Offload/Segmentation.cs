using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Offload;

/// <summary>Cuts a super-packet, TCP or UDP over IPv6 as the host's stack leaves it (TSO, USO), into packets as they go over a link.</summary>
/// <param name="HeaderLength">Octets of IPv6 and transport headers, which every segment repeats.</param>
/// <param name="TransportOffset">Where the transport header begins.</param>
/// <param name="SegmentSize">Octets of payload of each segment but the last, at least 1.</param>
/// <param name="Kind">TCP or UDP.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Segmentation(int HeaderLength, int TransportOffset, int SegmentSize, SegmentationKind Kind)
{
    internal const byte Tcp = 6, Udp = 17;
    internal const int TcpChecksum = 16, UdpChecksum = 6, UdpHeaderLength = 8, MinTcpHeaderLength = 20;
    internal const int TcpFlagsOffset = 13;
    internal const byte Fin = 0x01, Push = 0x08, CongestionWindowReduced = 0x80;
    private const int TcpSequence = 4;

    /// <summary>Octets of the longest segment, headers and all.</summary>
    public int PacketLength => HeaderLength + SegmentSize;

    /// <summary>How a super-packet is cut.</summary>
    /// <param name="header">What was before it.</param>
    /// <param name="packet">The super-packet.</param>
    /// <param name="segmentation">How.</param>
    /// <returns>False where the header says nothing that fits the packet.</returns>
    public static bool TryFrom(in VirtioNetHeader header, ReadOnlySpan<byte> packet, out Segmentation segmentation)
    {
        segmentation = default;
        int transport = header.ChecksumStart;
        if (transport < Ipv6Header.Length || header.SegmentSize == 0 || packet.Length < Ipv6Header.Length
            || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != packet.Length - Ipv6Header.Length)
            return false;
        int length = header.Kind switch
        {
            SegmentationKind.TcpIPv6 when packet.Length >= transport + MinTcpHeaderLength => (packet[transport + 12] >> 4) * 4,
            SegmentationKind.Udp => UdpHeaderLength,
            _ => 0,
        };
        if (length < (header.Kind == SegmentationKind.Udp ? UdpHeaderLength : MinTcpHeaderLength) || packet.Length <= transport + length)
            return false;
        segmentation = new Segmentation(transport + length, transport, header.SegmentSize, header.Kind);
        return true;
    }

    /// <summary>How many segments a super-packet of this length becomes.</summary>
    public int CountOf(int packetLength) => (packetLength - HeaderLength + SegmentSize - 1) / SegmentSize;

    /// <summary>The length of one segment, headers and all.</summary>
    public int LengthOf(int packetLength, int index) => HeaderLength + Math.Min(SegmentSize, packetLength - HeaderLength - (index * SegmentSize));

    /// <summary>Writes one segment, checksum and all.</summary>
    /// <param name="packet">The super-packet.</param>
    /// <param name="index">Which segment, from 0.</param>
    /// <param name="destination"><see cref="LengthOf"/> octets.</param>
    public void Write(ReadOnlySpan<byte> packet, int index, Span<byte> destination)
    {
        int start = HeaderLength + (index * SegmentSize);
        int payload = destination.Length - HeaderLength;
        packet[..HeaderLength].CopyTo(destination);
        packet.Slice(start, payload).CopyTo(destination[HeaderLength..]);

        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)(destination.Length - Ipv6Header.Length));
        Span<byte> transport = destination[TransportOffset..];
        Span<byte> checksum;
        byte protocol;
        if (Kind == SegmentationKind.TcpIPv6)
        {
            protocol = Tcp;
            checksum = transport[TcpChecksum..];
            BinaryPrimitives.WriteUInt32BigEndian(transport[TcpSequence..], BinaryPrimitives.ReadUInt32BigEndian(transport[TcpSequence..]) + (uint)(index * SegmentSize));
            if (index > 0)
                transport[TcpFlagsOffset] &= unchecked((byte)~CongestionWindowReduced);
            if (start + payload < packet.Length)
                transport[TcpFlagsOffset] &= unchecked((byte)~(Fin | Push));
        }
        else
        {
            protocol = Udp;
            checksum = transport[UdpChecksum..];
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        }
        checksum[0] = checksum[1] = 0;
        ushort sum = InternetChecksum.OfUpperLayer(destination[8..40], protocol, transport);
        if (sum == 0 && protocol == Udp)
            sum = 0xffff;   // zero would say that there is none (RFC 8200 section 8.1)
        BinaryPrimitives.WriteUInt16BigEndian(checksum, sum);
    }

    /// <summary>Computes the checksum that the host's stack has left to the device.</summary>
    /// <returns>False where the header says nothing that fits the packet.</returns>
    public static bool TryCompleteChecksum(in VirtioNetHeader header, Span<byte> packet)
    {
        int field = header.ChecksumStart + header.ChecksumOffset;
        if (field + 2 > packet.Length)
            return false;
        ushort sum = InternetChecksum.OfPartial(packet[header.ChecksumStart..]);
        if (sum == 0 && header.ChecksumOffset == UdpChecksum)
            sum = 0xffff;
        BinaryPrimitives.WriteUInt16BigEndian(packet[field..], sum);
        return true;
    }
}
