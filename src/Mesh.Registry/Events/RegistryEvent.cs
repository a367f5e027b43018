namespace Mesh.Registry.Events;

/// <summary>Something that happened to the registry. Stored for ever, so the members are plain values and never change their meaning.</summary>
/// <remarks>Prefixes are stored as bits, dates in UTC. Names and versions of the stored shapes are in <see cref="RegistrySchema"/>.</remarks>
public abstract record RegistryEvent
{
    private protected RegistryEvent()
    {
    }
}

/// <summary>An administrator allowed somebody to join.</summary>
/// <param name="Token">The secret.</param>
/// <param name="Email">For whom; may be empty.</param>
/// <param name="PrefixLength">Length in bits of the prefix that it gives.</param>
/// <param name="Uses">How many certificates it gives, from 1.</param>
/// <param name="Expires">When it stops to be good.</param>
/// <param name="Note">The administrator's words, or null.</param>
public sealed record TokenAdded(string Token, string Email, int PrefixLength, int Uses, DateTimeOffset Expires, string? Note) : RegistryEvent;

/// <summary>An administrator took a token back.</summary>
/// <param name="Token">The secret.</param>
public sealed record TokenDeleted(string Token) : RegistryEvent;

/// <summary>A node joined. The same event spends one use of its token, so there is no moment at which only one of both is true.</summary>
/// <param name="Token">The token, or null for an anonymous node.</param>
/// <param name="Prefix">The node's prefix, as bits.</param>
/// <param name="Email">From the token, or null for an anonymous node.</param>
/// <param name="Pem">The certificate, as it is given out.</param>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="SubjectSerial">Number of the node in its subject.</param>
/// <param name="NotAfter">End of the certificate's validity.</param>
public sealed record CertificateIssued(string? Token, string Prefix, string? Email, string Pem, ulong Serial, int SubjectSerial, DateTimeOffset NotAfter) : RegistryEvent;

/// <summary>A node has a new certificate for its old key.</summary>
/// <param name="Prefix">The node's prefix, as bits.</param>
/// <param name="Pem">The certificate, as it is given out.</param>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="NotAfter">End of the certificate's validity.</param>
public sealed record CertificateRenewed(string Prefix, string Pem, ulong Serial, DateTimeOffset NotAfter) : RegistryEvent;

/// <summary>A certificate is not to be trusted any more.</summary>
/// <param name="Serial">Its X.509 serial number.</param>
/// <param name="NotAfter">End of its validity: until then it is in the revocation list.</param>
/// <param name="FreedPrefix">The prefix, as bits, where its owner lost it; null where the node may renew.</param>
public sealed record CertificateRevoked(ulong Serial, DateTimeOffset NotAfter, string? FreedPrefix) : RegistryEvent;

/// <summary>What had expired is gone: tokens, prefixes whose grace period is over, and revoked serials that nobody trusts any more anyway.</summary>
/// <param name="Tokens">The secrets.</param>
/// <param name="Prefixes">The prefixes, as bits.</param>
/// <param name="RevokedSerials">X.509 serial numbers.</param>
public sealed record Cleaned(IReadOnlyList<string> Tokens, IReadOnlyList<string> Prefixes, IReadOnlyList<ulong> RevokedSerials) : RegistryEvent;

/// <summary>The network has new parameters.</summary>
/// <param name="Version">The signed version, in the octets of the wire.</param>
/// <param name="Content">What the parameters were when they were signed: the text whose change makes the next version.</param>
public sealed record ParametersPublished(byte[] Version, string Content) : RegistryEvent;

/// <summary>The keys that authenticate routing messages changed.</summary>
/// <param name="Slots">
/// Three slots; a slot is absent (null), empty (any signature is good) or holds 16 octets in base64. The first present one signs, the second is accepted too.
/// Text, because the JSON writer makes no difference between absent and empty octets in a list.
/// </param>
public sealed record BabelKeysChanged(IReadOnlyList<string?> Slots) : RegistryEvent;
