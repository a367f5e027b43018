using System.Text.Json.Serialization;
using Mesh.Actors.Persistence;

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
            .Add("registry.certificate-revoked", version: 1, json.CertificateRevoked)
            .Add("registry.cleaned", version: 1, json.Cleaned)
            .Add("registry.parameters-published", version: 1, json.ParametersPublished)
            .Add("registry.babel-keys-changed", version: 1, json.BabelKeysChanged)
            .Add("registry.snapshot", version: 1, json.RegistrySnapshot);
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
internal sealed partial class RegistryJson : JsonSerializerContext;
