using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Authority;

/// <summary>The real thing: certificates and signatures by the key of the certificate authority.</summary>
/// <param name="authority">Certificate and key; not disposed here.</param>
/// <param name="entropy">Where secrets and paddings come from.</param>
public sealed class RsaRegistryAuthority(CertificateAuthority authority, IEntropy entropy) : IRegistryAuthority
{
    /// <inheritdoc/>
    public NetworkPrefix Network => authority.Certificate.Network;

    /// <inheritdoc/>
    public string CertificatePem { get; } = authority.Certificate.ToPem();

    /// <inheritdoc/>
    public DateTimeOffset NotAfter => authority.Certificate.NotAfter;

    /// <inheritdoc/>
    public byte[] RandomBytes(int count)
    {
        byte[] octets = new byte[count];
        entropy.Fill(octets);
        return octets;
    }

    /// <inheritdoc/>
    public IssueOutcome Issue(IssueOrder order)
    {
        ArgumentNullException.ThrowIfNull(order);
        var identity = new IssuedIdentity(order.Prefix, (uint)order.SubjectSerial, order.Serial, order.NotBefore, order.NotAfter);
        RequestProblem problem = authority.TryIssue(order.RequestPem, identity, out NodeCertificate? certificate);
        return certificate is not null ? new Issued(certificate.ToPem()) : new RequestRefused(problem == RequestProblem.Malformed, Describe(problem));
    }

    /// <inheritdoc/>
    public bool IsForSameKey(string requestPem, string pem)
    {
        NodeCertificate known = Parse(pem);
        // Issuing is the one place that checks requests in full. What it makes here says what the known one says, and nobody gets it.
        var identity = new IssuedIdentity(known.Prefix, known.SubjectSerial ?? 0, known.SerialNumber, known.NotBefore, known.NotAfter);
        _ = authority.TryIssue(requestPem, identity, out NodeCertificate? repeated);
        return repeated is not null && repeated.PublicKey.Equals(known.PublicKey);
    }

    /// <inheritdoc/>
    public string Renew(string pem, ulong serial, DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        authority.Renew(Parse(pem), serial, notBefore, notAfter).ToPem();

    /// <inheritdoc/>
    public NetworkVersion SignVersion(ulong number) => VersionSigner.Sign(authority, number);

    /// <inheritdoc/>
    public byte[] SignRevocation(ulong serial) => RevocationNotice.Sign(authority, serial);

    /// <inheritdoc/>
    public byte[] MakeHello(string pem, SessionKey key) => SecretEnvelope.Create(key, Parse(pem).PublicKey, authority.Key, entropy);

    /// <inheritdoc/>
    public byte[] EncryptFor(string pem, ReadOnlyMemory<byte> plain) => Parse(pem).PublicKey.Encrypt(plain.Span, entropy);

    /// <inheritdoc/>
    public int MaxPlainLength(string pem) => Parse(pem).PublicKey.MaxPlainLength;

    private string Describe(RequestProblem problem) => problem switch
    {
        RequestProblem.Malformed => "not a certificate signing request in PEM",
        RequestProblem.BadSignature => "the request is not signed with its own key",
        RequestProblem.NotRsa => "the key of the request is not RSA",
        RequestProblem.WrongKeySize => $"the key of the request does not have {authority.Certificate.PublicKey.Size} bits, as all keys of this network",
        RequestProblem.WeakExponent => "the key of the request has a public exponent that is too small",
        RequestProblem.BadSubject => "the subject of the request is ambiguous",
        _ => $"the request is refused: {problem}",
    };

    // What the registry issued itself: anything else is a fault of ours.
    private static NodeCertificate Parse(string pem) =>
        NodeCertificate.TryParsePem(pem, out NodeCertificate? certificate) ? certificate : throw new FormatException("a stored certificate cannot be read");
}
