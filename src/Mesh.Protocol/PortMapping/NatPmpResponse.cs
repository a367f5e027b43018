using System.Buffers.Binary;
using System.Net;

namespace Mesh.Protocol.PortMapping;

/// <summary>What a NAT-PMP gateway says to a request (RFC 6886 section 3.5).</summary>
public enum NatPmpResult : ushort
{
    /// <summary>It is done.</summary>
    Success = 0,

    /// <summary>The gateway does not speak this version; a gateway of NAT-PMP says so to requests of PCP.</summary>
    UnsupportedVersion = 1,

    /// <summary>The gateway's policy forbids it.</summary>
    NotAuthorized = 2,

    /// <summary>The gateway has no address at its other side at present.</summary>
    NetworkFailure = 3,

    /// <summary>The gateway has no room.</summary>
    NoResources = 4,

    /// <summary>The gateway does not know the opcode.</summary>
    UnsupportedOpcode = 5,
}

/// <summary>What a NAT-PMP gateway answers, or announces to all (RFC 6886 sections 3.2, 3.3 and 3.5).</summary>
/// <remarks><code>
/// version u8 = 0 | 0x80 and opcode u8 | result u16 | epoch u32, seconds | external address, 4 octets
///                                                                       | internal port u16 | external port u16 | lifetime u32, seconds
/// </code>
/// Answers that tell of an error may end after the epoch, and have other opcodes than we know.</remarks>
/// <param name="Opcode">That of the request.</param>
/// <param name="Result">Whether it is done.</param>
/// <param name="EpochSeconds">For how long the gateway has had its state (section 3.6).</param>
/// <param name="Address">The external address, in the answer to that question.</param>
/// <param name="Map">The mapping, in the answer to a request for one.</param>
public sealed record NatPmpResponse(NatPmpOpcode Opcode, NatPmpResult Result, uint EpochSeconds, IPAddress? Address, NatPmpMapping? Map)
{
    internal const byte Version = 0;

    private const int BodyAt = 8, AddressLength = 4;
    private const byte ResponseFlag = 0x80;

    /// <summary>Reads a datagram; false for anything that is not a response of version 0, or a success without what it is about. What follows is passed over.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NatPmpResponse? response)
    {
        response = null;
        if (datagram.Length < BodyAt || datagram[0] != Version || (datagram[1] & ResponseFlag) == 0)
            return false;
        var opcode = (NatPmpOpcode)(datagram[1] & ~ResponseFlag);
        var result = (NatPmpResult)BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]);
        ReadOnlySpan<byte> body = datagram[BodyAt..];
        IPAddress? address = opcode == NatPmpOpcode.ExternalAddress && body.Length >= AddressLength ? new IPAddress(body[..AddressLength]) : null;
        NatPmpMapping? map = opcode is NatPmpOpcode.MapUdp or NatPmpOpcode.MapTcp && body.Length >= NatPmpMapping.Length ? NatPmpMapping.Of(body) : null;
        if (result == NatPmpResult.Success && address is null && map is null)
            return false;
        response = new NatPmpResponse(opcode, result, BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]), address, map);
        return true;
    }

    /// <summary>The octets of the datagram.</summary>
    /// <exception cref="OverflowException">The lifetime does not fit into 32 bits of seconds.</exception>
    public byte[] Encode()
    {
        byte[] datagram = new byte[BodyAt + (Map is not null ? NatPmpMapping.Length : Address is not null ? AddressLength : 0)];
        datagram[1] = (byte)(ResponseFlag | (byte)Opcode);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)Result);
        BinaryPrimitives.WriteUInt32BigEndian(datagram.AsSpan(4), EpochSeconds);
        Address?.GetAddressBytes().CopyTo(datagram, BodyAt);
        Map?.Write(datagram.AsSpan(BodyAt));
        return datagram;
    }
}
