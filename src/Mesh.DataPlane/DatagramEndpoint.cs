using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Mesh.DataPlane;

/// <summary>An underlay address and port as a value, so that naming the sender of a packet allocates nothing.</summary>
/// <param name="Address">An IPv6 address, or an IPv4 one as ::ffff:a.b.c.d.</param>
/// <param name="Port">The UDP port.</param>
/// <param name="ScopeId">The interface of a link-local address, otherwise 0.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DatagramEndpoint(UInt128 Address, ushort Port, uint ScopeId = 0)
{
    private static readonly UInt128 MappedPrefix = (UInt128)0xffff << 32;

    /// <summary>Whether the address is an IPv4 one.</summary>
    public bool IsIPv4 => Address >> 32 == 0xffff;

    /// <summary>The value of an <see cref="IPEndPoint"/>.</summary>
    /// <exception cref="ArgumentException">It is neither IPv4 nor IPv6.</exception>
    public static DatagramEndpoint From(IPEndPoint endpoint)
    {
        IPAddress address = endpoint.Address;
        Span<byte> octets = stackalloc byte[16];
        if (!address.TryWriteBytes(octets, out int length))
            throw new ArgumentException($"{endpoint} is not an IP endpoint.", nameof(endpoint));
        return length == 4
            ? new DatagramEndpoint(MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(octets), (ushort)endpoint.Port)
            : new DatagramEndpoint(BinaryPrimitives.ReadUInt128BigEndian(octets), (ushort)endpoint.Port, (uint)address.ScopeId);
    }

    /// <summary>The same as an <see cref="IPEndPoint"/>; an IPv4 address comes out as one.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(octets, Address);
        return new IPEndPoint(IsIPv4 ? new IPAddress(octets[12..]) : new IPAddress(octets, ScopeId), Port);
    }

    /// <inheritdoc/>
    public override string ToString() => ToIPEndPoint().ToString();
}
