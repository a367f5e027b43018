namespace Mesh.Registry.Events;

/// <summary>The registry's whole state at one moment, so that a start need not read every event since the first.</summary>
/// <param name="Tokens">Tokens that are left.</param>
/// <param name="Certificates">Present certificates.</param>
/// <param name="SpentTokens">Tokens that gave their last certificate.</param>
/// <param name="LastSerial">The last X.509 serial number that was given; 0 before the first.</param>
/// <param name="RegistryPrefix">Prefix of the first node, as bits, or null before it.</param>
/// <param name="Legacy">In snapshots of old journals: what other actors hold now. Else null.</param>
public sealed record RegistrySnapshot(
    IReadOnlyList<TokenEntry> Tokens,
    IReadOnlyList<CertificateEntry> Certificates,
    IReadOnlyList<SpentTokenEntry> SpentTokens,
    ulong LastSerial,
    string? RegistryPrefix,
    LegacySnapshot? Legacy = null);

/// <summary>What old snapshots held besides.</summary>
/// <param name="Revoked">The revocation list.</param>
/// <param name="Version">The signed version of the parameters, or null before the first.</param>
/// <param name="Content">What the parameters were, or null before the first version.</param>
/// <param name="BabelKeys">See <see cref="Rotation.BabelKeys.ToStored"/>.</param>
public sealed record LegacySnapshot(IReadOnlyList<RevokedEntry> Revoked, byte[]? Version, string? Content, IReadOnlyList<string?> BabelKeys);

/// <summary>A token of a snapshot.</summary>
/// <param name="Token">The secret.</param>
/// <param name="Email">For whom.</param>
/// <param name="PrefixLength">Length in bits of the prefix that it gives.</param>
/// <param name="UsesLeft">How many certificates it still gives.</param>
/// <param name="Expires">When it stops to be good.</param>
/// <param name="Note">The administrator's words, or null.</param>
public sealed record TokenEntry(string Token, string Email, int PrefixLength, int UsesLeft, DateTimeOffset Expires, string? Note);

/// <summary>A spent token of a snapshot.</summary>
/// <param name="Token">The secret.</param>
/// <param name="Prefix">The node that it gave last, as bits.</param>
/// <param name="Expires">When it would have stopped to be good.</param>
public sealed record SpentTokenEntry(string Token, string Prefix, DateTimeOffset Expires);

/// <summary>A revoked certificate of an old snapshot.</summary>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="NotAfter">End of its validity.</param>
public sealed record RevokedEntry(ulong Serial, DateTimeOffset NotAfter);

/// <summary>A certificate of a snapshot.</summary>
/// <param name="Prefix">The node's prefix, as bits.</param>
/// <param name="Email">Of the node's owner, or null.</param>
/// <param name="Pem">The certificate.</param>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="SubjectSerial">Number of the node in its subject; -1 where it has none.</param>
/// <param name="NotAfter">End of the certificate's validity.</param>
/// <param name="IsExcluded">True where the node was shut out.</param>
public sealed record CertificateEntry(string Prefix, string? Email, string Pem, ulong Serial, int SubjectSerial, DateTimeOffset NotAfter, bool IsExcluded);
