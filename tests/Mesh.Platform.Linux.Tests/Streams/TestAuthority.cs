using System.Formats.Asn1;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Platform.Linux.Tests.Streams;

/// <summary>A certificate authority that issues X.509 v1 certificates, without any extension, as the networks we join do.</summary>
internal sealed class TestAuthority
{
    private const string Sha256WithRsa = "1.2.840.113549.1.1.11";
    private readonly RSA _key = RSA.Create(2048);

    public static DateTimeOffset Today { get; } = new(2026, 11, 22, 0, 0, 0, TimeSpan.Zero);

    public X509Certificate2 Issue(string name, DateTimeOffset? notAfter = null)
    {
        RSA key = RSA.Create(2048);
        var body = new AsnWriter(AsnEncodingRules.DER);
        using (body.PushSequence())
        {
            body.WriteInteger(new BigInteger(4711));
            WriteAlgorithm(body);
            body.WriteEncodedValue(new X500DistinguishedName("CN=authority").RawData);
            using (body.PushSequence())
            {
                body.WriteUtcTime(Today.AddYears(-1));
                body.WriteUtcTime(notAfter ?? Today.AddYears(1));
            }
            body.WriteEncodedValue(new X500DistinguishedName($"CN={name}").RawData);
            body.WriteEncodedValue(key.ExportSubjectPublicKeyInfo());
        }
        byte[] encoded = body.Encode();
        var certificate = new AsnWriter(AsnEncodingRules.DER);
        using (certificate.PushSequence())
        {
            certificate.WriteEncodedValue(encoded);
            WriteAlgorithm(certificate);
            certificate.WriteBitString(_key.SignData(encoded, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        }
        using X509Certificate2 bare = X509CertificateLoader.LoadCertificate(certificate.Encode());
        return bare.CopyWithPrivateKey(key);
    }

    /// <summary>Judges a certificate by signature and end date.</summary>
    public string? Judge(ReadOnlyMemory<byte> der)
    {
        AsnReader certificate = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        ReadOnlyMemory<byte> body = certificate.ReadEncodedValue();
        certificate.ReadEncodedValue();
        if (!_key.VerifyData(body.Span, certificate.ReadBitString(out _), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
            return "it is not signed by this network's authority";
        using X509Certificate2 parsed = X509CertificateLoader.LoadCertificate(der.Span);
        return parsed.NotAfter.ToUniversalTime() < Today.UtcDateTime
            ? string.Create(CultureInfo.InvariantCulture, $"it ended on {parsed.NotAfter:yyyy-MM-dd}")
            : null;
    }

    private static void WriteAlgorithm(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Sha256WithRsa);
            writer.WriteNull();
        }
    }
}
