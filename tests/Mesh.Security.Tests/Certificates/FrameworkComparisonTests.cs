using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using PublicKey = Mesh.Security.Keys.PublicKey;

namespace Mesh.Security.Tests.Certificates;

/// <summary>Certificates are written and requests are read by hand, for speed. Here the framework does the same, slowly, and nothing may differ.</summary>
public sealed class FrameworkComparisonTests
{
    private const string ChallengePassword = "1.2.840.113549.1.9.7";
    private const string Organization = "2.5.4.10", Country = "2.5.4.6", Surname = "2.5.4.4";

    private static readonly PrivateKey Key = Identities.KeyOf(Identities.Node("B"));
    private static readonly Lazy<PrivateKey> LongKey = new(static () => PrivateKey.Generate(4096));
    private static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    // Both sides of the year from which dates are written in full, the last moment before it, another time zone, and parts of seconds, which certificates do not have.
    public static TheoryData<DateTimeOffset, DateTimeOffset> Dates => new()
    {
        { Start, Start.AddDays(365) },
        { new(2000, 2, 29, 0, 0, 0, TimeSpan.Zero), new(2049, 12, 31, 23, 59, 59, TimeSpan.Zero) },
        { new(2049, 12, 31, 23, 59, 59, TimeSpan.Zero), new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero) },
        { new(2050, 1, 1, 1, 0, 0, TimeSpan.FromHours(2)), new(2049, 12, 31, 23, 30, 0, TimeSpan.FromHours(-2)) },
        { new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero), new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero) },
        { Start.AddMilliseconds(999), Start.AddYears(50).AddTicks(1) },
    };

    [Theory]
    [MemberData(nameof(Dates))]
    public void Certificates_are_octet_for_octet_those_of_the_framework(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        foreach (ulong serial in (ulong[])[1, 127, 128, 255, 256, long.MaxValue, 1UL << 63, ulong.MaxValue])
            Compare(Identities.Authority, Key, new IssuedIdentity(NodePrefix.ParseCommonName("7/16"), SubjectSerial: 12, serial, notBefore, notAfter), [(Organization, "Société"), (Country, "FR")]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0U)]
    [InlineData(uint.MaxValue)]
    public void Subjects_are_those_of_the_framework_with_and_without_a_number(uint? number)
    {
        foreach ((string, string)[] subject in ((string, string)[][])[[], [(SubjectName.EmailAddress, "jo@example.org")], [(Organization, new string('x', 64)), (Organization, "twice")]])
            Compare(Identities.Authority, Key, new IssuedIdentity(NodePrefix.ParseCommonName("1208925819614629174706175/80"), number, 99, Start, Start.AddDays(1)), subject);
    }

    [Fact]
    public void Certificates_with_keys_of_4096_bits_are_those_of_the_framework()
    {
        var authorityKey = PrivateKey.Generate(4096);
        using var authority = CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), authorityKey, "long", "ca@example.org", Start.AddDays(-1), Start.AddYears(100));
        Compare(authority, LongKey.Value, new IssuedIdentity(NodePrefix.ParseCommonName("7/16"), 3, 1234, Start, Start.AddYears(60)), [(Organization, "x")]);
    }

    public static TheoryData<string> Hashes => ["SHA1", "SHA256", "SHA384", "SHA512"];

    [Theory]
    [MemberData(nameof(Hashes))]
    public void Requests_are_read_as_the_framework_reads_them(string hash)
    {
        foreach (byte[] subject in Subjects())
        {
            foreach (bool hasAttributes in (bool[])[false, true])
                CompareRequest(MakeRequest(Key, subject, new HashAlgorithmName(hash), hasAttributes), Key.PublicKey, subject);
        }
    }

    [Fact]
    public void Requests_with_keys_of_4096_bits_are_read_as_the_framework_reads_them() =>
        CompareRequest(MakeRequest(LongKey.Value, SubjectName.Build([(Organization, "x")]), HashAlgorithmName.SHA512, hasAttributes: true), LongKey.Value.PublicKey, SubjectName.Build([(Organization, "x")]));

    [Fact]
    public void A_request_with_another_padding_is_refused_and_not_misread()
    {
        var request = new CertificateRequest(new X500DistinguishedName(SubjectName.Build([])), Key.Rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
        Assert.Equal(RequestProblem.BadSignature, ParsedRequest.TryParse(request.CreateSigningRequestPem(), Key.PublicKey.Size, out ParsedRequest? parsed));
        Assert.Null(parsed);
    }

    // The parameters of the signature's algorithm are not signed and mean nothing, so there alone an octet may change.
    [Fact]
    public void Mutated_requests_are_refused_or_say_what_was_signed()
    {
        foreach (bool hasAttributes in (bool[])[false, true])
        {
            byte[] subject = SubjectName.Build([(Organization, "Société"), (Country, "FR")]), der = MakeRequest(Key, subject, HashAlgorithmName.SHA512, hasAttributes);
            foreach (byte[] octets in Hostile.Truncations(der).Concat(Hostile.Mutations(seed: 11, 1_500, der)))
            {
                if (ParsedRequest.TryParse(Pem.Write(Pem.CertificateRequest, octets), Key.PublicKey.Size, out ParsedRequest? parsed) != RequestProblem.None)
                    continue;
                Assert.Equal(subject, parsed!.Subject.Encoded.ToArray());
                Assert.Equal(Key.PublicKey, parsed.PublicKey);
                Assert.Equal(SignedPart(der), SignedPart(octets));
            }
        }
    }

    [Fact]
    public void What_is_mutated_and_signed_again_is_refused_or_read_as_the_framework_reads_it()
    {
        byte[] der = MakeRequest(Key, SubjectName.Build([(Organization, "Société"), (Country, "FR"), (Surname, "x")]), HashAlgorithmName.SHA512, hasAttributes: true);
        byte[] signed = SignedPart(der);
        (int accepted, int compared, int refused) = (0, 0, 0);
        foreach (byte[] octets in Hostile.Mutations(seed: 12, 4_000, signed))
        {
            string text = Pem.Write(Pem.CertificateRequest, Resign(octets));
            if (ParsedRequest.TryParse(text, Key.PublicKey.Size, out ParsedRequest? parsed) != RequestProblem.None)
            {
                refused++;
                continue;
            }

            // The framework looks into attributes, which here mean nothing and are passed over.
            accepted++;
            if (!CanBeRead(text))
                continue;
            Agree(parsed!, text);
            compared++;
        }

        Assert.True(accepted > 100 && compared > 50 && refused > 100, $"{accepted} accepted, {compared} compared, {refused} refused: the mutations do not reach both sides");
    }

    private static void Compare(CertificateAuthority authority, PrivateKey nodeKey, IssuedIdentity identity, (string Type, string Value)[] asked)
    {
        byte[] request = MakeRequest(nodeKey, SubjectName.Build([(SubjectName.CommonName, "of the request"), .. asked, (SubjectName.SerialNumber, "77")]), HashAlgorithmName.SHA512, hasAttributes: true);
        Assert.Equal(RequestProblem.None, authority.TryIssue(Pem.Write(Pem.CertificateRequest, request), identity, out NodeCertificate? made));

        List<(string, string)> subject = [.. asked, (SubjectName.CommonName, identity.Prefix.CommonName)];
        if (identity.SubjectSerial is { } number)
            subject.Add((SubjectName.SerialNumber, $"{number}"));
        byte[] issuer = authority.Certificate.Parsed.Subject.Encoded.ToArray(), expected = ByFramework(authority.Key, issuer, nodeKey, SubjectName.Build(subject), identity);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(made!.Der.AsSpan()));

        NodeCertificate renewed = authority.Renew(made, identity.SerialNumber, identity.NotBefore, identity.NotAfter);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(renewed.Der.AsSpan()));
    }

    private static byte[] ByFramework(PrivateKey authorityKey, byte[] issuer, PrivateKey nodeKey, byte[] subject, IssuedIdentity identity)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), nodeKey.Rsa, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        byte[] serial = [0, .. BitConverter.GetBytes(identity.SerialNumber).Reverse()];
        using X509Certificate2 certificate = request.Create(
            new X500DistinguishedName(issuer), X509SignatureGenerator.CreateForRSA(authorityKey.Rsa, RSASignaturePadding.Pkcs1), identity.NotBefore, identity.NotAfter, serial);
        return certificate.RawData;
    }

    private static IEnumerable<byte[]> Subjects()
    {
        yield return SubjectName.Build([]);
        yield return SubjectName.Build([(SubjectName.CommonName, "1/16"), (SubjectName.SerialNumber, "3"), (SubjectName.CommonName, "2/16")]);
        yield return SubjectName.Build([.. Enumerable.Range(0, 32).Select(static index => (Organization, $"o{index}"))]);
        yield return new X500DistinguishedName("CN=by the framework, O=\"with, comma\", E=jo@example.org, C=FR").RawData;
        foreach (UniversalTagNumber form in (UniversalTagNumber[])[UniversalTagNumber.UTF8String, UniversalTagNumber.PrintableString, UniversalTagNumber.IA5String, UniversalTagNumber.T61String, UniversalTagNumber.BMPString])
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            using (writer.PushSetOf())
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Organization);
                writer.WriteCharacterString(form, "Form 7");
            }

            yield return writer.Encode();
        }
    }

    private static byte[] MakeRequest(PrivateKey key, byte[] subject, HashAlgorithmName hash, bool hasAttributes)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), key.Rsa, hash, RSASignaturePadding.Pkcs1);
        if (hasAttributes)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
            var password = new AsnWriter(AsnEncodingRules.DER);
            password.WriteCharacterString(UniversalTagNumber.UTF8String, "challenge");
            request.OtherRequestAttributes.Add(new AsnEncodedData(new Oid(ChallengePassword), password.Encode()));
        }

        if (hash != HashAlgorithmName.SHA1)
            return request.CreateSigningRequest();
        return request.CreateSigningRequest(new OldSignature(key.Rsa));
    }

    private static void CompareRequest(byte[] der, PublicKey key, byte[] subject)
    {
        string text = Pem.Write(Pem.CertificateRequest, der);
        Assert.Equal(RequestProblem.None, ParsedRequest.TryParse(text, key.Size, out ParsedRequest? parsed));
        Assert.Equal(subject, parsed!.Subject.Encoded.ToArray());
        Assert.Equal(key, parsed.PublicKey);
        Agree(parsed, text);
        // What the subject says, too.
        string?[] values = [.. new X500DistinguishedName(subject).EnumerateRelativeDistinguishedNames(reversed: false).Select(static name => name.GetSingleElementValue())];
        Assert.Equal(values, parsed.Subject.Attributes.Select(static attribute => attribute.Value), StringComparer.Ordinal);
    }

    private static void Agree(ParsedRequest parsed, string text)
    {
        CertificateRequest request = Load(text);
        Assert.Equal(request.SubjectName.RawData, parsed.Subject.Encoded.ToArray());
        using RSA rsa = request.PublicKey.GetRSAPublicKey()!;
        RSAParameters numbers = rsa.ExportParameters(includePrivateParameters: false);
        Assert.True(PublicKey.TryCreate(numbers.Modulus, numbers.Exponent, out PublicKey? key));
        Assert.Equal(key, parsed.PublicKey);
    }

    private static CertificateRequest Load(string text) => CertificateRequest.LoadSigningRequestPem(text, HashAlgorithmName.SHA512, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);

    private static bool CanBeRead(string text)
    {
        try
        {
            _ = Load(text);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static byte[] SignedPart(byte[] request) => new AsnReader(request, AsnEncodingRules.DER).ReadSequence().ReadEncodedValue().ToArray();

    private static byte[] Resign(byte[] signed)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        byte[] algorithm = X509SignatureGenerator.CreateForRSA(Key.Rsa, RSASignaturePadding.Pkcs1).GetSignatureAlgorithmIdentifier(HashAlgorithmName.SHA512);
        var signature = new AsnWriter(AsnEncodingRules.DER);
        signature.WriteBitString(Key.Sign(signed));
        byte[] content = [.. signed, .. algorithm, .. signature.Encode()];
        writer.WriteOctetString(content);   // in which what is mutated may stand as it is
        byte[] encoded = writer.Encode();
        encoded[0] = 0x30;   // the same length, as a sequence
        return encoded;
    }

    /// <summary>SHA-1 with RSA, which the framework's own generator does not know any more.</summary>
    private sealed class OldSignature(RSA key) : X509SignatureGenerator
    {
        private readonly X509SignatureGenerator _inner = CreateForRSA(key, RSASignaturePadding.Pkcs1);

        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.1.5");
                writer.WriteNull();
            }

            return writer.Encode();
        }

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

        protected override System.Security.Cryptography.X509Certificates.PublicKey BuildPublicKey() => _inner.PublicKey;
    }
}
