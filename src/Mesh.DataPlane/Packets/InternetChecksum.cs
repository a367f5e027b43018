using System.Buffers.Binary;

namespace Mesh.DataPlane.Packets;

/// <summary>The ones' complement checksum (RFC 1071) with the IPv6 pseudo-header (RFC 8200 section 8.1).</summary>
public static class InternetChecksum
{
    /// <summary>The checksum of an upper-layer packet whose own checksum field is zero; 0 where the field holds the right one.</summary>
    /// <param name="addresses">Source and destination, 32 octets.</param>
    /// <param name="protocol">The upper layer's protocol number.</param>
    /// <param name="upperLayer">Its packet.</param>
    public static ushort OfUpperLayer(ReadOnlySpan<byte> addresses, byte protocol, ReadOnlySpan<byte> upperLayer)
    {
        ulong sum = Sum(addresses) + (uint)upperLayer.Length + protocol + Sum(upperLayer);
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)~sum;
    }

    private static ulong Sum(ReadOnlySpan<byte> octets)
    {
        ulong sum = 0;
        for (; octets.Length >= 2; octets = octets[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(octets);
        return octets.IsEmpty ? sum : sum + ((uint)octets[0] << 8);
    }
}
