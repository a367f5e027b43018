using System.Text.Json;
using Mesh.Protocol.Registry;
using Mesh.Registry.Events;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Http.Re6st;

/// <summary>Turns what a registry of re6st knows into the first events of one of ours.</summary>
public static class Re6stImport
{
    private const string TokenNote = "from re6st";

    // Settings that both have under names of their own: re6st publishes them, and so its last parameters tell what they were.
    private static readonly (string Published, string Key)[] Settings =
    [
        (NetworkParameterNames.MinProtocol, "min-protocol"), (NetworkParameterNames.Hello, "hello"), (NetworkParameterNames.ClientCount, "client-count"),
        (NetworkParameterNames.MaxClients, "max-clients"), (NetworkParameterNames.TunnelRefresh, "tunnel-refresh"), (NetworkParameterNames.Encrypt, "encrypt"),
        (NetworkParameterNames.Ipv4, "ipv4"), (NetworkParameterNames.Ipv4SubnetLength, "ipv4-subnet-length"), (NetworkParameterNames.SameCountry, "same-country"),
        (NetworkParameterNames.BabelDefault, "babel-default"),
    ];

    private static readonly string[] Durations = [NetworkParameterNames.Hello, NetworkParameterNames.TunnelRefresh];

    /// <summary>The events of each stream, in their order. Streams without events are left out.</summary>
    /// <param name="registry">What was read.</param>
    /// <param name="now">The present.</param>
    /// <param name="gracePeriod">How long a token is good since it was made, see <see cref="RegistryOptions.GracePeriod"/>.</param>
    /// <remarks>
    /// Tokens and revocations that are over are left out. Prefixes whose grace period is over are not: the next cleaning frees them, as it would have there.
    /// Revocations of re6st let a node renew, and those whose prefix was freed are of nobody any more. The first start publishes a new version, for nothing tells whether
    /// every setting is the same.
    /// </remarks>
    public static IReadOnlyDictionary<string, IReadOnlyList<object>> EventsOf(Re6stRegistry registry, DateTimeOffset now, TimeSpan gracePeriod)
    {
        ArgumentNullException.ThrowIfNull(registry);
        var streams = new SortedDictionary<string, IReadOnlyList<object>>(StringComparer.Ordinal)
        {
            ["registry"] =
            [
                new NetworkImported(
                    [.. registry.Tokens.Select(token => new TokenEntry(token.Token, token.Email, token.PrefixLength, UsesLeft: 1, EndOf(token, gracePeriod), TokenNote)).Where(token => token.Expires > now)],
                    [.. registry.Nodes.Select(static node => new CertificateEntry(node.Prefix.Bits, node.Email, node.Pem, node.Serial, (int?)node.SubjectSerial ?? -1, node.NotAfter, IsExcluded: false))],
                    registry.LastSerial,
                    registry.RegistryPrefix?.Bits),
            ],
        };
        RevocationEntry[] revoked = [.. registry.Revoked.Where(entry => entry.NotAfter > now).Select(static entry => new RevocationEntry(entry.Serial, entry.NotAfter, RevocationKind.Renewable))];
        if (revoked.Length > 0)
            streams["crl"] = [new CertificatesRevoked(revoked)];
        if (registry.KeyState != RotationState.None)
            streams["hmac"] = [new KeysChanged([.. registry.BabelKeys.Select(static key => key is null ? null : Convert.ToBase64String(key))], registry.ValidUntil, now)];
        if (registry.Version.Number > 0)
            streams["parameters"] = [new VersionSigned([.. registry.Version.Blob], ContentDigest: null, Steps: registry.KeyState == RotationState.None ? 0 : 1)];
        return streams;
    }

    // A date may stand at the end of all time.
    private static DateTimeOffset EndOf(Re6stToken token, TimeSpan gracePeriod) =>
        token.Created < DateTimeOffset.MaxValue - gracePeriod ? token.Created + gracePeriod : DateTimeOffset.MaxValue;

    /// <summary>The settings that the network had, as lines of a configuration: <c>key = value</c>, JSON values.</summary>
    /// <param name="lastConfig">The parameters that were published last, JSON, or null for none.</param>
    public static IEnumerable<string> SettingsOf(string? lastConfig)
    {
        if (lastConfig is null)
            yield break;
        using var document = JsonDocument.Parse(lastConfig);
        // Registries that do not say are from before there was such a setting.
        if (!document.RootElement.TryGetProperty(NetworkParameterNames.Encrypt, out _))
            yield return "encrypt = false";
        foreach ((string published, string key) in Settings)
        {
            if (document.RootElement.TryGetProperty(published, out JsonElement value))
                yield return Durations.Contains(published, StringComparer.Ordinal) ? $"{key} = {value.GetRawText()} s" : $"{key} = {value.GetRawText()}";
        }
    }
}
