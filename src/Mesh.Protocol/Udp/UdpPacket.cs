using System.Buffers.Binary;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Udp;

/// <summary>A UDP datagram (RFC 768) in its IPv6 packet.</summary>
/// <remarks>
/// <code>
/// IPv6 header, 40 octets (RFC 8200 section 3): version 6, next header 17
/// | source port u16 | destination port u16 | length u16 | checksum u16 | data
/// </code>
/// </remarks>
/// <param name="Source">Sender.</param>
/// <param name="SourcePort">Port of the sender.</param>
/// <param name="Destination">Receiver.</param>
/// <param name="DestinationPort">Port of the receiver.</param>
/// <param name="Data">What the datagram carries.</param>
public readonly record struct UdpPacket(Ipv6Address Source, ushort SourcePort, Ipv6Address Destination, ushort DestinationPort, ReadOnlyMemory<byte> Data)
{
    /// <summary>Octets in front of the data.</summary>
    public const int HeaderLength = Ipv6HeaderLength + UdpHeaderLength;

    /// <summary>Octets of the most data that one packet carries.</summary>
    public const int MaxDataLength = ushort.MaxValue - UdpHeaderLength;

    /// <summary>Number of UDP among the protocols above IP.</summary>
    public const byte NextHeader = 17;

    private const int Ipv6HeaderLength = 40;
    private const int UdpHeaderLength = 8;

    /// <summary>Reads a packet; false for anything that is not a whole, unfragmented UDP datagram with a right checksum, which IPv6 does not leave out.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> packet, out UdpPacket datagram)
    {
        datagram = default;
        if (packet.Length < HeaderLength || packet[0] >> 4 != 6 || packet[6] != NextHeader
            || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != packet.Length - Ipv6HeaderLength)
        {
            return false;
        }

        ReadOnlySpan<byte> message = packet[Ipv6HeaderLength..];
        if (BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != message.Length || BinaryPrimitives.ReadUInt16BigEndian(message[6..]) == 0
            || TransportChecksum.Of(packet, NextHeader) != 0
            || !Ipv6Address.TryRead(packet[8..], out Ipv6Address source) || !Ipv6Address.TryRead(packet[24..], out Ipv6Address destination))
        {
            return false;
        }

        datagram = new UdpPacket(
            source, BinaryPrimitives.ReadUInt16BigEndian(message), destination, BinaryPrimitives.ReadUInt16BigEndian(message[2..]), message[UdpHeaderLength..].ToArray());
        return true;
    }

    /// <summary>The whole packet.</summary>
    /// <exception cref="OverflowException">There is too much data for one packet.</exception>
    public byte[] Encode(byte hopLimit = 64)
    {
        byte[] packet = new byte[HeaderLength + Data.Length];
        ushort length = checked((ushort)(UdpHeaderLength + Data.Length));
        packet[0] = 6 << 4;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), length);
        packet[6] = NextHeader;
        packet[7] = hopLimit;
        Source.Write(packet.AsSpan(8));
        Destination.Write(packet.AsSpan(24));
        Span<byte> message = packet.AsSpan(Ipv6HeaderLength);
        BinaryPrimitives.WriteUInt16BigEndian(message, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], DestinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], length);
        Data.Span.CopyTo(message[UdpHeaderLength..]);
        ushort checksum = TransportChecksum.Of(packet, NextHeader);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], checksum == 0 ? ushort.MaxValue : checksum);   // 0 would mean that there is none
        return packet;
    }

    /// <summary>Same addresses, ports and data.</summary>
    public bool Equals(UdpPacket other) =>
        Source == other.Source && SourcePort == other.SourcePort && Destination == other.Destination && DestinationPort == other.DestinationPort && Data.Span.SequenceEqual(other.Data.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => (Source.GetHashCode() * 31) + Destination.GetHashCode() + SourcePort + DestinationPort;
}
