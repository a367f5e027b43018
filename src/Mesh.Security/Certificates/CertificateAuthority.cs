using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Protocol.Addressing;
using Mesh.Security.Keys;
using PublicKey = Mesh.Security.Keys.PublicKey;

namespace Mesh.Security.Certificates;

/// <summary>The authority of a network with its secret: issues the certificates of nodes.</summary>
/// <remarks>
/// Certificates are signed with RSA and SHA-512 and have no extensions, which nodes of re6st read as those of their own registry.
/// What the request says about its subject is kept, apart from common name and serialNumber: these are the identity and come from here.
/// </remarks>
public sealed class CertificateAuthority : IDisposable
{
    private const string Sha512WithRsa = "1.2.840.113549.1.1.13";

    private readonly PrivateKey _key;

    private CertificateAuthority(AuthorityCertificate certificate, PrivateKey key)
    {
        Certificate = certificate;
        _key = key;
    }

    /// <summary>The public part.</summary>
    public AuthorityCertificate Certificate { get; }

    /// <summary>The secret: signs versions and the answers to hello as well.</summary>
    public PrivateKey Key => _key;

    /// <summary>Makes the authority of a new network.</summary>
    /// <param name="network">The network; it becomes the serial number.</param>
    /// <param name="key">The key, which the authority then owns.</param>
    /// <param name="commonName">Name of the network for people, 1..64 characters.</param>
    /// <param name="emailAddress">Sender of the registry's mails, ASCII.</param>
    /// <param name="notBefore">First instant of validity.</param>
    /// <param name="notAfter">Last instant of validity.</param>
    public static CertificateAuthority Create(
        NetworkPrefix network, PrivateKey key, string commonName, string emailAddress, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentException.ThrowIfNullOrEmpty(commonName);
        ArgumentException.ThrowIfNullOrEmpty(emailAddress);
        var subject = new X500DistinguishedName(SubjectName.Build([(SubjectName.CommonName, commonName), (SubjectName.EmailAddress, emailAddress)]));
        return new CertificateAuthority(SelfSign(subject, network, key, notBefore, notAfter), key);
    }

    /// <summary>Another certificate for the authority: same key, network and subject, other dates. Certificates of nodes that were made before stay good.</summary>
    /// <param name="notBefore">First instant of validity.</param>
    /// <param name="notAfter">Last instant of validity.</param>
    public AuthorityCertificate Renew(DateTimeOffset notBefore, DateTimeOffset notAfter) =>
        SelfSign(new X500DistinguishedName(Certificate.Parsed.Subject.Encoded.ToArray()), Certificate.Network, _key, notBefore, notAfter);

    /// <summary>The same authority with another of its certificates.</summary>
    /// <param name="certificate">As <see cref="Renew(DateTimeOffset, DateTimeOffset)"/> gives it.</param>
    /// <exception cref="ArgumentException">It holds another key.</exception>
    public CertificateAuthority With(AuthorityCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return certificate.PublicKey.Equals(_key.PublicKey) ? new CertificateAuthority(certificate, _key) : throw new ArgumentException("the certificate is of another authority", nameof(certificate));
    }

    private static AuthorityCertificate SelfSign(X500DistinguishedName subject, NetworkPrefix network, PrivateKey key, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var request = new CertificateRequest(subject, key.Rsa, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        // OpenSSL takes a version 3 certificate for an authority only when it says so.
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        byte[] der = Sign(request, subject, key, SerialOctets((BigInteger)network.Serial), notBefore, notAfter);
        return AuthorityCertificate.TryParse(der, out AuthorityCertificate? certificate)
            ? certificate
            : throw new CryptographicException("The new certificate of the authority can not be read.");
    }

    /// <summary>Loads an authority.</summary>
    /// <param name="certificatePem">Its certificate.</param>
    /// <param name="keyPem">Its key.</param>
    /// <param name="authority">The authority, when everything is right.</param>
    /// <param name="problem">Otherwise what is wrong, as a sentence for the operator.</param>
    public static bool TryLoad(
        ReadOnlySpan<char> certificatePem, ReadOnlySpan<char> keyPem,
        [NotNullWhen(true)] out CertificateAuthority? authority, [NotNullWhen(false)] out string? problem)
    {
        authority = null;
        if (!AuthorityCertificate.TryParsePem(certificatePem, out AuthorityCertificate? certificate))
        {
            problem = "The certificate of the authority is not a self-signed PEM certificate (RSA, SHA-256 or better) whose serial number holds a network.";
            return false;
        }
        if (!PrivateKey.TryFromPem(keyPem, out PrivateKey? key))
        {
            problem = "The key of the authority is not an unencrypted RSA key in PEM.";
            return false;
        }
        if (!key.PublicKey.Equals(certificate.PublicKey))
        {
            key.Dispose();
            problem = "The key of the authority does not belong to its certificate.";
            return false;
        }
        authority = new CertificateAuthority(certificate, key);
        problem = null;
        return true;
    }

    /// <summary>Issues a certificate for a request, or says why not.</summary>
    /// <param name="requestPem">The request, from anybody.</param>
    /// <param name="identity">Who the node is from now on.</param>
    /// <param name="certificate">The certificate, when the result is <see cref="RequestProblem.None"/>.</param>
    /// <exception cref="ArgumentException">The prefix does not fit in the network, or the dates are in the wrong order: a bug on our side.</exception>
    public RequestProblem TryIssue(string requestPem, IssuedIdentity identity, out NodeCertificate? certificate)
    {
        ArgumentNullException.ThrowIfNull(requestPem);
        ArgumentNullException.ThrowIfNull(identity);
        certificate = null;
        RequestProblem problem = ParsedRequest.TryParse(requestPem, Certificate.PublicKey.Size, out ParsedRequest? request);
        if (request is not null)
            certificate = Issue(request.Subject, request.PublicKey, identity);
        return problem;
    }

    /// <summary>Issues a certificate with the key and subject of an older one: a renewal.</summary>
    /// <param name="previous">The older certificate of the same node.</param>
    /// <param name="serialNumber">New serial number.</param>
    /// <param name="notBefore">First instant of validity.</param>
    /// <param name="notAfter">Last instant of validity.</param>
    public NodeCertificate Renew(NodeCertificate previous, ulong serialNumber, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        ArgumentNullException.ThrowIfNull(previous);
        var identity = new IssuedIdentity(previous.Prefix, previous.SubjectSerial, serialNumber, notBefore, notAfter);
        return Issue(previous.Parsed.Subject, previous.PublicKey, identity);
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    /// <summary>The network, without the secret.</summary>
    public override string ToString() => Certificate.ToString();

    private NodeCertificate Issue(SubjectName asked, PublicKey key, IssuedIdentity identity)
    {
        if (!identity.Prefix.FitsIn(Certificate.Network))
            throw new ArgumentException($"Prefix {identity.Prefix.CommonName} does not fit in network {Certificate.Network}.", nameof(identity));
        if (identity.SerialNumber == 0)
            throw new ArgumentException("Serial numbers of certificates start at 1.", nameof(identity));
        if (identity.NotAfter < identity.NotBefore)
            throw new ArgumentException("A certificate ends after it begins.", nameof(identity));
        byte[] der = Sign(asked.ForNode(identity.Prefix, identity.SubjectSerial), key, identity);
        return NodeCertificate.TryParse(der, out NodeCertificate? certificate)
            ? certificate
            : throw new CryptographicException("The new certificate can not be read.");
    }

    // RFC 5280 section 4.1, by hand: the framework's builder takes both keys in again and reads the result back, which costs more than the signature.
    private byte[] Sign(byte[] subject, PublicKey key, IssuedIdentity identity)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                writer.WriteInteger(2);   // version 3
            writer.WriteInteger(identity.SerialNumber);
            WriteAlgorithm(writer, Sha512WithRsa);
            writer.WriteEncodedValue(Certificate.Parsed.Subject.Encoded.Span);
            using (writer.PushSequence())
            {
                WriteTime(writer, identity.NotBefore);
                WriteTime(writer, identity.NotAfter);
            }

            writer.WriteEncodedValue(subject);
            WriteKey(writer, key);
        }

        byte[] signed = writer.Encode();
        writer.Reset();
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(signed);
            WriteAlgorithm(writer, Sha512WithRsa);
            writer.WriteBitString(_key.Sign(signed));
        }

        return writer.Encode();
    }

    private static void WriteAlgorithm(AsnWriter writer, string identifier)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(identifier);
            writer.WriteNull();
        }
    }

    private static void WriteKey(AsnWriter writer, PublicKey key)
    {
        var numbers = new AsnWriter(AsnEncodingRules.DER);
        using (numbers.PushSequence())
        {
            numbers.WriteIntegerUnsigned(key.Modulus);
            numbers.WriteInteger(key.Exponent);
        }

        using (writer.PushSequence())
        {
            WriteAlgorithm(writer, ParsedCertificate.RsaEncryption);
            writer.WriteBitString(numbers.Encode());
        }
    }

    // RFC 5280 section 4.1.2.5: two digits of the year up to 2049.
    private static void WriteTime(AsnWriter writer, DateTimeOffset time)
    {
        if (time.UtcDateTime.Year < 2050)
            writer.WriteUtcTime(time.ToUniversalTime(), twoDigitYearMax: 2049);
        else
            writer.WriteGeneralizedTime(time.ToUniversalTime(), omitFractionalSeconds: true);
    }

    private static byte[] Sign(
        CertificateRequest request, X500DistinguishedName issuer, PrivateKey key, byte[] serial, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var generator = X509SignatureGenerator.CreateForRSA(key.Rsa, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.Create(issuer, generator, notBefore, notAfter, serial);
        return certificate.RawData;
    }

    // Big-endian, with a zero in front where the number would else be negative.
    private static byte[] SerialOctets(BigInteger serial) => serial.ToByteArray(isUnsigned: false, isBigEndian: true);
}
