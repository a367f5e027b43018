using System.Text;
using Mesh.Security.Certificates;

namespace Mesh.Node.Certificates;

/// <summary>What the registry's answer is worth: to a question for a certificate, or for the authority's.</summary>
internal abstract record RenewalOffer
{
    // Far above any certificate; what is longer is not looked at.
    private const int MaxLength = 64 * 1024;

    private RenewalOffer()
    {
    }

    /// <summary>Our new self, checked.</summary>
    public sealed record Fresh(NodeIdentity Identity) : RenewalOffer;

    /// <summary>What we have already.</summary>
    public sealed record Unchanged : RenewalOffer;

    /// <summary>It must not be used.</summary>
    /// <param name="Reason">A sentence.</param>
    public sealed record Unusable(string Reason) : RenewalOffer;

    /// <summary>Judges the answer to <c>renewCertificate</c>.</summary>
    public static RenewalOffer OfCertificate(CertificateKnowledge known, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        NodeCertificate present = known.Identity.Certificate;
        if (body.Length > MaxLength || !NodeCertificate.TryParsePem(Encoding.UTF8.GetString(body), out NodeCertificate? offered))
            return new Unusable("the registry answered with something that is not a certificate");
        if (offered.Der.AsSpan().SequenceEqual(present.Der.AsSpan()))
            return new Unchanged();
        if (offered.Prefix != present.Prefix)
            return new Unusable($"the registry's new certificate is for {offered.Prefix}");
        if (!offered.IsRenewalOf(present))
            return new Unusable("the registry's new certificate is for another key");
        if (offered.SerialNumber == present.SerialNumber)
            return new Unusable($"the registry's new certificate has the serial number {present.SerialNumber} of the present one");
        CertificateVerdict verdict = known.Identity.Verifier.Verify(offered, NodeIdentity.TolerantTime(offered, now), known.RevokedSerials);
        if (verdict != CertificateVerdict.Valid)
            return new Unusable($"the registry's new certificate cannot be used: {NodeIdentity.Describe(verdict)}");
        // One that is good for nobody is given for any that is good.
        if (offered.NotAfter < present.NotAfter && !known.IsRevoked)
            return new Unusable($"the registry's new certificate ends at {offered.NotAfter:u}, before the present one");
        return new Fresh(new NodeIdentity(known.Identity.Verifier, offered, known.Identity.Key, now));
    }

    /// <summary>Judges the answer to <c>getCa</c>, which anybody on the way may have written. Only what our authority's own key has signed passes.</summary>
    public static RenewalOffer OfAuthority(CertificateKnowledge known, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        NodeIdentity identity = known.Identity;
        AuthorityCertificate present = identity.Verifier.Authority;
        if (body.Length > MaxLength || !AuthorityCertificate.TryParsePem(Encoding.UTF8.GetString(body), out AuthorityCertificate? offered))
            return new Unusable("getCa was answered with something that is not an authority's certificate");
        if (offered.Der.AsSpan().SequenceEqual(present.Der.AsSpan()))
            return new Unchanged();
        if (!offered.IsRenewalOf(present))
            return new Unusable("getCa was answered with the certificate of another authority: somebody may be between us and the registry");
        if (!offered.IsValidAt(now))
            return new Unusable($"the authority's new certificate is valid from {offered.NotBefore:u} to {offered.NotAfter:u}, and this machine's clock says {now:u}");
        if (NodeIdentity.TolerantTime(identity.Certificate, now) < identity.Certificate.NotBefore)
            return new Unusable($"this machine's clock says {now:u}, which is before the node's certificate began");
        if (offered.NotAfter <= present.NotAfter)
            return new Unusable($"the authority's certificate that getCa gives ends at {offered.NotAfter:u}, not later than the present one");
        // The present one stays beside it until the next start: the clock may be set back a little.
        return new Fresh(new NodeIdentity(new CertificateVerifier(offered, present), identity.Certificate, identity.Key, now));
    }
}
