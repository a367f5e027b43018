using System.Buffers.Binary;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.PortMapping;

/// <summary>What follows the header where the opcode is MAP (RFC 6887 section 11.1): in a request what is wanted, in a response what is given.</summary>
/// <remarks><code>nonce, 12 octets | protocol u8 | reserved, 3 octets | internal port u16 | external port u16 | external address, 16 octets</code>
/// An IPv4 address stands as <c>::ffff:a.b.c.d</c>. Where the protocol is neither TCP nor UDP the body is refused: nothing else is asked for.</remarks>
/// <param name="Nonce">The mapping's nonce; a response repeats it.</param>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="InternalPort">The client's port.</param>
/// <param name="ExternalPort">In a request the wanted one or 0, in a response the assigned one.</param>
/// <param name="ExternalAddress">In a request the wanted one, or all zeros of its family; in a response the assigned one.</param>
public readonly record struct PcpMap(PcpNonce Nonce, TransportProtocol Protocol, ushort InternalPort, ushort ExternalPort, Ipv6Address ExternalAddress)
{
    /// <summary>Octets of the body.</summary>
    public const int Length = 36;

    private const int ProtocolAt = PcpNonce.Length, InternalPortAt = ProtocolAt + 4, ExternalPortAt = InternalPortAt + 2, AddressAt = ExternalPortAt + 2;

    /// <summary>Reads the body; false where it is too short, or for another protocol. What follows it are options.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out PcpMap map)
    {
        map = default;
        if (body.Length < Length || (TransportProtocol)body[ProtocolAt] is not (TransportProtocol.Tcp or TransportProtocol.Udp)
            || !Ipv6Address.TryRead(body[AddressAt..], out Ipv6Address address))
        {
            return false;
        }

        var nonce = new PcpNonce(BinaryPrimitives.ReadUInt64BigEndian(body), BinaryPrimitives.ReadUInt32BigEndian(body[8..]));
        map = new PcpMap(
            nonce, (TransportProtocol)body[ProtocolAt], BinaryPrimitives.ReadUInt16BigEndian(body[InternalPortAt..]), BinaryPrimitives.ReadUInt16BigEndian(body[ExternalPortAt..]), address);
        return true;
    }

    /// <summary>Writes the <see cref="Length"/> octets of the body.</summary>
    public void Write(Span<byte> body)
    {
        body[..Length].Clear();
        BinaryPrimitives.WriteUInt64BigEndian(body, Nonce.Upper);
        BinaryPrimitives.WriteUInt32BigEndian(body[8..], Nonce.Lower);
        body[ProtocolAt] = (byte)Protocol;
        BinaryPrimitives.WriteUInt16BigEndian(body[InternalPortAt..], InternalPort);
        BinaryPrimitives.WriteUInt16BigEndian(body[ExternalPortAt..], ExternalPort);
        ExternalAddress.Write(body[AddressAt..]);
    }
}
