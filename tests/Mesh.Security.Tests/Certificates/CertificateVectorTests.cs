using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Security.Tests.Certificates;

/// <summary>Certificates, versions and parameters that re6st made.</summary>
public sealed class CertificateVectorTests
{
    public static TheoryData<string> Nodes => [.. Identities.Json.GetProperty("nodes").EnumerateObject().Select(node => node.Name)];

    [Fact]
    public void The_authority_holds_its_network()
    {
        JsonElement ca = Identities.Json.GetProperty("ca");
        AuthorityCertificate certificate = Identities.Authority.Certificate;
        Assert.Equal(ca.Text("network"), certificate.Network.ToString());
        Assert.Equal("re6st@example.com", certificate.EmailAddress);
        Assert.Equal("sha256:" + ca.Text("der_sha256"), Fingerprint.Of(certificate.Der.AsSpan()).ToString());
        Assert.True(AuthorityCertificate.TryParsePem(certificate.ToPem(), out AuthorityCertificate? again));
        Assert.True(again.IsRenewalOf(certificate));
        Assert.Equal(ca.Text("cert").Trim(), certificate.ToPem().Trim());
    }

    [Theory, MemberData(nameof(Nodes))]
    public void The_certificates_of_nodes_are_read_and_valid(string name)
    {
        JsonElement node = Identities.Node(name);
        NodeCertificate certificate = Identities.CertificateOf(node);
        Assert.Equal(node.Text("cn"), certificate.Prefix.CommonName);
        Assert.Equal(node.Text("prefix"), certificate.Prefix.Bits);
        Assert.Equal(node.GetProperty("subject_serial").GetUInt32(), certificate.SubjectSerial);
        Assert.Equal(node.GetProperty("serial").GetUInt64(), certificate.SerialNumber);
        Assert.Equal(node.GetProperty("der_length").GetInt32(), certificate.Der.Length);
        Assert.Equal(node.Text("der_sha1"), Convert.ToHexStringLower(SHA1.HashData(certificate.Der.AsSpan())));
        Assert.Equal(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), certificate.NotBefore);
        Assert.Equal(Identities.KeyOf(node).PublicKey, certificate.PublicKey);

        var verifier = new CertificateVerifier(Identities.Authority.Certificate);
        var source = Ipv6Address.Parse(node.Text("address"));
        Assert.Equal(CertificateVerdict.Valid, verifier.Verify(certificate.Der.AsSpan(), Identities.Now, Identities.NoneRevoked, source, out _));
        Ipv6Address first = certificate.Prefix.FirstAddress(verifier.Network);
        Assert.Equal(CertificateVerdict.Valid, verifier.Verify(certificate.Der.AsSpan(), Identities.Now, Identities.NoneRevoked, first, out _));
    }

    [Fact]
    public void A_certificate_of_another_authority_is_not_trusted()
    {
        var verifier = new CertificateVerifier(Identities.Authority.Certificate);
        NodeCertificate certificate = Identities.CertificateOf(Identities.Foreign);
        Assert.Equal(CertificateVerdict.UnknownIssuer, verifier.Verify(certificate, Identities.Now, Identities.NoneRevoked));
    }

    [Fact]
    public void Versions_are_signed_like_those_of_re6st()
    {
        JsonElement versions = Vectors.Load("version.json");
        foreach (JsonElement vector in versions.GetProperty("valid").EnumerateArray())
        {
            NetworkVersion signed = VersionSigner.Sign(Identities.Authority, vector.GetProperty("number").GetUInt64());
            Assert.Equal(vector.Text("blob"), Convert.ToHexStringLower(signed.Blob.AsSpan()));
            Assert.True(VersionSigner.IsValid(signed, Identities.Authority.Certificate));
        }
        foreach (JsonElement vector in versions.GetProperty("other").EnumerateArray())
        {
            bool isValid = NetworkVersion.TryParse(vector.Hex("blob"), out NetworkVersion? version) && VersionSigner.IsValid(version, Identities.Authority.Certificate);
            Assert.Equal(vector.GetProperty("valid").GetBoolean(), isValid);
        }
        Assert.False(VersionSigner.IsValid(NetworkVersion.Initial, Identities.Authority.Certificate));
    }

    [Fact]
    public void The_routing_keys_in_parameters_are_decrypted()
    {
        PrivateKey key = Identities.KeyOf(Identities.Node("A"));
        int decrypted = 0;
        foreach (JsonElement vector in Vectors.Load("netconfig.json").GetProperty("cases").EnumerateArray())
        {
            Assert.True(NetworkParameters.TryDecode(Convert.FromBase64String(vector.Text("http_body_base64")), out NetworkParameters? parameters));
            Assert.True(VersionSigner.IsValid(parameters.Version, Identities.Authority.Certificate));
            string[] expected = [.. vector.GetProperty("babel_hmac_plain").EnumerateArray().Select(plain => plain.GetString()!)];
            ImmutableArray<byte>?[] encrypted = [parameters.BabelHmacSign, parameters.BabelHmacAccept];
            Assert.Equal(expected.Length, encrypted.Count(value => value is not null));
            for (int index = 0; index < expected.Length; index++)
            {
                ImmutableArray<byte> cipher = encrypted[index]!.Value;
                if (expected[index].Length == 0)
                {
                    Assert.Empty(cipher);
                    continue;
                }
                Assert.True(key.TryDecrypt(cipher.AsSpan(), out byte[]? plain));
                Assert.Equal(expected[index], Convert.ToHexStringLower(plain));
                decrypted++;
            }
        }
        Assert.Equal(5, decrypted);
    }
}
