using System.Buffers.Binary;
using System.Net;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Simulation.Ranks;

/// <summary>Reads what <see cref="RankWriter"/> wrote. A message that is not what was expected ends the run: the ranks are not one program, or not on one point of it.</summary>
/// <param name="message">The message.</param>
/// <param name="from">Whose it is.</param>
internal sealed class RankReader(ReadOnlyMemory<byte> message, int from)
{
    private int _at;

    /// <summary>Who sent it.</summary>
    public int From => from;

    /// <summary>Octets that are not read yet.</summary>
    public int Left => message.Length - _at;

    public byte Byte() => Take(1)[0];

    public bool Bool() => Byte() switch
    {
        0 => false,
        1 => true,
        byte other => throw Wrong($"{other} where 0 or 1 was expected"),
    };

    public ushort UShort() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public long Long() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public ulong ULong() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    public UInt128 Wide()
    {
        ulong low = ULong();
        return new UInt128(ULong(), low);
    }

    public TimeSpan Time() => new(Long());

    public DateTimeOffset Instant()
    {
        long ticks = Long();
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : throw Wrong($"{ticks} where a moment was expected");
    }

    public ReadOnlySpan<byte> Octets() => Take(Int());

    public string Text() => Encoding.UTF8.GetString(Octets());

    /// <summary>A value of an enumeration.</summary>
    /// <param name="value">As it was written.</param>
    public T Member<T>(int value)
        where T : struct, Enum
    {
        var member = (T)Enum.ToObject(typeof(T), value);
        return Enum.IsDefined(member) ? member : throw Wrong($"{value} where a {typeof(T).Name} was expected");
    }

    public NodePrefix Prefix() => new(Wide(), Byte());

    public Ipv6Prefix Subnet() => new(Wide(), Byte());

    public T? Maybe<T>(Func<T> read)
        where T : class => Bool() ? read() : null;

    public T? MaybeValue<T>(Func<T> read)
        where T : struct => Bool() ? read() : null;

    public T[] List<T>(Func<T> read)
    {
        int count = Int();
        if (count < 0 || count > Left)   // each takes an octet at least
            throw Wrong($"a list of {count} in {Left} octets");
        var list = new T[count];
        for (int i = 0; i < count; i++)
            list[i] = read();
        return list;
    }

    public IPEndPoint EndPoint()
    {
        int length = Byte();
        if (length is not (4 or 16))
            throw Wrong($"an address of {length} octets");
        var address = new IPAddress(Take(length));
        return new IPEndPoint(address, UShort());
    }

    /// <summary>An error that says whose message is wrong.</summary>
    public InvalidDataException Wrong(string what) => new($"rank {from} sent {what}");

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > Left)
            throw Wrong($"{Left} octets where {length} were expected");
        ReadOnlySpan<byte> taken = message.Span.Slice(_at, length);
        _at += length;
        return taken;
    }
}
