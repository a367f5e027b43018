using System.Buffers.Binary;

namespace Mesh.Protocol.PortMapping;

/// <summary>What a PCP server answers, or announces to all (RFC 6887 section 7.2).</summary>
/// <remarks><code>version u8 = 2 | 0x80 and opcode u8 | reserved u8 | result u8 | lifetime u32, seconds | epoch u32, seconds | reserved, 12 octets | MAP body | options, which are passed over</code></remarks>
/// <param name="Opcode">That of the request.</param>
/// <param name="Result">Whether it is done.</param>
/// <param name="Lifetime">How long the mapping lasts; with an error, how long it is of no use to ask again.</param>
/// <param name="EpochSeconds">For how long the server has had its state (section 8.5).</param>
/// <param name="Map">The mapping. With an error it may be missing.</param>
public readonly record struct PcpResponse(PcpOpcode Opcode, PcpResult Result, TimeSpan Lifetime, uint EpochSeconds, PcpMap? Map)
{
    /// <summary>Reads a datagram; false for anything that is not a response of version 2 to one of the two opcodes, or a success without its mapping.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, out PcpResponse response)
    {
        response = default;
        if (!PcpMessage.IsOne(datagram) || (datagram[1] & PcpMessage.ResponseFlag) == 0)
            return false;
        var opcode = (PcpOpcode)(datagram[1] & ~PcpMessage.ResponseFlag);
        var result = (PcpResult)datagram[3];
        PcpMap? map = opcode == PcpOpcode.Map && PcpMap.TryDecode(datagram[PcpMessage.HeaderLength..], out PcpMap body) ? body : null;
        if (opcode is not (PcpOpcode.Announce or PcpOpcode.Map) || (opcode == PcpOpcode.Map && result == PcpResult.Success && map is null))
            return false;
        response = new PcpResponse(opcode, result, TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(datagram[4..])), BinaryPrimitives.ReadUInt32BigEndian(datagram[8..]), map);
        return true;
    }

    /// <summary>The octets of the datagram.</summary>
    /// <exception cref="OverflowException">The lifetime does not fit into 32 bits of seconds.</exception>
    public byte[] Encode()
    {
        byte[] datagram = new byte[PcpMessage.HeaderLength + (Map is null ? 0 : PcpMap.Length)];
        (datagram[0], datagram[1], datagram[3]) = (PcpMessage.Version, (byte)(PcpMessage.ResponseFlag | (byte)Opcode), (byte)Result);
        BinaryPrimitives.WriteUInt32BigEndian(datagram.AsSpan(4), checked((uint)Lifetime.TotalSeconds));
        BinaryPrimitives.WriteUInt32BigEndian(datagram.AsSpan(8), EpochSeconds);
        Map?.Write(datagram.AsSpan(PcpMessage.HeaderLength));
        return datagram;
    }
}
