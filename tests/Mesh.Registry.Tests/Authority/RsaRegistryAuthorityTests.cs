using System.Net;
using System.Text;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Calls;
using Mesh.Security;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Tests.Authority;

/// <summary>The registry with real keys: those of the vectors.</summary>
public sealed class RsaRegistryAuthorityTests : IDisposable
{
    private static readonly IPAddress Stranger = IPAddress.Parse("2001:db8::7");
    private static readonly JsonElement Identities = Vectors.Load("identities.json");
    private static readonly JsonElement Auth = Vectors.Load("registry-auth.json");

    private readonly CertificateAuthority _authority;
    private readonly PrivateKey _key;
    private readonly FixedSecret _entropy = new(Convert.FromHexString(Auth.GetProperty("hello").Text("secret")));
    private readonly RegistryWorld _world;

    public RsaRegistryAuthorityTests()
    {
        JsonElement ca = Identities.GetProperty("ca");
        Assert.True(CertificateAuthority.TryLoad(ca.Text("cert"), ca.Text("key"), out CertificateAuthority? authority, out _));
        Assert.True(PrivateKey.TryFromPem(Identities.GetProperty("nodes").GetProperty("A").Text("key"), out PrivateKey? key));
        (_authority, _key) = (authority, key);
        _world = new RegistryWorld(authority: new RsaRegistryAuthority(authority, _entropy));
        string request = new CertificateRequestBuilder().ToPem(key);
        _ = _world.Join("registry", request: request);
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        _ = _world.Join("a", request: request);   // node A of the vectors is 1/16
    }

    public void Dispose()
    {
        _authority.Dispose();
        _key.Dispose();
    }

    [Fact]
    public void Certificates_are_valid_and_renewed_with_the_same_key()
    {
        RegisteredNode node = _world.Nodes[1];
        var verifier = new CertificateVerifier(_authority.Certificate);
        Assert.True(Mesh.Security.Certificates.NodeCertificate.TryParsePem(node.Pem, out Mesh.Security.Certificates.NodeCertificate? certificate));
        Assert.Equal(CertificateVerdict.Valid, verifier.Verify(certificate, _world.UtcNow, new HashSet<ulong>()));
        Assert.Equal((node.Prefix, 1u, 2ul, node.NotAfter), (certificate.Prefix, certificate.SubjectSerial, certificate.SerialNumber, certificate.NotAfter));

        _world.Kit.Advance(TimeSpan.FromDays(350));
        string renewed = _world.Ask<CertificateGiven>(new RenewCertificate(node.Prefix)).Pem;
        Assert.True(Mesh.Security.Certificates.NodeCertificate.TryParsePem(renewed, out Mesh.Security.Certificates.NodeCertificate? second));
        Assert.Equal(CertificateVerdict.Valid, verifier.Verify(second, _world.UtcNow, new HashSet<ulong>()));
        Assert.Equal((certificate.Prefix, certificate.SubjectSerial, 3ul, certificate.PublicKey), (second.Prefix, second.SubjectSerial, second.SerialNumber, second.PublicKey));
    }

    [Fact]
    public void Only_the_owner_of_the_key_gets_a_certificate_again()
    {
        using PrivateKey other = PrivateKey.Generate();
        Assert.Equal(_world.Nodes[1].Pem, _world.Ask<CertificateGiven>(new RequestCertificate("a", new CertificateRequestBuilder().ToPem(_key))).Pem);
        _ = _world.Ask<UnknownToken>(new RequestCertificate("a", new CertificateRequestBuilder().ToPem(other)));
        _ = _world.Ask<UnknownToken>(new RequestCertificate("a", "nonsense"));
    }

    [Fact]
    public void Strangers_requests_are_refused_with_a_reason()
    {
        using PrivateKey small = PrivateKey.Generate(1024);
        Assert.Contains("2048 bits", ((RequestRefused)Issue(new CertificateRequestBuilder().ToPem(small))).Reason, StringComparison.Ordinal);
        Assert.True(((RequestRefused)Issue("nonsense")).IsMalformed);
    }

    [Fact]
    public void A_hello_and_its_calls_are_those_of_the_vectors()
    {
        byte[] hello = Get("/hello?client_prefix=0000000000000001&protocol=10").Body.ToArray();
        Assert.Equal(512, hello.Length);
        Assert.True(SecretEnvelope.TryOpen(hello, _key, _authority.Certificate.PublicKey, out SessionKey? key));
        JsonElement[] calls = [.. Auth.GetProperty("calls").EnumerateArray()];
        foreach (JsonElement call in calls)
        {
            Assert.Equal(call.Text("request_header"), key.HeaderFor(Encoding.ASCII.GetBytes(call.Text("path"))));
            RegistryResponse response = Get(call.Text("path"), call.Text("request_header"));
            if (response.Status is 200 or 204)
                Assert.Equal(new SessionKey(Convert.FromHexString(call.Text("response_key"))).HeaderFor(response.Body.Span), response.Mac);
            if (call.Text("path").StartsWith("/getBootstrapPeer", StringComparison.Ordinal))
                Assert.Equal((204, call.Text("response_header")), (response.Status, response.Mac));
            key = key.Ratchet().Ratchet();
            Assert.Equal(new SessionKey(Convert.FromHexString(call.Text("next_session_key"))).HeaderFor([]), key.HeaderFor([]));
        }

        Assert.Equal(400, Get(calls[0].Text("path"), calls[0].Text("request_header")).Status);
    }

    [Fact]
    public void Parameters_are_signed_and_their_keys_are_for_the_node()
    {
        var session = new RegistryClientSession();
        session.Open(OpenHello());
        RegistryResponse response = Get("/getNetworkConfig?cn=0000000000000001", session.Sign("/getNetworkConfig?cn=0000000000000001"));
        Assert.True(session.Check(response.Mac, response.Body.Span));
        Assert.True(NetworkParameters.TryDecode(response.Body.Span, out NetworkParameters? parameters));
        Assert.True(VersionSigner.IsValid(parameters.Version, _authority.Certificate));
        Assert.True(_key.TryDecrypt(parameters.BabelHmacSign!.Value.AsSpan(), out byte[]? babelKey));
        Assert.Equal(16, babelKey.Length);
    }

    [Fact]
    public void A_revocation_is_signed_for_whom_it_concerns()
    {
        _ = _world.Ask<Done>(new Revoke("2"));
        Assert.Equal(404, Get("/hello?client_prefix=0000000000000001&protocol=10").Status);
        RegistryResponse notice = Get("/getRevocation?serial=2");
        Assert.Equal((200, null), (notice.Status, notice.Mac));
        Assert.True(RevocationNotice.IsValid(notice.Body.Span, 2, _authority.Certificate));
        Assert.False(RevocationNotice.IsValid(notice.Body.Span, 3, _authority.Certificate));
    }

    [Fact]
    public void Bootstrap_peers_are_for_the_node_only()
    {
        _world.Admin.Send(_world.Actors.Bootstrap, new Registry.Bootstrap.Advertise(RegistryWorld.Bits("0000000000000000"), new AddressList([new AdvertisedAddress("2001:db8::1", 1194, AddressProtocol.Mesh)])));
        _ = _world.Admin.ExpectMsg<Done>();
        var session = new RegistryClientSession();
        session.Open(OpenHello());
        byte[] answer = Get("/getBootstrapPeer?cn=0000000000000001", session.Sign("/getBootstrapPeer?cn=0000000000000001")).Body.ToArray();
        Assert.Equal(256, answer.Length);
        Assert.True(_key.TryDecrypt(answer, out byte[]? plain));
        Assert.True(BootstrapPeer.TryDecode(plain, out BootstrapPeer? peer));
        Assert.Equal("0000000000000000 2001:db8::1,1194,mesh", $"{peer.Prefix.Bits} {peer.Addresses}");
    }

    private IssueOutcome Issue(string request) =>
        _world.Authority.Issue(new IssueOrder(request, RegistryWorld.Bits("1"), 0, 1, _world.UtcNow, _world.UtcNow.AddDays(1)));

    private SessionKey OpenHello()
    {
        Assert.True(SecretEnvelope.TryOpen(Get("/hello?client_prefix=0000000000000001&protocol=10").Body.Span, _key, _authority.Certificate.PublicKey, out SessionKey? key));
        return key;
    }

    private RegistryResponse Get(string target, string? mac = null)
    {
        _world.Admin.Send(_world.Actors.Desk, new RegistryRequest("GET", target, Stranger) { Mac = mac });
        return _world.Admin.ExpectMsg<RegistryResponse>();
    }

    /// <summary>Gives the secret of the vectors whenever a session key is drawn.</summary>
    private sealed class FixedSecret(byte[] secret) : IEntropy
    {
        private readonly DeterministicRandom _random = new(3);

        public void Fill(Span<byte> destination)
        {
            if (destination.Length == secret.Length)
                secret.CopyTo(destination);
            else
                _random.NextBytes(destination);
        }
    }
}
