using System.Buffers.Binary;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.PortMapping;

/// <summary>A request to a PCP server (RFC 6887 section 7.1).</summary>
/// <remarks><code>version u8 = 2 | opcode u8 | reserved u16 | lifetime u32, seconds | client's address, 16 octets | MAP body where that is the opcode | options, which are passed over</code></remarks>
/// <param name="Opcode">What is asked for.</param>
/// <param name="Lifetime">How long the mapping is to last, in whole seconds; zero ends it.</param>
/// <param name="Client">The client's address; IPv4 as <c>::ffff:a.b.c.d</c>.</param>
/// <param name="Map">The mapping, with the opcode <see cref="PcpOpcode.Map"/> only.</param>
public readonly record struct PcpRequest(PcpOpcode Opcode, TimeSpan Lifetime, Ipv6Address Client, PcpMap? Map)
{
    /// <summary>Reads a datagram; false for anything that is not a request of version 2 with one of the two opcodes.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, out PcpRequest request)
    {
        request = default;
        PcpMap map = default;
        if (!PcpMessage.IsOne(datagram) || (PcpOpcode)datagram[1] is not (PcpOpcode.Announce or PcpOpcode.Map)
            || !Ipv6Address.TryRead(datagram[8..], out Ipv6Address client)
            || (datagram[1] == (byte)PcpOpcode.Map && !PcpMap.TryDecode(datagram[PcpMessage.HeaderLength..], out map)))
        {
            return false;
        }

        request = new PcpRequest((PcpOpcode)datagram[1], TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(datagram[4..])), client, datagram[1] == (byte)PcpOpcode.Map ? map : null);
        return true;
    }

    /// <summary>The octets of the datagram.</summary>
    /// <exception cref="OverflowException">The lifetime does not fit into 32 bits of seconds.</exception>
    public byte[] Encode()
    {
        byte[] datagram = new byte[PcpMessage.HeaderLength + (Map is null ? 0 : PcpMap.Length)];
        (datagram[0], datagram[1]) = (PcpMessage.Version, (byte)Opcode);
        BinaryPrimitives.WriteUInt32BigEndian(datagram.AsSpan(4), checked((uint)Lifetime.TotalSeconds));
        Client.Write(datagram.AsSpan(8));
        Map?.Write(datagram.AsSpan(PcpMessage.HeaderLength));
        return datagram;
    }
}
