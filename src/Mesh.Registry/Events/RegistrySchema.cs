using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Mesh.Actors.Persistence;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Events;

/// <summary>Stored names and versions of the registry's events.</summary>
public static class RegistrySchema
{
    /// <summary>Declares the registry's events and its snapshot.</summary>
    public static EventSchema AddTo(EventSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        RegistryJson json = RegistryJson.Default;
        return schema
            .Add("registry.token-added", version: 1, json.TokenAdded)
            .Add("registry.token-deleted", version: 1, json.TokenDeleted)
            .Add("registry.certificate-issued", version: 1, json.CertificateIssued)
            .Add("registry.certificate-renewed", version: 1, json.CertificateRenewed)
            .Add("registry.node-excluded", version: 1, json.NodeExcluded)
            .Add("registry.node-freed", version: 1, json.NodeFreed)
            .Add("registry.network-imported", version: 1, json.NetworkImported)
            .Add("registry.cleaned", version: 3, json.Cleaned)
            .Upcast("registry.cleaned", fromVersion: 1, static node => node)
            .Upcast("registry.cleaned", fromVersion: 2, static node => Without(node, "RevokedSerials"))
            .Add("registry.certificate-revoked", version: 1, json.CertificateRevoked)
            .Add("registry.parameters-published", version: 1, json.ParametersPublished)
            .Add("registry.babel-keys-changed", version: 2, json.BabelKeysChanged)
            .Upcast("registry.babel-keys-changed", fromVersion: 1, static node => WithAbsentKeys(node, nameof(BabelKeysChanged.Slots)))
            .Add("registry.snapshot", version: 3, json.RegistrySnapshot)
            .Upcast("registry.snapshot", fromVersion: 1, static node =>
                WithLists(WithAbsentKeys(node, nameof(LegacySnapshot.BabelKeys)), nameof(RegistrySnapshot.SpentTokens), nameof(LegacySnapshot.Revoked)))
            .Upcast("registry.snapshot", fromVersion: 2, WithLegacy)
            .Add("crl.certificates-revoked", version: 1, json.CertificatesRevoked)
            .Add("crl.revocations-expired", version: 1, json.RevocationsExpired)
            .Add("crl.snapshot", version: 1, json.CrlSnapshot)
            .Add("hmac.keys-changed", version: 1, json.KeysChanged)
            .Add("hmac.rotation-begun", version: 1, json.RotationBegun)
            .Add("hmac.rotation-halted", version: 1, json.RotationHalted)
            .Add("parameters.version-signed", version: 2, json.VersionSigned)
            .Upcast("parameters.version-signed", fromVersion: 1, WithDigest);
    }

    // Version 1 held the text.
    private static JsonNode WithDigest(JsonNode node)
    {
        if (node.AsObject().Remove("Content", out JsonNode? content) && content is not null)
            node[nameof(VersionSigned.ContentDigest)] = ParametersActor.DigestOf(content.GetValue<string>());
        return node;
    }

    // Version 2 held what other actors hold since.
    private static JsonNode WithLegacy(JsonNode node)
    {
        var legacy = new JsonObject();
        foreach (string name in (string[])[nameof(LegacySnapshot.Revoked), nameof(LegacySnapshot.Version), nameof(LegacySnapshot.Content), nameof(LegacySnapshot.BabelKeys)])
        {
            if (node.AsObject().Remove(name, out JsonNode? value))
                legacy[name] = value;
        }

        node[nameof(RegistrySnapshot.Legacy)] = legacy;
        return node;
    }

    private static JsonNode Without(JsonNode node, string name)
    {
        _ = node.AsObject().Remove(name);
        return node;
    }

    // Version 1 wrote absent keys as empty ones, and knew no rotation, by which a key becomes empty: so every empty one was absent.
    private static JsonNode WithAbsentKeys(JsonNode node, string name)
    {
        JsonArray slots = node[name]!.AsArray();
        for (int slot = 0; slot < slots.Count; slot++)
            slots[slot] = slots[slot]?.GetValue<string>() is { Length: > 0 } key ? key : null;
        return node;
    }

    // Version 1 knew no revocation and did not remember spent tokens.
    private static JsonNode WithLists(JsonNode node, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            node[name] = new JsonArray();
        return node;
    }
}

/// <summary>Readers and writers of the stored shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = false)]
[JsonSerializable(typeof(TokenAdded))]
[JsonSerializable(typeof(TokenDeleted))]
[JsonSerializable(typeof(CertificateIssued))]
[JsonSerializable(typeof(CertificateRenewed))]
[JsonSerializable(typeof(CertificateRevoked))]
[JsonSerializable(typeof(Cleaned))]
[JsonSerializable(typeof(ParametersPublished))]
[JsonSerializable(typeof(BabelKeysChanged))]
[JsonSerializable(typeof(RegistrySnapshot))]
[JsonSerializable(typeof(NodeExcluded))]
[JsonSerializable(typeof(NodeFreed))]
[JsonSerializable(typeof(NetworkImported))]
[JsonSerializable(typeof(CertificatesRevoked))]
[JsonSerializable(typeof(RevocationsExpired))]
[JsonSerializable(typeof(CrlSnapshot))]
[JsonSerializable(typeof(KeysChanged))]
[JsonSerializable(typeof(RotationBegun))]
[JsonSerializable(typeof(RotationHalted))]
[JsonSerializable(typeof(VersionSigned))]
internal sealed partial class RegistryJson : JsonSerializerContext;
