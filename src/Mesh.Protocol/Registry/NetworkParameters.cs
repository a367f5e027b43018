using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Registry;

/// <summary>What all nodes of a network agree on: the body of <see cref="RegistryMethod.GetNetworkConfig"/>.</summary>
/// <remarks>
/// A zlib stream (RFC 1950) of a JSON object. The names are those of re6st and are listed in <see cref="NetworkParameterNames"/>;
/// the array under the empty name lists which values are base64. Names that we do not know are kept as they came.
/// <see cref="Version"/>, <see cref="Protocol"/> and <see cref="RegistryPrefix"/> have to be there; others have the default of re6st.
/// </remarks>
public sealed record NetworkParameters
{
    /// <summary>Octets of the longest body that is read.</summary>
    public const int MaxBodyLength = 1024 * 1024;

    /// <summary>Octets of the longest JSON text that is read, so that a small body cannot fill the memory.</summary>
    public const int MaxJsonLength = 4 * 1024 * 1024;

    /// <summary>Version of these parameters, signed by the certificate authority.</summary>
    public required NetworkVersion Version { get; init; }

    /// <summary>Protocol number of the registry.</summary>
    public required int Protocol { get; init; }

    /// <summary>Nodes with a smaller protocol number stop. Default 1.</summary>
    public int MinProtocol { get; init; } = 1;

    /// <summary>Prefix of the node next to the registry.</summary>
    public required NodePrefix RegistryPrefix { get; init; }

    /// <summary>X.509 serial numbers of revoked certificates, in ascending order.</summary>
    public ImmutableSortedSet<ulong> RevokedSerials { get; init; } = [];

    /// <summary>Defaults of the interfaces of the routing daemon, in the words of babeld.</summary>
    public string BabelDefault { get; init; } = "max-rtt-penalty 5000 rtt-max 500 rtt-decay 125";

    /// <summary>Interval of Babel's Hellos; whole seconds, default 15 s.</summary>
    public TimeSpan Hello { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How many tunnels a node opens. Default 10.</summary>
    public int ClientCount { get; init; } = 10;

    /// <summary>How many tunnels a node serves. Default 20.</summary>
    public int MaxClients { get; init; } = 20;

    /// <summary>How often a node replaces a tunnel; whole seconds, default 300 s.</summary>
    public TimeSpan TunnelRefresh { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Whether tunnels hide what they carry.</summary>
    public bool Encrypt { get; init; }

    /// <summary>IPv4 network for payload as <c>ADDRESS/LENGTH</c>, or null when the network has none.</summary>
    public string? Ipv4 { get; init; }

    /// <summary>Bits of the nodes' numbers in the IPv4 network, when there is one.</summary>
    public int? Ipv4SubnetLength { get; init; }

    /// <summary>Countries whose nodes only have tunnels inside the country, or null when it does not matter.</summary>
    public ImmutableArray<string>? SameCountry { get; init; }

    /// <summary>Key that routing packets are signed with, encrypted for one node; null when routing is not authenticated.</summary>
    public ImmutableArray<byte>? BabelHmacSign { get; init; }

    /// <summary>Second key whose signatures are accepted, encrypted for one node; empty: any signature is accepted; null: there is none.</summary>
    public ImmutableArray<byte>? BabelHmacAccept { get; init; }

    /// <summary>When a rotation of the routing keys goes on, so that a node that does not hear of it asks; null outside of rotations.</summary>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <summary>What nodes wait before a restart, in addition to 1 s; null for nothing.</summary>
    public TimeSpan? DelayRestart { get; init; }

    /// <summary>Names of values that are base64. Always has <c>version</c>.</summary>
    public ImmutableSortedSet<string> Base64Names { get; init; } = ImmutableSortedSet.Create(StringComparer.Ordinal, NetworkParameterNames.Version);

    /// <summary>Values under names that we do not know, as JSON text.</summary>
    public ImmutableSortedDictionary<string, string> Unknown { get; init; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Whether a text is a value of <see cref="Ipv4"/>: <c>ADDRESS/LENGTH</c> in plain decimals, 0..32, without bits beyond the length.</summary>
    public static bool IsIpv4Network(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash >= 0 && Ipv4Text.TryParse(text.AsSpan(0, slash), out uint address)
            && PlainDecimal.TryParse(text.AsSpan(slash + 1), 32, out UInt128 length)
            && (ulong)address << (int)length << 32 == 0;
    }

    /// <summary>Reads the body of an answer. Nothing is checked against a key: see the security layer for the version.</summary>
    /// <returns>False for anything that is not a zlib stream of an object with the right types and ranges.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> body, [NotNullWhen(true)] out NetworkParameters? parameters)
    {
        parameters = null;
        return body.Length <= MaxBodyLength
            && ZlibBody.TryExpand(body, MaxJsonLength, out byte[] json)
            && NetworkParametersJson.TryRead(json, out parameters);
    }

    /// <summary>The body of an answer.</summary>
    public byte[] Encode() => ZlibBody.Compress(NetworkParametersJson.Write(Fields()));

    /// <summary>Every name that has a value, with the value as JSON text. Durations are numbers of seconds.</summary>
    public ImmutableSortedDictionary<string, string> Fields() => NetworkParametersJson.FieldsOf(this);

    /// <summary>The JSON text whose change makes a new version: all but the version itself, the routing keys and their validity.</summary>
    public string VersionedContent() =>
        System.Text.Encoding.UTF8.GetString(NetworkParametersJson.Write(Fields().RemoveRange(
            [NetworkParameterNames.Version, NetworkParameterNames.ValidUntil, NetworkParameterNames.BabelHmacSign, NetworkParameterNames.BabelHmacAccept])));

    /// <summary>Names whose value is not the same in <paramref name="previous"/>, those that came or went included.</summary>
    /// <remarks>The encryption of a routing key is random, so an encrypted key differs each time: compare those once decrypted.</remarks>
    public ImmutableSortedSet<string> ChangedSince(NetworkParameters previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        ImmutableSortedDictionary<string, string> before = previous.Fields(), after = Fields();
        return before.Keys.Union(after.Keys, StringComparer.Ordinal)
            .Where(name => before.GetValueOrDefault(name) != after.GetValueOrDefault(name))
            .ToImmutableSortedSet(StringComparer.Ordinal);
    }

    /// <summary>Same names with the same values.</summary>
    public bool Equals(NetworkParameters? other) => other is not null && Fields().SequenceEqual(other.Fields());

    /// <inheritdoc/>
    public override int GetHashCode() => Version.GetHashCode();

    /// <summary>The version only; the rest is long.</summary>
    public override string ToString() => $"network parameters {Version}";
}
