using System.Buffers;
using System.Buffers.Binary;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.BabelControl;

/// <summary>Puts the body of a control packet together.</summary>
internal sealed class ControlWriter
{
    private readonly ArrayBufferWriter<byte> _output = new();

    public ReadOnlySpan<byte> Written => _output.WrittenSpan;

    public void Byte(byte value) => _output.Write([value]);

    public void Octets(ReadOnlySpan<byte> octets) => _output.Write(octets);

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_output.GetSpan(sizeof(ushort)), value);
        _output.Advance(sizeof(ushort));
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_output.GetSpan(sizeof(uint)), value);
        _output.Advance(sizeof(uint));
    }

    public void Address(Ipv6Address address)
    {
        address.Write(_output.GetSpan(Ipv6Address.Length));
        _output.Advance(Ipv6Address.Length);
    }

    public void Prefix(Ipv6Prefix prefix)
    {
        Address(prefix.First);
        Byte((byte)prefix.Length);
    }
}
