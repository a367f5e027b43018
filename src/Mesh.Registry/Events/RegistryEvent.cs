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

/// <summary>A node was shut out. Its prefix is kept from others until its certificate would have expired.</summary>
/// <param name="Prefix">The node's prefix, as bits.</param>
public sealed record NodeExcluded(string Prefix) : RegistryEvent;

/// <summary>A node was shut out, and its prefix is free.</summary>
/// <param name="Prefix">The node's prefix, as bits.</param>
public sealed record NodeFreed(string Prefix) : RegistryEvent;

/// <summary>What had expired is gone: tokens, and prefixes whose grace period is over.</summary>
/// <param name="Tokens">The secrets.</param>
/// <param name="Prefixes">The prefixes, as bits.</param>
public sealed record Cleaned(IReadOnlyList<string> Tokens, IReadOnlyList<string> Prefixes) : RegistryEvent;

/// <summary>The registry took over the network of another one. Nothing happened before it.</summary>
/// <param name="Tokens">Tokens that are left.</param>
/// <param name="Certificates">Present certificates.</param>
/// <param name="LastSerial">The last X.509 serial number that was given.</param>
/// <param name="RegistryPrefix">Prefix of the first node, as bits, or null before it.</param>
public sealed record NetworkImported(IReadOnlyList<TokenEntry> Tokens, IReadOnlyList<CertificateEntry> Certificates, ulong LastSerial, string? RegistryPrefix) : RegistryEvent;
