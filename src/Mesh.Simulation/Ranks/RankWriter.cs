using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Ranks;

/// <summary>Writes a message from rank to rank: numbers little-endian, texts and octets after their length (u32). <see cref="RankReader"/> has a method of the same name for each.</summary>
internal sealed class RankWriter
{
    private readonly ArrayBufferWriter<byte> _octets = new(256);

    /// <summary>What was written since the last <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Written => _octets.WrittenMemory;

    public void Clear() => _octets.ResetWrittenCount();

    public void Byte(byte value)
    {
        _octets.GetSpan(1)[0] = value;
        _octets.Advance(1);
    }

    public void Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UShort(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_octets.GetSpan(sizeof(ushort)), value);
        _octets.Advance(sizeof(ushort));
    }

    public void Int(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_octets.GetSpan(sizeof(int)), value);
        _octets.Advance(sizeof(int));
    }

    public void Long(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_octets.GetSpan(sizeof(long)), value);
        _octets.Advance(sizeof(long));
    }

    public void ULong(ulong value) => Long(unchecked((long)value));

    public void Wide(UInt128 value)
    {
        ULong((ulong)value);
        ULong((ulong)(value >> 64));
    }

    public void Time(TimeSpan value) => Long(value.Ticks);

    public void Instant(DateTimeOffset value) => Long(value.UtcTicks);

    public void Octets(ReadOnlySpan<byte> value)
    {
        Int(value.Length);
        _octets.Write(value);
    }

    public void Text(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Int(length);
        _octets.Advance(Encoding.UTF8.GetBytes(value, _octets.GetSpan(length)));
    }

    /// <summary>Bits, right-aligned, and their number.</summary>
    public void Prefix(NodePrefix value)
    {
        Wide(value.Value);
        Byte((byte)value.Length);
    }

    /// <summary>Bits, left-aligned, and their number.</summary>
    public void Subnet(Ipv6Prefix value)
    {
        Wide(value.Bits);
        Byte((byte)value.Length);
    }

    /// <summary>Whether there is a value, and then the value.</summary>
    public void Maybe<T>(T? value, Action<T> write)
        where T : class
    {
        Bool(value is not null);
        if (value is not null)
            write(value);
    }

    /// <summary>Whether there is a value, and then the value.</summary>
    public void Maybe<T>(T? value, Action<T> write)
        where T : struct
    {
        Bool(value is not null);
        if (value is { } there)
            write(there);
    }

    /// <summary>How many, and then each.</summary>
    public void List<T>(IReadOnlyCollection<T> values, Action<T> write)
    {
        Int(values.Count);
        foreach (T value in values)
            write(value);
    }

    /// <summary>Octets of the address (4 or 16), the address, the port.</summary>
    public void EndPoint(IPEndPoint value)
    {
        Span<byte> address = _octets.GetSpan(17)[..17];
        value.Address.TryWriteBytes(address[1..], out int length);
        address[0] = (byte)length;
        _octets.Advance(1 + length);
        UShort((ushort)value.Port);
    }
}
