using System.Buffers.Binary;

namespace Mesh.Protocol.PortMapping;

/// <summary>What is asked of a NAT-PMP gateway.</summary>
public enum NatPmpOpcode : byte
{
    /// <summary>Which address does it have at its other side?</summary>
    ExternalAddress = 0,

    /// <summary>A UDP port is to be mapped, or its mapping to end.</summary>
    MapUdp = 1,

    /// <summary>A TCP port is to be mapped, or its mapping to end.</summary>
    MapTcp = 2,
}

/// <summary>A request to a NAT-PMP gateway (RFC 6886 sections 3.2 and 3.3).</summary>
/// <remarks><code>
/// version u8 = 0 | opcode u8 = 0
/// version u8 = 0 | opcode u8 = 1, 2 | reserved u16 | internal port u16 | wanted external port u16 | lifetime u32, seconds
/// </code></remarks>
/// <param name="Opcode">What is asked.</param>
/// <param name="Map">The mapping, where one is asked for.</param>
public readonly record struct NatPmpRequest(NatPmpOpcode Opcode, NatPmpMapping? Map)
{
    private const int ShortLength = 2, MapAt = 4, MapLength = MapAt + NatPmpMapping.Length;

    /// <summary>Reads a datagram; false for anything else. What follows is passed over.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, out NatPmpRequest request)
    {
        request = default;
        if (datagram.Length < ShortLength || datagram[0] != NatPmpResponse.Version || datagram[1] > (byte)NatPmpOpcode.MapTcp)
            return false;
        var opcode = (NatPmpOpcode)datagram[1];
        if (opcode != NatPmpOpcode.ExternalAddress && datagram.Length < MapLength)
            return false;
        request = new NatPmpRequest(opcode, opcode == NatPmpOpcode.ExternalAddress ? null : NatPmpMapping.Of(datagram[MapAt..]));
        return true;
    }

    /// <summary>The octets of the datagram.</summary>
    /// <exception cref="OverflowException">The lifetime does not fit into 32 bits of seconds.</exception>
    public byte[] Encode()
    {
        byte[] datagram = new byte[Map is null ? ShortLength : MapLength];
        datagram[1] = (byte)Opcode;
        Map?.Write(datagram.AsSpan(MapAt));
        return datagram;
    }
}

/// <summary>A mapping of NAT-PMP, as it is wanted or as it is given.</summary>
/// <param name="InternalPort">The client's port.</param>
/// <param name="ExternalPort">The gateway's port; 0 in a request for none in particular.</param>
/// <param name="Lifetime">How long it lasts, in whole seconds; zero ends it.</param>
public readonly record struct NatPmpMapping(ushort InternalPort, ushort ExternalPort, TimeSpan Lifetime)
{
    internal const int Length = 8;

    // The caller has counted.
    internal static NatPmpMapping Of(ReadOnlySpan<byte> octets) => new(
        BinaryPrimitives.ReadUInt16BigEndian(octets), BinaryPrimitives.ReadUInt16BigEndian(octets[2..]), TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(octets[4..])));

    internal void Write(Span<byte> octets)
    {
        BinaryPrimitives.WriteUInt16BigEndian(octets, InternalPort);
        BinaryPrimitives.WriteUInt16BigEndian(octets[2..], ExternalPort);
        BinaryPrimitives.WriteUInt32BigEndian(octets[4..], checked((uint)Lifetime.TotalSeconds));
    }
}
