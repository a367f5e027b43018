using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Mesh.Registry.Tests.Geography;

/// <summary>Writes MaxMind DB files, as far as tests need them, and wrong ones where a test asks for it.</summary>
internal sealed class DatabaseWriter(int recordBits = 24, bool isIpv6 = true)
{
    private const int SmallestOfSize1 = 2048, SmallestOfSize2 = 526_336;

    private readonly Branch _root = new();
    private readonly Dictionary<string, int> _offsets = new(StringComparer.Ordinal);
    private readonly List<(string Key, byte[] Value)> _metadata = [];

    /// <summary>Octets of the pointers less one, 0..3, by which keys, codes and maps are written; null writes them in place.</summary>
    public int? PointerSize { get; init; }

    /// <summary>What the data section has behind everything else.</summary>
    public byte[] Extra { get; init; } = [];

    public static byte[] Text(string text) => [.. Head(2, Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] Number(ulong number, int type = 6)
    {
        Span<byte> octets = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(octets, number);
        ReadOnlySpan<byte> used = octets.TrimStart((byte)0);
        return [.. Head(type, used.Length), .. used];
    }

    public static byte[] Map(params (byte[] Key, byte[] Value)[] pairs) => [.. Head(7, pairs.Length), .. pairs.SelectMany(static p => p.Key.Concat(p.Value))];

    public static byte[] Head(int type, int size)
    {
        byte[] more = size switch
        {
            < 29 => [],
            < 285 => [(byte)(size - 29)],
            < 65_821 => [(byte)((size - 285) >> 8), (byte)(size - 285)],
            _ => [(byte)((size - 65_821) >> 16), (byte)((size - 65_821) >> 8), (byte)(size - 65_821)],
        };
        int low = size < 29 ? size : 28 + more.Length;
        return type < 8 ? [(byte)((type << 5) | low), .. more] : [(byte)low, (byte)(type - 7), .. more];
    }

    public static byte[] Pointer(int target, int size) => size switch
    {
        0 => [(byte)(0x20 | (target >> 8)), (byte)target],
        1 => [(byte)(0x28 | ((target - SmallestOfSize1) >> 16)), (byte)((target - SmallestOfSize1) >> 8), (byte)(target - SmallestOfSize1)],
        2 => [(byte)(0x30 | ((target - SmallestOfSize2) >> 24)), .. BigEndian(target - SmallestOfSize2)[1..]],
        _ => [0x38, .. BigEndian(target)],
    };

    /// <summary>Adds a network; networks that are parts of others are added after those.</summary>
    public DatabaseWriter Add(string network, string? country, string? continent = null)
    {
        int slash = network.IndexOf('/', StringComparison.Ordinal);
        return Add(IPAddress.Parse(network[..slash]), int.Parse(network[(slash + 1)..]), $"{country},{continent}");
    }

    /// <param name="address">First address.</param>
    /// <param name="length">Bits of the network.</param>
    /// <param name="place"><c>COUNTRY,CONTINENT</c>, either of which may be empty, or <c>@OFFSET</c> for whatever is there in the data section.</param>
    public DatabaseWriter Add(IPAddress address, int length, string place)
    {
        byte[] octets = address.GetAddressBytes();
        if (isIpv6 && octets.Length == 4)
            (octets, length) = ([.. new byte[12], .. octets], length + 96);
        Branch branch = _root;
        for (int bit = 0; bit < length - 1; bit++)
            branch = branch.Enter((octets[bit >> 3] >> (7 - (bit & 7))) & 1);
        branch.Sides[(octets[(length - 1) >> 3] >> (7 - ((length - 1) & 7))) & 1] = place;
        return this;
    }

    /// <summary>Sets a value of the metadata, in place of the right one.</summary>
    public DatabaseWriter With(string key, byte[] value)
    {
        _metadata.Add((key, value));
        return this;
    }

    public byte[] Write()
    {
        var nodes = new List<Branch>();
        _root.Number(nodes);
        byte[] data = WriteData(nodes);
        var tree = new List<byte>();
        foreach (Branch node in nodes)
            tree.AddRange(Records(RecordOf(node.Sides[0], nodes.Count), RecordOf(node.Sides[1], nodes.Count)));
        return [.. tree, .. new byte[16], .. data, 0xab, 0xcd, 0xef, .. "MaxMind.com"u8, .. Metadata(nodes.Count)];
    }

    private byte[] Metadata(int nodeCount)
    {
        List<(string Key, byte[] Value)> values =
        [
            ("node_count", Number((ulong)nodeCount)), ("record_size", Number((ulong)recordBits, type: 5)), ("ip_version", Number(isIpv6 ? 6u : 4u, type: 5)),
            ("database_type", Text("Test")), ("languages", Head(11, 0)), ("binary_format_major_version", Number(2, type: 5)),
            ("binary_format_minor_version", Number(0, type: 5)), ("build_epoch", Number(1_790_000_000, type: 9)), ("description", Map((Text("en"), Text("written by a test")))),
        ];
        foreach ((string key, byte[] value) in _metadata)
            values[values.FindIndex(v => string.Equals(v.Key, key, StringComparison.Ordinal))] = (key, value);
        return Map([.. values.Select(static v => (Text(v.Key), v.Value))]);
    }

    // Strings and inner maps first, so that the records can point back to them.
    private byte[] WriteData(List<Branch> nodes)
    {
        var data = new List<byte>();
        int padding = PointerSize switch { 1 => SmallestOfSize1, 2 => SmallestOfSize2, _ => 0 };
        if (padding > 0)
            data.AddRange([.. Head(4, padding), .. new byte[padding]]);
        foreach (string place in nodes.SelectMany(static n => n.Sides).OfType<string>().Where(static p => p[0] != '@').Distinct(StringComparer.Ordinal))
        {
            string[] codes = place.Split(',');
            var pairs = new List<(byte[], byte[])> { (Shared(data, "names"), Map((Shared(data, "en"), Text(new string('n', 300))))) };
            if (codes[1].Length > 0)
                pairs.Add((Shared(data, "continent"), SharedMap(data, "code", codes[1])));
            if (codes[0].Length > 0)
                pairs.Add((Shared(data, "country"), SharedMap(data, "iso_code", codes[0])));
            byte[] record = Map([.. pairs]);
            _offsets.Add("record " + place, data.Count);
            data.AddRange(record);
        }

        data.AddRange(Extra);
        return [.. data];
    }

    private byte[] Shared(List<byte> data, string text) => Shared(data, "text " + text, Text(text));

    private byte[] SharedMap(List<byte> data, string key, string value)
    {
        byte[] map = Map((Shared(data, key), Shared(data, value)));
        return Shared(data, $"map {key} {value}", map);
    }

    private byte[] Shared(List<byte> data, string name, byte[] value)
    {
        if (PointerSize is not { } size)
            return value;
        if (!_offsets.TryGetValue(name, out int offset))
        {
            _offsets.Add(name, offset = data.Count);
            data.AddRange(value);
        }

        return Pointer(offset, size);
    }

    private uint RecordOf(object? side, int nodeCount) => side switch
    {
        null => (uint)nodeCount,
        Branch next => (uint)next.Index,
        string place when place[0] == '@' => (uint)(nodeCount + 16 + int.Parse(place[1..])),
        _ => (uint)(nodeCount + 16 + _offsets["record " + side]),
    };

    private byte[] Records(uint left, uint right) => recordBits switch
    {
        24 => [.. BigEndian((int)left)[1..], .. BigEndian((int)right)[1..]],
        28 => [.. BigEndian((int)left)[1..], (byte)(((left >> 24) << 4) | (right >> 24)), .. BigEndian((int)right)[1..]],
        _ => [.. BigEndian((int)left), .. BigEndian((int)right)],
    };

    private static byte[] BigEndian(int number)
    {
        byte[] octets = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(octets, number);
        return octets;
    }

    private sealed class Branch
    {
        /// <summary>A branch, the place of a leaf, or null where nothing is known.</summary>
        public object?[] Sides { get; } = new object?[2];

        public int Index { get; private set; }

        // A leaf on the way becomes a branch with two such leaves.
        public Branch Enter(int side)
        {
            if (Sides[side] is Branch branch)
                return branch;
            var made = new Branch();
            made.Sides[0] = made.Sides[1] = Sides[side];
            Sides[side] = made;
            return made;
        }

        public void Number(List<Branch> nodes)
        {
            Index = nodes.Count;
            nodes.Add(this);
            foreach (Branch next in Sides.OfType<Branch>())
                next.Number(nodes);
        }
    }
}
