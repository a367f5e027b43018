using System.Buffers.Binary;
using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Offload;

/// <summary>Joins packets of one TCP connection or one pair of UDP ports that came one after the other into a super-packet, as a network card does on receipt (GRO): the
/// host's stack then handles them as one.</summary>
/// <remarks>Only what can be cut again into exactly the same packets is joined: same headers, payload in sequence, equal lengths but for the last, right checksums. The
/// caller keeps the octets; a joiner looks at them and, at the end, changes the first packet's headers.</remarks>
public struct PacketJoiner
{
    /// <summary>The longest super-packet.</summary>
    public const int MaxLength = 65_535;

    /// <summary>How many packets are joined at most.</summary>
    public const int MaxPackets = 64;   // UDP_MAX_SEGMENTS of kernels before 6.9

    private const byte OnlyFlagsOfData = 0x10 | Segmentation.Push | Segmentation.Fin;   // ACK, and what may end a run
    private int _segmentSize;
    private int _length;
    private byte _protocol;
    private bool _isOver;
    private bool _isHeadChecked;
    private byte _lastFlags;

    /// <summary>How many packets are joined; 0 where none was begun.</summary>
    public int Count { get; private set; }

    /// <summary>Octets of headers, which joined packets leave out but the first.</summary>
    public int HeaderLength { get; private set; }

    /// <summary>Begins with a packet.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="joinsUdp">Whether the kernel takes super-packets of UDP, too.</param>
    /// <returns>Whether another may be joined to it.</returns>
    public bool Begin(ReadOnlySpan<byte> packet, bool joinsUdp = true)
    {
        this = default;
        if (!TryReadHeaders(packet, out byte protocol, out int headerLength) || (protocol == Segmentation.Udp && !joinsUdp))
            return false;
        (Count, _protocol, HeaderLength) = (1, protocol, headerLength);
        (_length, _segmentSize) = (packet.Length, packet.Length - headerLength);
        if (protocol == Segmentation.Tcp)
        {
            _lastFlags = packet[Ipv6Header.Length + Segmentation.TcpFlagsOffset];
            _isOver = (_lastFlags & (Segmentation.Push | Segmentation.Fin)) != 0;
        }
        return !_isOver;
    }

    /// <summary>Joins another packet where that can be done.</summary>
    /// <param name="head">The packet that it was begun with, unchanged.</param>
    /// <param name="next">The other; what is behind <see cref="HeaderLength"/> is joined.</param>
    public bool TryJoin(ReadOnlySpan<byte> head, ReadOnlySpan<byte> next)
    {
        if (_isOver || Count is 0 or >= MaxPackets || !TryReadHeaders(next, out byte protocol, out int headerLength) || protocol != _protocol || headerLength != HeaderLength)
            return false;
        int payload = next.Length - headerLength;
        if (payload > _segmentSize || _length + payload > MaxLength || !AreOfOneFlow(head, next))
            return false;
        if (!_isHeadChecked && !IsChecksumRight(head))
        {
            _isOver = true;   // let the host's stack see it as it is
            return false;
        }
        _isHeadChecked = true;
        if (!IsChecksumRight(next))
            return false;
        if (protocol == Segmentation.Tcp)
        {
            _lastFlags = next[Ipv6Header.Length + Segmentation.TcpFlagsOffset];
            _isOver = (_lastFlags & (Segmentation.Push | Segmentation.Fin)) != 0;
        }
        _isOver |= payload < _segmentSize;
        _length += payload;
        Count++;
        return true;
    }

    /// <summary>Makes the first packet's headers those of the super-packet.</summary>
    /// <param name="head">The packet that it was begun with.</param>
    /// <returns>What says to the kernel how to cut it again.</returns>
    public readonly VirtioNetHeader Finish(Span<byte> head)
    {
        int upperLength = _length - Ipv6Header.Length;
        BinaryPrimitives.WriteUInt16BigEndian(head[4..], (ushort)upperLength);
        Span<byte> transport = head[Ipv6Header.Length..];
        int checksum = _protocol == Segmentation.Tcp ? Segmentation.TcpChecksum : Segmentation.UdpChecksum;
        if (_protocol == Segmentation.Tcp)
            transport[Segmentation.TcpFlagsOffset] = _lastFlags;
        else
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)upperLength);
        BinaryPrimitives.WriteUInt16BigEndian(transport[checksum..], InternetChecksum.OfPseudoHeader(head[8..40], _protocol, upperLength));
        return new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, _protocol == Segmentation.Tcp ? SegmentationKind.TcpIPv6 : SegmentationKind.Udp,
            (ushort)HeaderLength, (ushort)_segmentSize, Ipv6Header.Length, (ushort)checksum);
    }

    private static bool TryReadHeaders(ReadOnlySpan<byte> packet, out byte protocol, out int headerLength)
    {
        (protocol, headerLength) = (0, 0);
        if (packet.Length < Ipv6Header.Length + Segmentation.UdpHeaderLength || packet[0] >> 4 != 6)
            return false;
        protocol = packet[6];
        ReadOnlySpan<byte> transport = packet[Ipv6Header.Length..];
        if (protocol == Segmentation.Udp)
            headerLength = Ipv6Header.Length + Segmentation.UdpHeaderLength;
        else if (protocol == Segmentation.Tcp && transport.Length >= Segmentation.MinTcpHeaderLength && (transport[Segmentation.TcpFlagsOffset] & ~OnlyFlagsOfData) == 0)
            headerLength = Ipv6Header.Length + Math.Max((transport[12] >> 4) * 4, Segmentation.MinTcpHeaderLength);
        else
            return false;
        return packet.Length > headerLength && BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) == packet.Length - Ipv6Header.Length
            && (protocol == Segmentation.Tcp || BinaryPrimitives.ReadUInt16BigEndian(transport[4..]) == transport.Length);
    }

    // Everything in the headers is the same but for lengths, checksum, flags that may end a run, and the sequence number, which goes on where the last one ended.
    private readonly bool AreOfOneFlow(ReadOnlySpan<byte> head, ReadOnlySpan<byte> next)
    {
        if (!head[..4].SequenceEqual(next[..4]) || !head[6..44].SequenceEqual(next[6..44]))   // traffic class, flow label; hop limit, addresses, ports
            return false;
        if (_protocol == Segmentation.Udp)
            return true;
        const int Sequence = Ipv6Header.Length + 4, Acknowledgement = Sequence + 4, Flags = Ipv6Header.Length + Segmentation.TcpFlagsOffset, Window = Flags + 1, Options = Ipv6Header.Length + 18;
        return BinaryPrimitives.ReadUInt32BigEndian(next[Sequence..]) == BinaryPrimitives.ReadUInt32BigEndian(head[Sequence..]) + (uint)(_length - HeaderLength)
            && head[Acknowledgement..Flags].SequenceEqual(next[Acknowledgement..Flags])
            && ((head[Flags] ^ next[Flags]) & ~(Segmentation.Push | Segmentation.Fin)) == 0
            && head[Window..(Window + 2)].SequenceEqual(next[Window..(Window + 2)])
            && head[Options..HeaderLength].SequenceEqual(next[Options..HeaderLength]);   // the urgent pointer and the options
    }

    // Zero has two forms. Only the one is right that cutting would write again; for UDP the other says that there is no checksum.
    private readonly bool IsChecksumRight(ReadOnlySpan<byte> packet)
    {
        ReadOnlySpan<byte> transport = packet[Ipv6Header.Length..];
        (int field, ushort otherZero) = _protocol == Segmentation.Tcp ? (Segmentation.TcpChecksum, ushort.MaxValue) : (Segmentation.UdpChecksum, (ushort)0);
        return BinaryPrimitives.ReadUInt16BigEndian(transport[field..]) != otherZero && InternetChecksum.OfUpperLayer(packet[8..40], _protocol, transport) == 0;
    }
}
