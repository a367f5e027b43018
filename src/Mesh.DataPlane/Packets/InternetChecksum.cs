using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mesh.DataPlane.Packets;

/// <summary>The ones' complement checksum (RFC 1071) with the IPv6 pseudo-header (RFC 8200 section 8.1).</summary>
/// <remarks>Sums are kept in the machine's own byte order: the ones' complement sum is the same in either, with its octets swapped (RFC 1071 section 2 (B)).</remarks>
public static class InternetChecksum
{
    /// <summary>The checksum of an upper-layer packet whose own checksum field is zero; 0 where the field holds the right one.</summary>
    /// <param name="addresses">Source and destination, 32 octets.</param>
    /// <param name="protocol">The upper layer's protocol number.</param>
    /// <param name="upperLayer">Its packet.</param>
    public static ushort OfUpperLayer(ReadOnlySpan<byte> addresses, byte protocol, ReadOnlySpan<byte> upperLayer) =>
        ToWire((ushort)~Fold(PseudoHeader(addresses, protocol, upperLayer.Length) + Sum(upperLayer)));

    /// <summary>The sum of the pseudo-header alone, not complemented: what a checksum field holds whose rest the kernel or a device computes.</summary>
    public static ushort OfPseudoHeader(ReadOnlySpan<byte> addresses, byte protocol, int upperLayerLength) =>
        ToWire(Fold(PseudoHeader(addresses, protocol, upperLayerLength)));

    /// <summary>The checksum of octets whose checksum field holds the sum of their pseudo-header.</summary>
    public static ushort OfPartial(ReadOnlySpan<byte> octets) => ToWire((ushort)~Fold(Sum(octets)));

    private static ulong PseudoHeader(ReadOnlySpan<byte> addresses, byte protocol, int upperLayerLength) =>
        Sum(addresses) + ToNative((uint)upperLayerLength) + ToNative(protocol);

    // Adds 32 bits at a time into sums of 64: no carry is lost before four thousand million of them.
    private static ulong Sum(ReadOnlySpan<byte> octets)
    {
        ulong sum = 0;
        if (octets.Length >= Vector256<byte>.Count)
        {
            Vector256<ulong> low = default, high = default;
            ref byte start = ref MemoryMarshal.GetReference(octets);
            int end = octets.Length & ~(Vector256<byte>.Count - 1);
            for (int i = 0; i < end; i += Vector256<byte>.Count)
            {
                (Vector256<ulong> a, Vector256<ulong> b) = Vector256.Widen(Vector256.LoadUnsafe(ref start, (nuint)i).AsUInt32());
                low += a;
                high += b;
            }
            sum = Vector256.Sum(low + high);
            octets = octets[end..];
        }
        for (; octets.Length >= sizeof(uint); octets = octets[sizeof(uint)..])
            sum += MemoryMarshal.Read<uint>(octets);
        if (octets.Length >= sizeof(ushort))
        {
            sum += MemoryMarshal.Read<ushort>(octets);
            octets = octets[sizeof(ushort)..];
        }
        return octets.IsEmpty ? sum : sum + (BitConverter.IsLittleEndian ? octets[0] : (uint)octets[0] << 8);
    }

    private static ushort Fold(ulong sum)
    {
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ToNative(uint value) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort ToWire(ushort sum) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(sum) : sum;
}
