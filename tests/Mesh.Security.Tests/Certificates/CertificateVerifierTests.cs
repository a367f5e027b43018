using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Security.Tests.Certificates;

public sealed class CertificateVerifierTests
{
    private static readonly DateTimeOffset Now = Identities.Now;
    private static readonly NetworkPrefix Network = Identities.Authority.Certificate.Network;
    private static readonly NodeCertificate A = Identities.CertificateOf(Identities.Node("A"));
    private static readonly CertificateVerifier Verifier = new(Identities.Authority.Certificate);

    [Fact]
    public void The_dates_of_the_node_count()
    {
        NodeCertificate certificate = Identities.Authority.Renew(A, 50, Now, Now.AddDays(1));
        Assert.Equal(CertificateVerdict.NotYetValid, Verifier.Verify(certificate, Now.AddSeconds(-1), Identities.NoneRevoked));
        Assert.Equal(CertificateVerdict.Valid, Verifier.Verify(certificate, Now, Identities.NoneRevoked));
        Assert.Equal(CertificateVerdict.Valid, Verifier.Verify(certificate, Now.AddDays(1), Identities.NoneRevoked));
        Assert.Equal(CertificateVerdict.Expired, Verifier.Verify(certificate, Now.AddDays(1).AddSeconds(1), Identities.NoneRevoked));
        Assert.Equal(certificate.NotBefore, Verifier.TimeForOwn(certificate, Now.AddDays(9)));
        Assert.Equal(Now.AddDays(-9), Verifier.TimeForOwn(certificate, Now.AddDays(-9)));
    }

    [Fact]
    public void A_renewed_authority_takes_over_from_the_old_one()
    {
        PrivateKey key = Identities.KeyOf(Identities.Json.GetProperty("ca"));
        var old = CertificateAuthority.Create(Network, key, "net", "ca@example.com", Now.AddDays(-100), Now);
        var renewed = CertificateAuthority.Create(Network, key, "net", "ca@example.com", Now.AddDays(-1), Now.AddDays(100));
        NodeCertificate certificate = old.Renew(A, 51, Now.AddDays(-50), Now.AddDays(50));
        Assert.Equal(CertificateVerdict.AuthorityNotValid, new CertificateVerifier(old.Certificate).Verify(certificate, Now.AddDays(1), Identities.NoneRevoked));
        Assert.Equal(CertificateVerdict.Valid, new CertificateVerifier(old.Certificate, renewed.Certificate).Verify(certificate, Now.AddDays(1), Identities.NoneRevoked));
        Assert.True(renewed.Certificate.IsRenewalOf(old.Certificate));
    }

    [Fact]
    public void Defect_a_new_authority_with_another_key_is_no_renewal_however_it_was_fetched()
    {
        PrivateKey key = Identities.KeyOf(Identities.Json.GetProperty("ca"));
        var real = CertificateAuthority.Create(Network, key, "net", "ca@example.com", Now, Now.AddDays(100));
        var forged = CertificateAuthority.Create(Network, Identities.KeyOf(Identities.Foreign), "net", "ca@example.com", Now, Now.AddDays(100));
        Assert.False(forged.Certificate.IsRenewalOf(real.Certificate));
        Assert.Throws<ArgumentException>(() => new CertificateVerifier(real.Certificate, forged.Certificate));
        Assert.Throws<ArgumentException>(() => new CertificateVerifier());
        NodeCertificate certificate = forged.Renew(A, 52, Now, Now.AddDays(1));
        Assert.Equal(CertificateVerdict.BadSignature, new CertificateVerifier(real.Certificate).Verify(certificate, Now, Identities.NoneRevoked));
    }

    [Fact]
    public void A_revoked_serial_number_is_refused()
    {
        Assert.Equal(CertificateVerdict.Revoked, Verifier.Verify(A, Now, new HashSet<ulong> { 1, A.SerialNumber }));
        Assert.Equal(CertificateVerdict.Valid, Verifier.Verify(A, Now, new HashSet<ulong> { A.SerialNumber + 1 }));
    }

    [Theory]
    [InlineData("2001:db8:42:2::1")]
    [InlineData("2001:db8:42::1")]
    [InlineData("2001:db8:43:1::1")]
    [InlineData("::1")]
    public void A_node_cannot_speak_from_an_address_of_another(string address)
    {
        Assert.Equal(CertificateVerdict.ForeignAddress, Verifier.Verify(A.Der.AsSpan(), Now, Identities.NoneRevoked, Ipv6Address.Parse(address), out _));
    }

    [Fact]
    public void Defect_a_certificate_with_two_common_names_is_refused_even_when_the_authority_signed_it()
    {
        byte[] der = SignedByAuthority(SubjectName.Build([("2.5.4.3", "0/16"), ("2.5.4.5", "1"), ("2.5.4.3", "1/16")]), serial: [9]);
        Assert.Equal(CertificateVerdict.Malformed, Verifier.Verify(der, Now, Identities.NoneRevoked, out NodeCertificate? certificate));
        Assert.Null(certificate);
    }

    [Theory]
    [InlineData("2.5.4.3", "zz", "a common name that is no prefix")]
    [InlineData("2.5.4.10", "1/16", "no common name")]
    public void A_certificate_is_refused_that_has(string type, string value, string what)
    {
        byte[] der = SignedByAuthority(SubjectName.Build([(type, value)]), serial: [9]);
        Assert.True(Verifier.Verify(der, Now, Identities.NoneRevoked, out _) == CertificateVerdict.Malformed, what);
    }

    [Fact]
    public void A_serial_number_that_no_revocation_list_can_name_is_refused()
    {
        byte[] subject = SubjectName.Build([("2.5.4.3", "1/16")]);
        Assert.Equal(CertificateVerdict.Malformed, Verifier.Verify(SignedByAuthority(subject, serial: [1, 0, 0, 0, 0, 0, 0, 0, 0]), Now, Identities.NoneRevoked, out _));
        Assert.Equal(CertificateVerdict.Malformed, Verifier.Verify(SignedByAuthority(subject, serial: [0]), Now, Identities.NoneRevoked, out _));
        Assert.Equal(CertificateVerdict.Valid, Verifier.Verify(SignedByAuthority(subject, serial: [7]), Now, Identities.NoneRevoked, out _));
    }

    [Fact]
    public void A_certificate_without_serialNumber_does_not_get_one_by_renewal()
    {
        Assert.True(NodeCertificate.TryParse(SignedByAuthority(SubjectName.Build([("2.5.4.3", "1/16")]), serial: [9]), out NodeCertificate? previous));
        Assert.Null(previous.SubjectSerial);
        Assert.Null(Identities.Authority.Renew(previous, 10, Now, Now.AddDays(1)).SubjectSerial);
    }

    [Fact]
    public void A_prefix_that_does_not_fit_in_the_network_is_refused()
    {
        byte[] der = SignedByAuthority(SubjectName.Build([("2.5.4.3", "0/81")]), serial: [9]);
        Assert.Equal(CertificateVerdict.PrefixTooLong, Verifier.Verify(der, Now, Identities.NoneRevoked, Ipv6Address.Any, out _));
    }

    [Fact]
    public void Every_truncation_is_malformed_and_an_octet_too_many_is()
    {
        byte[] der = [.. A.Der];
        Assert.All(Hostile.Truncations(der), octets => Assert.Equal(CertificateVerdict.Malformed, Verifier.Verify(octets, Now, Identities.NoneRevoked, out _)));
        Assert.Equal(CertificateVerdict.Malformed, Verifier.Verify([.. der, 0], Now, Identities.NoneRevoked, out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Mutated_certificates_are_never_valid_and_never_throw(int seed)
    {
        byte[] der = [.. A.Der], authority = [.. Identities.Authority.Certificate.Der];
        foreach (byte[] octets in Hostile.Mutations(seed, 3_000, der).Where(octets => !octets.AsSpan().SequenceEqual(der)))
            Assert.NotEqual(CertificateVerdict.Valid, Verifier.Verify(octets, Now, Identities.NoneRevoked, out _));
        foreach (byte[] octets in Hostile.Mutations(seed, 1_000, authority).Where(octets => !octets.AsSpan().SequenceEqual(authority)))
            Assert.False(AuthorityCertificate.TryParse(octets, out _));
    }

    [Fact]
    public void The_authority_of_a_new_network_is_one_for_other_implementations_too()
    {
        PrivateKey key = Identities.KeyOf(Identities.Json.GetProperty("ca"));
        NetworkPrefix network = NetworkPrefix.Parse("8000::/1");
        var authority = CertificateAuthority.Create(network, key, "net", "ca@example.com", Now, Now.AddDays(100));
        Assert.Equal(network, authority.Certificate.Network);
        Assert.Equal("ca@example.com", authority.Certificate.EmailAddress);
        NodeCertificate certificate = authority.Renew(A, 2, Now, Now.AddDays(1));

        using X509Certificate2 root = X509CertificateLoader.LoadCertificate(authority.Certificate.Der.AsSpan());
        using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(certificate.Der.AsSpan());
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = Now.AddHours(1).UtcDateTime;
        Assert.True(chain.Build(leaf), string.Join(' ', chain.ChainStatus.Select(status => status.StatusInformation)));
    }

    [Fact]
    public void The_longest_network_fits_in_a_serial_number()
    {
        PrivateKey key = Identities.KeyOf(Identities.Json.GetProperty("ca"));
        NetworkPrefix network = NetworkPrefix.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
        Assert.Equal(network, CertificateAuthority.Create(network, key, "net", "ca@example.com", Now, Now.AddDays(100)).Certificate.Network);
    }

    [Fact]
    public void An_authority_is_loaded_only_with_its_own_key()
    {
        string pem = Identities.Authority.Certificate.ToPem();
        Assert.False(CertificateAuthority.TryLoad(pem, Identities.Foreign.Text("key"), out _, out string? problem));
        Assert.Contains("does not belong", problem, StringComparison.Ordinal);
        Assert.False(CertificateAuthority.TryLoad(pem, "", out _, out problem));
        Assert.Contains("key", problem, StringComparison.Ordinal);
        Assert.False(CertificateAuthority.TryLoad(A.ToPem(), Identities.Json.GetProperty("ca").Text("key"), out _, out problem));
        Assert.Contains("self-signed", problem, StringComparison.Ordinal);
    }

    private static byte[] SignedByAuthority(byte[] subject, byte[] serial)
    {
        using RSA ca = RSA.Create(), node = RSA.Create();
        ca.ImportFromPem(Identities.Json.GetProperty("ca").Text("key"));
        node.ImportFromPem(Identities.Node("A").Text("key"));
        var request = new CertificateRequest(new X500DistinguishedName(subject), node, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        var issuer = new X500DistinguishedName(Identities.Authority.Certificate.Parsed.Subject.Encoded.Span);
        using X509Certificate2 certificate = request.Create(issuer, X509SignatureGenerator.CreateForRSA(ca, RSASignaturePadding.Pkcs1), Now, Now.AddDays(1), serial);
        return certificate.RawData;
    }
}
