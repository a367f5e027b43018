using System.Runtime.InteropServices;
using System.Text;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Writes one netlink message (RFC 3549 section 2.3.2). Integers are in the machine's own order.</summary>
/// <remarks><code>
///  length u32 | type u16 | flags u16 | sequence u32 | port u32 | family header | attributes
///  an attribute: length u16 | type u16 | value, padded to 4 octets
/// </code></remarks>
internal sealed class NetlinkRequest
{
    public const int HeaderLength = 16;

    private readonly byte[] _buffer = new byte[1024];
    private int _length = HeaderLength;

    public NetlinkRequest(ushort type, ushort flags)
    {
        MemoryMarshal.Write(_buffer.AsSpan(4), type);
        MemoryMarshal.Write(_buffer.AsSpan(6), flags);
    }

    public NetlinkRequest Put(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_buffer.AsSpan(_length));
        _length += Align(value.Length);
        return this;
    }

    public NetlinkRequest Put<T>(in T value)
        where T : unmanaged => Put(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    public NetlinkRequest Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        int start = Begin(type);
        Put(value);
        MemoryMarshal.Write(_buffer.AsSpan(start), (ushort)(4 + value.Length));
        return this;
    }

    public NetlinkRequest Attribute(ushort type, uint value) => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value)));

    public NetlinkRequest Attribute(ushort type, string value) => Attribute(type, [.. Encoding.UTF8.GetBytes(value), 0]);

    public NetlinkRequest Nested(ushort type, Action<NetlinkRequest> content)
    {
        int start = Begin(type);
        content(this);
        MemoryMarshal.Write(_buffer.AsSpan(start), (ushort)(_length - start));
        return this;
    }

    public ReadOnlySpan<byte> Finish(uint sequence)
    {
        MemoryMarshal.Write(_buffer, _length);
        MemoryMarshal.Write(_buffer.AsSpan(8), sequence);
        return _buffer.AsSpan(0, _length);
    }

    public static int Align(int length) => (length + 3) & ~3;

    private int Begin(ushort type)
    {
        int start = _length;
        MemoryMarshal.Write(_buffer.AsSpan(start + 2), type);
        _length += 4;
        return start;
    }
}
