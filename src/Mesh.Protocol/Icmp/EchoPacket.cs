using System.Buffers.Binary;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Icmp;

/// <summary>An ICMPv6 echo request or reply (RFC 4443 sections 4.1 and 4.2) in its IPv6 packet.</summary>
/// <remarks>
/// <code>
/// IPv6 header, 40 octets (RFC 8200 section 3): version 6, next header 58
/// | type u8: 128 request, 129 reply | code u8 | checksum u16 | identifier u16 | sequence u16 | data
/// </code>
/// </remarks>
/// <param name="Source">Sender.</param>
/// <param name="Destination">Receiver.</param>
/// <param name="IsReply">Reply or request.</param>
/// <param name="Identifier">Tells one pinger from another.</param>
/// <param name="Sequence">Tells one request from another.</param>
/// <param name="Data">Comes back unchanged.</param>
public readonly record struct EchoPacket(
    Ipv6Address Source, Ipv6Address Destination, bool IsReply, ushort Identifier, ushort Sequence, ReadOnlyMemory<byte> Data)
{
    /// <summary>Octets in front of the data.</summary>
    public const int HeaderLength = Ipv6HeaderLength + 8;

    private const int Ipv6HeaderLength = 40;
    private const byte NextHeaderIcmpv6 = 58;
    private const byte EchoRequest = 128;
    private const byte EchoReply = 129;

    /// <summary>Reads a packet; false for anything that is not a whole, unfragmented echo message with a right checksum.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> packet, out EchoPacket echo)
    {
        echo = default;
        if (packet.Length < HeaderLength || packet[0] >> 4 != 6 || packet[6] != NextHeaderIcmpv6
            || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) != packet.Length - Ipv6HeaderLength)
        {
            return false;
        }

        ReadOnlySpan<byte> message = packet[Ipv6HeaderLength..];
        if (message[0] is not (EchoRequest or EchoReply) || message[1] != 0 || TransportChecksum.Of(packet, NextHeaderIcmpv6) != 0
            || !Ipv6Address.TryRead(packet[8..], out Ipv6Address source) || !Ipv6Address.TryRead(packet[24..], out Ipv6Address destination))
        {
            return false;
        }

        echo = new EchoPacket(
            source, destination, message[0] == EchoReply, BinaryPrimitives.ReadUInt16BigEndian(message[4..]), BinaryPrimitives.ReadUInt16BigEndian(message[6..]), message[8..].ToArray());
        return true;
    }

    /// <summary>The answer to a request.</summary>
    public EchoPacket ToReply() => this with { Source = Destination, Destination = Source, IsReply = true };

    /// <summary>The whole packet.</summary>
    /// <exception cref="OverflowException">There is too much data for one packet.</exception>
    public byte[] Encode(byte hopLimit = 64)
    {
        byte[] packet = new byte[HeaderLength + Data.Length];
        packet[0] = 6 << 4;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), checked((ushort)(packet.Length - Ipv6HeaderLength)));
        packet[6] = NextHeaderIcmpv6;
        packet[7] = hopLimit;
        Source.Write(packet.AsSpan(8));
        Destination.Write(packet.AsSpan(24));
        Span<byte> message = packet.AsSpan(Ipv6HeaderLength);
        message[0] = IsReply ? EchoReply : EchoRequest;
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], Identifier);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], Sequence);
        Data.Span.CopyTo(message[8..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], TransportChecksum.Of(packet, NextHeaderIcmpv6));
        return packet;
    }
}
