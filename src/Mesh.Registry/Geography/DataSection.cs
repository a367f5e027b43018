using System.Text;

namespace Mesh.Registry.Geography;

/// <summary>Types of values in a MaxMind DB file.</summary>
internal enum DataType
{
    /// <summary>The type is in the next octet.</summary>
    Extended = 0,

    /// <summary>The value is elsewhere in the section.</summary>
    Pointer = 1,

    /// <summary>UTF-8.</summary>
    Text = 2,

    /// <summary>8 octets.</summary>
    Double = 3,

    /// <summary>Octets.</summary>
    Bytes = 4,

    /// <summary>Up to 2 octets.</summary>
    UInt16 = 5,

    /// <summary>Up to 4 octets.</summary>
    UInt32 = 6,

    /// <summary>Keys and values; the size counts pairs.</summary>
    Map = 7,

    /// <summary>Up to 4 octets.</summary>
    Int32 = 8,

    /// <summary>Up to 8 octets.</summary>
    UInt64 = 9,

    /// <summary>Up to 16 octets.</summary>
    UInt128 = 10,

    /// <summary>Values; the size counts them.</summary>
    Array = 11,

    /// <summary>Only while a file is being made.</summary>
    CacheContainer = 12,

    /// <summary>Only while a file is being made.</summary>
    EndMarker = 13,

    /// <summary>The size is the value.</summary>
    Boolean = 14,

    /// <summary>4 octets.</summary>
    Float = 15,
}

/// <summary>What a search in a map came to.</summary>
internal enum MapSearch
{
    /// <summary>The key is there.</summary>
    Found,

    /// <summary>The key is not there.</summary>
    Absent,

    /// <summary>It is no map, or it cannot be read.</summary>
    Broken,
}

/// <summary>Values of a MaxMind DB file (format 2.0): its data section, or its metadata, which is encoded in the same way.</summary>
/// <remarks>
/// <code>
/// control octet   ttt sssss          type 1..7, size; type 0: the next octet is the type less 7
///    size 0..28: itself    29: 29 + next octet    30: 285 + next two    31: 65821 + next three
/// pointer         001 nn vvv         n = 0: vvv and 1 octet    1: 2048 + vvv and 2    2: 526336 + vvv and 3    3: 4 octets
/// </code>
/// Offsets of pointers count from the begin of the section. A pointer to a pointer is not allowed, so one step at most is taken and no file can lead in a circle.
/// Values that are passed over are counted and not entered, so depth costs nothing; every value takes one from a budget that the caller sets.
/// </remarks>
internal readonly ref struct DataSection(ReadOnlySpan<byte> octets)
{
    private const int PointerSizes = 4;

    private readonly ReadOnlySpan<byte> _octets = octets;

    /// <summary>Looks a key up in the map at an offset.</summary>
    /// <param name="map">Offset of the map, or of a pointer to it.</param>
    /// <param name="key">The key, UTF-8.</param>
    /// <param name="budget">How many values may be looked at; counts down.</param>
    /// <param name="value">Offset of the value, when there is one.</param>
    public MapSearch Find(long map, ReadOnlySpan<byte> key, ref long budget, out long value)
    {
        value = 0;
        if (!TryOpen(map, out DataType type, out long pairs, out long at) || type != DataType.Map)
            return MapSearch.Broken;
        for (; pairs > 0; pairs--)
        {
            long name = at;
            if (!TryReadText(name, out ReadOnlySpan<byte> text) || !TrySkip(ref at, ref budget))
                return MapSearch.Broken;
            if (text.SequenceEqual(key))
            {
                value = at;
                return MapSearch.Found;
            }

            if (!TrySkip(ref at, ref budget))
                return MapSearch.Broken;
        }

        return MapSearch.Absent;
    }

    /// <summary>Reads the text at an offset, or that to which a pointer there leads.</summary>
    public bool TryReadText(long offset, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!TryOpen(offset, out DataType type, out long size, out long at) || type != DataType.Text)
            return false;
        text = _octets.Slice((int)at, (int)size);
        return true;
    }

    /// <summary>Reads the unsigned number of up to 8 octets at an offset, or that to which a pointer there leads.</summary>
    public bool TryReadNumber(long offset, out ulong number)
    {
        number = 0;
        if (!TryOpen(offset, out DataType type, out long size, out long at) || type is not (DataType.UInt16 or DataType.UInt32 or DataType.UInt64))
            return false;
        foreach (byte octet in _octets.Slice((int)at, (int)size))
            number = (number << 8) | octet;
        return true;
    }

    /// <summary>The texts of a metadata value, for people: at most <paramref name="max"/> characters, none of them a control character.</summary>
    public string ReadLabel(long offset, int max)
    {
        if (!TryReadText(offset, out ReadOnlySpan<byte> text))
            return "";
        string label = Encoding.UTF8.GetString(text[..Math.Min(text.Length, max)]);
        return string.Concat(label.Where(static c => !char.IsControl(c)));
    }

    // Past a value and all that is in it. Pointers are values of their own here: what they lead to is not entered.
    private bool TrySkip(ref long offset, ref long budget)
    {
        for (long pending = 1; pending > 0; pending--)
        {
            if (--budget < 0 || !TryReadHead(ref offset, out DataType type, out long size))
                return false;
            switch (type)
            {
                case DataType.Map:
                    pending += 2 * size;
                    break;
                case DataType.Array:
                    pending += size;
                    break;
                case DataType.Pointer or DataType.Boolean:
                    break;
                default:
                    offset += size;
                    break;
            }
        }

        return true;
    }

    // Type and size of the value at an offset or behind a pointer there, and where its octets begin, which are all there.
    private bool TryOpen(long offset, out DataType type, out long size, out long at)
    {
        at = offset;
        if (!TryReadHead(ref at, out type, out size))
            return false;
        if (type != DataType.Pointer)
            return true;
        at = size;
        return TryReadHead(ref at, out type, out size) && type != DataType.Pointer;
    }

    // Leaves the offset behind the head. The size of a pointer is the offset to which it leads.
    private bool TryReadHead(ref long offset, out DataType type, out long size)
    {
        (type, size) = (DataType.Extended, 0);
        if (!TryReadOctet(ref offset, out byte control))
            return false;
        type = (DataType)(control >> 5);
        if (type == DataType.Pointer)
            return TryReadPointer(ref offset, control, out size);
        if (type == DataType.Extended)
        {
            if (!TryReadOctet(ref offset, out byte extended))
                return false;
            type = (DataType)(extended + (int)DataType.Map);
        }

        size = control & 0x1f;
        if (size >= 29 && !TryReadSize(ref offset, ref size))
            return false;
        return IsSize(type, size) && (type is DataType.Map or DataType.Array or DataType.Boolean || size <= _octets.Length - offset);
    }

    private bool TryReadSize(ref long offset, ref long size)
    {
        int count = (int)size - 28;
        if (!TryReadBigEndian(ref offset, count, out uint more))
            return false;
        size = more + count switch { 1 => 29, 2 => 285, _ => 65_821 };
        return true;
    }

    private bool TryReadPointer(ref long offset, byte control, out long target)
    {
        int size = (control >> 3) & 3;
        target = 0;
        if (!TryReadBigEndian(ref offset, size + 1, out uint low))
            return false;
        long high = size == PointerSizes - 1 ? 0 : (control & 7L) << (8 * (size + 1));
        target = (high | low) + size switch { 1 => 2048, 2 => 526_336, _ => 0 };
        return true;
    }

    private bool TryReadBigEndian(ref long offset, int count, out uint number)
    {
        number = 0;
        if (count > _octets.Length - offset)
            return false;
        foreach (byte octet in _octets.Slice((int)offset, count))
            number = (number << 8) | octet;
        offset += count;
        return true;
    }

    private bool TryReadOctet(ref long offset, out byte octet)
    {
        octet = 0;
        if (offset < 0 || offset >= _octets.Length)
            return false;
        octet = _octets[(int)offset++];
        return true;
    }

    private static bool IsSize(DataType type, long size) => type switch
    {
        DataType.Text or DataType.Bytes or DataType.Map or DataType.Array => true,
        DataType.Double => size == sizeof(double),
        DataType.Float => size == sizeof(float),
        DataType.UInt16 => size <= sizeof(ushort),
        DataType.UInt32 or DataType.Int32 => size <= sizeof(uint),
        DataType.UInt64 => size <= sizeof(ulong),
        DataType.UInt128 => size <= 16,
        DataType.Boolean => size <= 1,
        _ => false,
    };
}
