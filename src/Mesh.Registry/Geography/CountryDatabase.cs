using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Registry.Geography;

/// <summary>A country database in MaxMind's format, version 2: GeoLite2 and GeoIP2 Country, or any other with the same names.</summary>
/// <remarks>
/// <code>
/// search tree | 16 zero octets | data section | AB CD EF "MaxMind.com" | metadata
///
/// tree: node n has two records of 24, 28 or 32 bits: [left][right], for a bit 0 and a bit 1 of the address
///    28 bits: left 23..0 | left 27..24, right 27..24 | right 23..0
/// record: below the number of nodes: the next node    equal: nothing known    above: data at (record - nodes - 16)
/// </code>
/// <para>Every record is read when the file is opened, so a file that is damaged or half written is refused as a whole, and <see cref="Find"/> cannot fail and allocates nothing.</para>
/// <para>Read are <c>country.iso_code</c> and <c>continent.code</c>. <c>registered_country</c>, where the owner of the addresses is at home, is not: registries of re6st
/// do not look at it either, and it says nothing about where a node is. The format: https://maxmind.github.io/MaxMind-DB/, data and metadata see <see cref="DataSection"/>.</para>
/// </remarks>
public sealed class CountryDatabase : ICountries
{
    private const int MarkerReach = 128 * 1024;   // the metadata, marker included, is not longer
    private const int SeparatorLength = 16;
    private const int Ipv4Bits = 32, Ipv6Bits = 128;
    private const int MetadataBudget = 100_000;
    private const int MaxLabel = 64;

    private static readonly byte[] Marker = [0xab, 0xcd, 0xef, .. "MaxMind.com"u8];

    private readonly ReadOnlyMemory<byte> _tree;
    private readonly uint _nodeCount;
    private readonly int _recordBits;
    private readonly bool _isIpv6;
    private readonly Dictionary<uint, Country> _countries = [];   // by record
    private uint _ipv4Root;

    private CountryDatabase(ReadOnlyMemory<byte> tree, uint nodeCount, int recordBits, bool isIpv6) =>
        (_tree, _nodeCount, _recordBits, _isIpv6) = (tree, nodeCount, recordBits, isIpv6);

    /// <summary>What the file says it is, for example <c>GeoLite2-Country</c>; at most 64 characters.</summary>
    public string Type { get; private init; } = "";

    /// <summary>When it was made.</summary>
    public DateTimeOffset BuiltAt { get; private init; }

    /// <summary>Opens a file.</summary>
    /// <param name="file">All of it; it is kept, and must not change any more.</param>
    /// <param name="database">The database, when the file is one.</param>
    /// <param name="problem">Else what is wrong with it, for the operator.</param>
    public static bool TryOpen(ReadOnlyMemory<byte> file, [NotNullWhen(true)] out CountryDatabase? database, [NotNullWhen(false)] out string? problem)
    {
        database = null;
        ReadOnlySpan<byte> octets = file.Span;
        int searched = Math.Max(0, octets.Length - MarkerReach);
        int marker = octets[searched..].LastIndexOf(Marker);
        if (marker < 0)
        {
            problem = "it is not in the format of MaxMind: the metadata is missing";
            return false;
        }

        int dataEnd = searched + marker;
        problem = ProblemOfMetadata(new DataSection(octets[(dataEnd + Marker.Length)..]), file[..dataEnd], out CountryDatabase? read, out int treeLength);
        if (problem is null && octets.Slice(treeLength, SeparatorLength).ContainsAnyExcept((byte)0))
            problem = "the search tree has not the length that the metadata states";
        problem ??= read!.Load(octets[(treeLength + SeparatorLength)..dataEnd]);
        if (problem is not null)
            return false;
        database = read!;
        return true;
    }

    /// <inheritdoc/>
    public Country? Find(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> octets = stackalloc byte[Ipv6Bits / 8];
        if (!address.TryWriteBytes(octets, out int length))
            return null;
        bool isIpv4 = address.AddressFamily == AddressFamily.InterNetwork;
        if (address.IsIPv4MappedToIPv6)
        {
            octets = octets[(length - (Ipv4Bits / 8))..];
            isIpv4 = true;
        }

        if (!isIpv4 && !_isIpv6)
            return null;
        uint record = isIpv4 ? _ipv4Root : 0;
        for (int bit = 0; record < _nodeCount && bit < (isIpv4 ? Ipv4Bits : Ipv6Bits); bit++)
            record = Record(record, (octets[bit >> 3] >> (7 - (bit & 7))) & 1);
        return _countries.TryGetValue(record, out Country country) ? country : null;
    }

    private static string? ProblemOfMetadata(DataSection metadata, ReadOnlyMemory<byte> beforeMarker, out CountryDatabase? database, out int treeLength)
    {
        (database, treeLength) = (null, 0);
        long budget = MetadataBudget;
        if (!TryReadNumber(metadata, "binary_format_major_version"u8, ref budget, out ulong version) ||
            !TryReadNumber(metadata, "node_count"u8, ref budget, out ulong nodes) ||
            !TryReadNumber(metadata, "record_size"u8, ref budget, out ulong bits) ||
            !TryReadNumber(metadata, "ip_version"u8, ref budget, out ulong ipVersion))
        {
            return "its metadata cannot be read";
        }

        if (version != 2)
            return $"it has version {version} of MaxMind's format, and only 2 is known";
        if (bits is not (24 or 28 or 32))
            return $"its records have {bits} bits, and only 24, 28 and 32 are known";
        if (ipVersion is not (4 or 6))
            return $"it is for IP version {ipVersion}, and only 4 and 6 are known";
        if (nodes is 0 or > uint.MaxValue || (nodes * bits / 4) + SeparatorLength > (ulong)beforeMarker.Length)
            return $"it is too short for its {nodes} nodes: part of it is missing";
        treeLength = (int)(nodes * bits / 4);
        _ = TryReadNumber(metadata, "build_epoch"u8, ref budget, out ulong built);
        string type = metadata.Find(0, "database_type"u8, ref budget, out long at) == MapSearch.Found ? metadata.ReadLabel(at, MaxLabel) : "";
        database = new CountryDatabase(beforeMarker[..treeLength], (uint)nodes, (int)bits, ipVersion == 6)
        {
            Type = type,
            BuiltAt = DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(built, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds())),
        };
        return null;
    }

    private static bool TryReadNumber(DataSection metadata, ReadOnlySpan<byte> key, ref long budget, out ulong number)
    {
        number = 0;
        return metadata.Find(0, key, ref budget, out long at) == MapSearch.Found && metadata.TryReadNumber(at, out number);
    }

    // Reads what every record leads to, each once. The budget grows with the file, so that no file costs more than a few of its own lengths.
    private string? Load(ReadOnlySpan<byte> octets)
    {
        var data = new DataSection(octets);
        long budget = MetadataBudget + (2L * octets.Length);
        var seen = new HashSet<uint>();
        for (uint node = 0; node < _nodeCount; node++)
        {
            for (int side = 0; side < 2; side++)
            {
                uint record = Record(node, side);
                if (record <= _nodeCount || !seen.Add(record))
                    continue;
                long offset = (long)record - _nodeCount - SeparatorLength;
                if (offset < 0 || !TryReadCountry(data, offset, ref budget, out Country country))
                    return $"its record for node {node} leads to data that cannot be read";
                if (country.Code.Length > 0 || country.Continent.Length > 0)
                    _countries.Add(record, country);
            }
        }

        if (_isIpv6)
        {
            for (int bit = 0; bit < Ipv6Bits - Ipv4Bits && _ipv4Root < _nodeCount; bit++)
                _ipv4Root = Record(_ipv4Root, 0);
        }

        return _countries.Count > 0 ? null : $"there are no countries in it: it says it is '{Type}'";
    }

    // A code that is not two capital letters is as good as none; something else in the place of a code is damage.
    private static bool TryReadCountry(DataSection data, long offset, ref long budget, out Country country)
    {
        country = default;
        if (!TryReadCode(data, offset, "country"u8, "iso_code"u8, ref budget, out string code) ||
            !TryReadCode(data, offset, "continent"u8, "code"u8, ref budget, out string continent))
        {
            return false;
        }

        country = new Country(code, continent);
        return true;
    }

    private static bool TryReadCode(DataSection data, long offset, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner, ref long budget, out string code)
    {
        code = "";
        MapSearch search = data.Find(offset, outer, ref budget, out long at);
        if (search == MapSearch.Found)
            search = data.Find(at, inner, ref budget, out at);
        if (search != MapSearch.Found)
            return search == MapSearch.Absent;
        if (!data.TryReadText(at, out ReadOnlySpan<byte> text))
            return false;
        code = Country.CodeOf(text) ?? "";
        return true;
    }

    private uint Record(uint node, int side)
    {
        ReadOnlySpan<byte> octets = _tree.Span.Slice((int)((long)node * _recordBits / 4), _recordBits / 4);
        switch (_recordBits)
        {
            case 24:
                octets = octets[(3 * side)..];
                return ((uint)octets[0] << 16) | ((uint)octets[1] << 8) | octets[2];
            case 28:
                uint high = side == 0 ? (uint)octets[3] >> 4 : octets[3] & 0xfu;
                octets = octets[(4 * side)..];
                return (high << 24) | ((uint)octets[0] << 16) | ((uint)octets[1] << 8) | octets[2];
            default:
                return BinaryPrimitives.ReadUInt32BigEndian(octets[(4 * side)..]);
        }
    }
}
