using System.Collections.Immutable;
using Mesh.Protocol.Addressing;

namespace Mesh.Security.Certificates;

/// <summary>Decides whether the certificate of a node may be trusted. It never throws, whatever a peer sends.</summary>
/// <remarks>There may be several certificates of the authority: the present one and its renewals, which have the same key.</remarks>
public sealed class CertificateVerifier
{
    private readonly ImmutableArray<AuthorityCertificate> _authorities;

    /// <summary>A verifier for one network.</summary>
    /// <exception cref="ArgumentException">There is no authority, or one is no renewal of the first.</exception>
    public CertificateVerifier(params ReadOnlySpan<AuthorityCertificate> authorities)
    {
        if (authorities.IsEmpty)
            throw new ArgumentException("A network has an authority.", nameof(authorities));
        foreach (AuthorityCertificate authority in authorities)
        {
            if (!authority.IsRenewalOf(authorities[0]))
                throw new ArgumentException($"The {authority} with another key is no renewal.", nameof(authorities));
        }
        _authorities = [.. authorities];
    }

    /// <summary>The network.</summary>
    public NetworkPrefix Network => _authorities[0].Network;

    /// <summary>The authority; of several certificates the first one.</summary>
    public AuthorityCertificate Authority => _authorities[0];

    /// <summary>Verifies a certificate as it came from a peer.</summary>
    /// <param name="der">Anything.</param>
    /// <param name="time">When: normally now.</param>
    /// <param name="revokedSerials">The revocation list.</param>
    /// <param name="certificate">The certificate where it could be read, whatever the verdict.</param>
    public CertificateVerdict Verify(ReadOnlySpan<byte> der, DateTimeOffset time, IReadOnlySet<ulong> revokedSerials, out NodeCertificate? certificate) =>
        NodeCertificate.TryParse(der, out certificate) ? Verify(certificate, time, revokedSerials) : CertificateVerdict.Malformed;

    /// <summary>Verifies a certificate, and that a peer who sends from <paramref name="source"/> is the node that it names.</summary>
    public CertificateVerdict Verify(
        ReadOnlySpan<byte> der, DateTimeOffset time, IReadOnlySet<ulong> revokedSerials, Ipv6Address source, out NodeCertificate? certificate)
    {
        CertificateVerdict verdict = Verify(der, time, revokedSerials, out certificate);
        if (verdict == CertificateVerdict.Valid && !certificate!.Prefix.Subnet(Network).Contains(source))
            return CertificateVerdict.ForeignAddress;
        return verdict;
    }

    /// <summary>Verifies a certificate that was read before; it may have expired or been revoked since.</summary>
    public CertificateVerdict Verify(NodeCertificate certificate, DateTimeOffset time, IReadOnlySet<ulong> revokedSerials)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(revokedSerials);
        ParsedCertificate parsed = certificate.Parsed;
        if (!parsed.Issuer.Span.SequenceEqual(Authority.Parsed.Subject.Encoded.Span))
            return CertificateVerdict.UnknownIssuer;
        if (!parsed.IsSignedBy(Authority.PublicKey))
            return CertificateVerdict.BadSignature;
        // From here on the authority itself speaks, so the order only decides what the log says.
        if (!_authorities.Any(authority => authority.IsValidAt(time)))
            return CertificateVerdict.AuthorityNotValid;
        if (time < certificate.NotBefore)
            return CertificateVerdict.NotYetValid;
        if (time > certificate.NotAfter)
            return CertificateVerdict.Expired;
        if (revokedSerials.Contains(certificate.SerialNumber))
            return CertificateVerdict.Revoked;
        if (certificate.PublicKey.Size != Authority.PublicKey.Size)
            return CertificateVerdict.WrongKeySize;
        return certificate.Prefix.FitsIn(Network) ? CertificateVerdict.Valid : CertificateVerdict.PrefixTooLong;
    }

    /// <summary>When a node verifies its own certificate at its start: an expired one must not keep it from asking for a renewal,
    /// and neither must a clock that is ahead.</summary>
    public DateTimeOffset TimeForOwn(NodeCertificate own, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(own);
        DateTimeOffset begin = Authority.NotBefore > own.NotBefore ? Authority.NotBefore : own.NotBefore;
        return now < begin ? now : begin;
    }
}
