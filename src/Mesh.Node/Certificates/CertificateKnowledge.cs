namespace Mesh.Node.Certificates;

/// <summary>What is known of the node's own certificate. Together with the clock it decides the state.</summary>
/// <param name="Identity">Certificate and authority.</param>
/// <param name="RevokedSerials">The revocation list of the newest parameters.</param>
public sealed record CertificateKnowledge(NodeIdentity Identity, IReadOnlySet<ulong> RevokedSerials)
{
    /// <summary>The authority has signed that the certificate is revoked (<see cref="Security.RevocationNotice"/>).</summary>
    public bool IsNoticed { get; init; }

    /// <summary>The registry was asked for another certificate because this one is revoked, and gave none.</summary>
    public bool IsRefused { get; init; }

    /// <summary>Why the last question for a certificate has not led to what is needed, or null.</summary>
    public string? Problem { get; init; }

    /// <summary>Why the last question for the authority's has not, or null.</summary>
    public string? AuthorityProblem { get; init; }

    /// <summary>Whether the list or the notice says that it is revoked.</summary>
    public bool IsRevoked => IsNoticed || RevokedSerials.Contains(Identity.Certificate.SerialNumber);

    /// <summary>The state at a time.</summary>
    public CertificateState StateAt(DateTimeOffset now)
    {
        if (IsRevoked && IsRefused)
            return CertificateState.Revoked;
        if (now > Identity.Certificate.NotAfter || now > Identity.Verifier.Authority.NotAfter)
            return CertificateState.Expired;
        return IsRevoked || now >= RenewalTimes.OfNode(Identity.Certificate) ? CertificateState.Renewing : CertificateState.Valid;
    }

    /// <summary>What others are told.</summary>
    /// <param name="now">The time.</param>
    /// <param name="since">When the state began; null for now.</param>
    public CertificateStatus StatusAt(DateTimeOffset now, DateTimeOffset? since = null) =>
        new(StateAt(now), since ?? now, Identity.Certificate.SerialNumber, Identity.Certificate.NotAfter, Identity.Verifier.Authority.NotAfter, Problem ?? AuthorityProblem);
}
