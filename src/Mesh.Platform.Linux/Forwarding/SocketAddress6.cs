using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mesh.DataPlane;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>struct sockaddr_in6: <c>family u16 | port u16, big-endian | flow u32 | address, 16 octets | scope u32</c>.</summary>
internal static unsafe class SocketAddress6
{
    public const int Length = 28;
    public const int Family = 10;

    public static void Write(byte* address, in DatagramEndpoint endpoint)
    {
        var octets = new Span<byte>(address, Length);
        octets.Clear();
        MemoryMarshal.Write(octets, (ushort)Family);
        BinaryPrimitives.WriteUInt16BigEndian(octets[2..], endpoint.Port);
        BinaryPrimitives.WriteUInt128BigEndian(octets[8..], endpoint.Address);
        MemoryMarshal.Write(octets[24..], endpoint.ScopeId);
    }

    public static DatagramEndpoint Read(byte* address)
    {
        var octets = new ReadOnlySpan<byte>(address, Length);
        return new DatagramEndpoint(
            BinaryPrimitives.ReadUInt128BigEndian(octets[8..]), BinaryPrimitives.ReadUInt16BigEndian(octets[2..]), MemoryMarshal.Read<uint>(octets[24..]));
    }
}
