using System.Buffers.Binary;
using System.Net;
using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.Tests;

/// <summary>Addresses and packets for tests.</summary>
internal static class Ipv6
{
    public const byte Udp = 17;
    public const byte Icmp = 58;

    public static UInt128 Address(string text) => BinaryPrimitives.ReadUInt128BigEndian(IPAddress.Parse(text).GetAddressBytes());

    public static byte[] Packet(string source, string destination, int length = 100, byte nextHeader = Udp, byte hopLimit = 64, byte fill = 0xa5)
    {
        var packet = new byte[length];
        packet.AsSpan(Ipv6Header.Length).Fill(fill);
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(length - Ipv6Header.Length));
        packet[6] = nextHeader;
        packet[7] = hopLimit;
        BinaryPrimitives.WriteUInt128BigEndian(packet.AsSpan(8), Address(source));
        BinaryPrimitives.WriteUInt128BigEndian(packet.AsSpan(24), Address(destination));
        return packet;
    }
}
