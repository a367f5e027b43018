using System.Text.Json.Serialization;

namespace Mesh.Registry.Revocation;

/// <summary>What a revocation means for the owner of the certificate. Ordered: a later one includes the former ones.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RevocationKind>))]
public enum RevocationKind
{
    /// <summary>The certificate is not trusted any more, but its owner may renew: it gets another one for the same key, with the same end.</summary>
    Renewable,

    /// <summary>The owner is shut out. Its prefix is given to nobody else before the certificate would have expired.</summary>
    Excluded,

    /// <summary>The owner is shut out, and its prefix is free at once.</summary>
    Freed,
}

/// <summary>An entry of the revocation list.</summary>
/// <param name="NotAfter">End of the certificate's validity: until then it has to be listed.</param>
/// <param name="Kind">What it means for the owner.</param>
public readonly record struct RevokedCertificate(DateTimeOffset NotAfter, RevocationKind Kind);
