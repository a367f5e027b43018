using System.Collections.Immutable;

namespace Mesh.Registry.Revocation;

/// <summary>What the <see cref="CrlActor"/> can be asked.</summary>
public abstract record CrlCommand
{
    private protected CrlCommand()
    {
    }
}

/// <summary>Put a certificate on the list. As often as one likes; a stronger kind replaces a weaker one. Answer, once it is durable: <see cref="RevocationRecorded"/>.</summary>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="NotAfter">End of the certificate's validity. One that is over already needs no entry.</param>
/// <param name="Kind">What it means for the owner.</param>
public sealed record AddRevocation(ulong Serial, DateTimeOffset NotAfter, RevocationKind Kind) : CrlCommand;

/// <summary>Take over a list from elsewhere. Answer: <see cref="Adopted"/>.</summary>
public sealed record AdoptRevocations(ImmutableSortedDictionary<ulong, RevokedCertificate> List) : CrlCommand;

/// <summary>What is on the list? Answer: <see cref="RevocationList"/>.</summary>
public sealed record GetRevocations : CrlCommand;

/// <summary>The certificate is on the list, and the list is durable.</summary>
public sealed record RevocationRecorded(ulong Serial, RevocationKind Kind);

/// <summary>The whole list, by serial number. The answer to <see cref="GetRevocations"/>, and published on the event stream whenever the list changes.</summary>
public sealed record RevocationList(ImmutableSortedDictionary<ulong, RevokedCertificate> Entries) : RegistryAnswer;

/// <summary>State from elsewhere was taken over, or was there already.</summary>
public sealed record Adopted;

/// <summary>Something that happened to the revocation list. Stored for ever.</summary>
public abstract record CrlEvent
{
    private protected CrlEvent()
    {
    }
}

/// <summary>Certificates are not to be trusted any more.</summary>
public sealed record CertificatesRevoked(IReadOnlyList<RevocationEntry> Entries) : CrlEvent;

/// <summary>Certificates that were on the list have expired by themselves, so nobody trusts them anyway.</summary>
/// <param name="Serials">X.509 serial numbers.</param>
public sealed record RevocationsExpired(IReadOnlyList<ulong> Serials) : CrlEvent;

/// <summary>The whole list at one moment.</summary>
public sealed record CrlSnapshot(IReadOnlyList<RevocationEntry> Entries);

/// <summary>A revoked certificate as it is stored.</summary>
/// <param name="Serial">X.509 serial number.</param>
/// <param name="NotAfter">End of its validity.</param>
/// <param name="Kind">What it means for the owner.</param>
public sealed record RevocationEntry(ulong Serial, DateTimeOffset NotAfter, RevocationKind Kind);
