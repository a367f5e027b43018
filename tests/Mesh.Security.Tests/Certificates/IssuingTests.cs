using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Security.Tests.Certificates;

public sealed class IssuingTests
{
    private static readonly DateTimeOffset From = Identities.Now;
    private static readonly DateTimeOffset Until = Identities.Now.AddDays(365);
    private static readonly PrivateKey Key = Identities.KeyOf(Identities.Node("B"));
    private static readonly IssuedIdentity Identity = new(NodePrefix.ParseCommonName("7/16"), SubjectSerial: 12, SerialNumber: 99, From, Until);

    [Fact]
    public void A_request_becomes_a_certificate_that_verifies()
    {
        var builder = new CertificateRequestBuilder();
        Assert.True(builder.TryAdd("O", "Société"));
        Assert.True(builder.TryAdd("emailAddress", "a@example.com"));
        Assert.True(builder.TryAdd("C", "FR"));
        Assert.Equal(RequestProblem.None, Identities.Authority.TryIssue(builder.ToPem(Key), Identity, out NodeCertificate? certificate));
        Assert.NotNull(certificate);
        Assert.Equal(Identity.Prefix, certificate.Prefix);
        Assert.Equal((12U, 99UL), (certificate.SubjectSerial, certificate.SerialNumber));
        Assert.Equal((From, Until), (certificate.NotBefore, certificate.NotAfter));
        Assert.Equal(Key.PublicKey, certificate.PublicKey);
        var verifier = new CertificateVerifier(Identities.Authority.Certificate);
        Assert.Equal(CertificateVerdict.Valid, verifier.Verify(certificate, From, Identities.NoneRevoked));

        // What another implementation makes of it.
        using X509Certificate2 other = X509CertificateLoader.LoadCertificate(certificate.Der.AsSpan());
        Assert.Equal("1.2.840.113549.1.1.13", other.SignatureAlgorithm.Value);
        Assert.Empty(other.Extensions);
        Assert.Equal("7/16", other.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        Assert.Contains("O=Société", other.Subject, StringComparison.Ordinal);
        Assert.Equal("63", other.SerialNumber);
        using X509Certificate2 root = X509CertificateLoader.LoadCertificate(Identities.Authority.Certificate.Der.AsSpan());
        Assert.Equal(root.SubjectName.RawData, other.IssuerName.RawData);
    }

    [Fact]
    public void The_same_request_and_identity_give_the_same_certificate()
    {
        string request = new CertificateRequestBuilder().ToPem(Key);
        Assert.Equal(RequestProblem.None, Identities.Authority.TryIssue(request, Identity, out NodeCertificate? first));
        Assert.Equal(RequestProblem.None, Identities.Authority.TryIssue(request, Identity, out NodeCertificate? second));
        Assert.Equal(first!.ToPem(), second!.ToPem(), StringComparer.Ordinal);
    }

    [Fact]
    public void A_renewal_keeps_subject_and_key()
    {
        NodeCertificate previous = Identities.CertificateOf(Identities.Node("A"));
        NodeCertificate renewed = Identities.Authority.Renew(previous, serialNumber: 500, From, Until);
        Assert.Equal((previous.Prefix, previous.SubjectSerial, 500UL), (renewed.Prefix, renewed.SubjectSerial, renewed.SerialNumber));
        Assert.Equal(previous.PublicKey, renewed.PublicKey);
        Assert.Equal(Until, renewed.NotAfter);
    }

    [Fact]
    public void Defect_a_second_common_name_in_the_request_does_not_make_a_node_its_victim()
    {
        string request = RequestWithSubject(("2.5.4.3", "zz"), ("2.5.4.3", "1/16"), ("2.5.4.10", "kept"));
        Assert.Equal(RequestProblem.None, Identities.Authority.TryIssue(request, Identity, out NodeCertificate? certificate));
        using X509Certificate2 other = X509CertificateLoader.LoadCertificate(certificate!.Der.AsSpan());
        string[] names = [.. other.SubjectName.EnumerateRelativeDistinguishedNames().Where(name => name.GetSingleElementType().Value == "2.5.4.3").Select(name => name.GetSingleElementValue()!)];
        Assert.Equal("7/16", Assert.Single(names));
        Assert.Contains("O=kept", other.Subject, StringComparison.Ordinal);
    }

    [Fact]
    public void Defect_a_second_serialNumber_in_the_request_does_not_steal_an_IPv4_subnet()
    {
        string request = RequestWithSubject(("2.5.4.5", "3"), ("2.5.4.5", "4"));
        Assert.Equal(RequestProblem.None, Identities.Authority.TryIssue(request, Identity, out NodeCertificate? certificate));
        Assert.Equal(12U, certificate!.SubjectSerial);
        using X509Certificate2 other = X509CertificateLoader.LoadCertificate(certificate.Der.AsSpan());
        Assert.Single(other.SubjectName.EnumerateRelativeDistinguishedNames(), name => name.GetSingleElementType().Value == "2.5.4.5");
    }

    [Fact]
    public void Defect_a_common_name_hidden_in_a_multivalued_step_is_refused()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        {
            foreach ((string type, string value) in new[] { ("2.5.4.10", "o"), ("2.5.4.3", "1/16") })
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(type);
                    writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
                }
            }
        }
        string request = RequestWithSubject(new X500DistinguishedName(writer.Encode()));
        Assert.Equal(RequestProblem.BadSubject, Identities.Authority.TryIssue(request, Identity, out NodeCertificate? certificate));
        Assert.Null(certificate);
    }

    [Fact]
    public void Defect_a_request_that_another_key_signed_is_refused()
    {
        using RSA own = Load(Identities.KeyOf(Identities.Node("A"))), other = Load(Key);
        var request = new CertificateRequest("O=x", own, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        byte[] der = request.CreateSigningRequest(X509SignatureGenerator.CreateForRSA(other, RSASignaturePadding.Pkcs1));
        Assert.Equal(RequestProblem.BadSignature, Identities.Authority.TryIssue(Pem.Write(Pem.CertificateRequest, der), Identity, out _));
    }

    [Fact]
    public void Defect_a_key_of_another_size_is_refused()
    {
        using var small = PrivateKey.Generate(1024);
        Assert.Equal(RequestProblem.WrongKeySize, Identities.Authority.TryIssue(new CertificateRequestBuilder().ToPem(small), Identity, out _));
    }

    [Fact]
    public void A_key_with_a_small_exponent_is_refused()
    {
        using RSA good = Load(Key);
        using var weak = RSA.Create(good.ExportParameters(includePrivateParameters: false) with { Exponent = [3] });
        byte[] der = new CertificateRequest("O=x", weak, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)
            .CreateSigningRequest(X509SignatureGenerator.CreateForRSA(good, RSASignaturePadding.Pkcs1));
        Assert.Equal(RequestProblem.WeakExponent, Identities.Authority.TryIssue(Pem.Write(Pem.CertificateRequest, der), Identity, out _));
    }

    [Fact]
    public void Defect_a_key_that_is_not_RSA_is_refused()
    {
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string request = new CertificateRequest("O=x", curve, HashAlgorithmName.SHA512).CreateSigningRequestPem();
        Assert.Equal(RequestProblem.NotRsa, Identities.Authority.TryIssue(request, Identity, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n")]
    [InlineData("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n")]
    public void Text_that_is_no_request_is_refused(string text)
    {
        Assert.Equal(RequestProblem.Malformed, Identities.Authority.TryIssue(text, Identity, out _));
        Assert.Equal(RequestProblem.Malformed, Identities.Authority.TryIssue(Identities.Authority.Certificate.ToPem(), Identity, out _));
    }

    [Fact]
    public void Mutated_requests_never_get_a_certificate()
    {
        Assert.True(Pem.TryRead(new CertificateRequestBuilder().ToPem(Key), Pem.CertificateRequest, out byte[]? der));
        foreach (byte[] octets in Hostile.Truncations(der).Concat(Hostile.Mutations(seed: 4, 1_000, der)).Where(octets => !octets.AsSpan().SequenceEqual(der)))
            Assert.NotEqual(RequestProblem.None, Identities.Authority.TryIssue(Pem.Write(Pem.CertificateRequest, octets), Identity, out _));
    }

    [Theory]
    [InlineData("CN", "1/16")]
    [InlineData("commonName", "1/16")]
    [InlineData("serialNumber", "1")]
    [InlineData("x", "1")]
    [InlineData("O", "")]
    [InlineData("O", "a\nb")]
    [InlineData("C", "FRA")]
    [InlineData("emailAddress", "é@example.com")]
    public void A_subject_has_only_what_a_node_may_ask_for(string name, string value)
    {
        Assert.False(new CertificateRequestBuilder().TryAdd(name, value));
    }

    [Fact]
    public void Our_own_mistakes_throw()
    {
        string request = new CertificateRequestBuilder().ToPem(Key);
        Assert.Throws<ArgumentException>(() => Identities.Authority.TryIssue(request, Identity with { Prefix = NodePrefix.ParseCommonName("0/81") }, out _));
        Assert.Throws<ArgumentException>(() => Identities.Authority.TryIssue(request, Identity with { SerialNumber = 0 }, out _));
        Assert.ThrowsAny<ArgumentException>(() => Identities.Authority.TryIssue(request, Identity with { NotAfter = From.AddDays(-1) }, out _));
    }

    internal static string RequestWithSubject(params (string Type, string Value)[] attributes) =>
        RequestWithSubject(new X500DistinguishedName(SubjectName.Build(attributes)));

    private static string RequestWithSubject(X500DistinguishedName subject)
    {
        using RSA rsa = Load(Key);
        return new CertificateRequest(subject, rsa, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1).CreateSigningRequestPem();
    }

    private static RSA Load(PrivateKey key)
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(key.ToPem());
        return rsa;
    }
}
