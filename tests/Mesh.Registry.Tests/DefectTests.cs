using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Calls;
using Mesh.Registry.Geography;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Tests.Calls;
using Mesh.Registry.Tests.Geography;
using Mesh.Registry.Tests.LocalNode;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Registry.Tests;

/// <summary>What registries of re6st do wrong, seen from outside: calls to the front desk. The passages "Defect" of the protocol reference, sections 1 to 3.</summary>
public sealed class DefectTests
{
    private const string CommonName = "2.5.4.3", SerialNumber = "2.5.4.5", Organization = "2.5.4.10";

    // Section 1.3: only the first common name of the request is replaced.
    [Fact]
    public void Defect_a_second_common_name_in_a_request_steals_no_identity()
    {
        (RegistryWorld world, Caller caller) = RealRegistry();
        string pem = Request(caller, RealKeys.RequestOf("B", (CommonName, "zz"), (CommonName, "0/16"), (Organization, "kept")));
        Assert.Equal(["1/16"], AttributesOf(pem, CommonName), StringComparer.Ordinal);
        Assert.Equal(["kept"], AttributesOf(pem, Organization), StringComparer.Ordinal);
        Assert.True(NodeCertificate.TryParsePem(pem, out NodeCertificate? certificate));
        Assert.Equal("1/16", certificate.Prefix.CommonName);
        Assert.Equal("1/16", world.Nodes[1].Prefix.CommonName);
    }

    [Fact]
    public void Defect_a_second_serialNumber_in_a_request_steals_no_ipv4_subnet()
    {
        (_, Caller caller) = RealRegistry();
        string pem = Request(caller, RealKeys.RequestOf("B", (SerialNumber, "7"), (SerialNumber, "0"), (Organization, "kept")));
        Assert.Equal(["1"], AttributesOf(pem, SerialNumber), StringComparer.Ordinal);
    }

    // Section 1.3: the signature of the request is not verified, and any key is taken.
    [Theory]
    [InlineData("signed with another key")]
    [InlineData("1024 bits")]
    [InlineData("elliptic curve")]
    [InlineData("small exponent")]
    public void Defect_a_request_with_a_wrong_signature_or_key_gives_nothing_and_spends_nothing(string what)
    {
        (RegistryWorld world, Caller caller) = RealRegistry();
        _ = world.AddToken();
        RegistryResponse response = caller.Get(CertificateCall("t", WrongRequest(what)), Caller.Stranger);
        Assert.Equal(400, response.Status);
        Assert.Single(world.Nodes);
        Assert.True(world.HasToken());
        Assert.Equal(404, caller.Status("/hello?client_prefix=0000000000000001", Caller.Stranger));
        Assert.Equal(200, caller.Status(CertificateCall("t", RealKeys.RequestOf("B", (Organization, "x"))), Caller.Stranger));
    }

    // Section 3.3: an empty cn skips the authentication.
    [Theory]
    [InlineData("getDh?cn=")]
    [InlineData("getNetworkConfig?cn=")]
    [InlineData("renewCertificate?cn=")]
    [InlineData("getBootstrapPeer?cn=")]
    [InlineData("getCountry?cn=&address=192.0.2.1")]
    [InlineData("advertise?cn=&addresses=")]
    public void Defect_an_empty_cn_is_refused_and_asks_no_node_anything(string call)
    {
        (RegistryWorld world, Caller caller, FakeLocalNode node) = RegistryWithNode();
        _ = caller.Join("registry");
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        int sent = node.Sent.Count;
        RegistryResponse response = caller.Get("/" + call, Caller.Stranger);
        Assert.Equal((400, null), (response.Status, response.Mac));
        Assert.Equal(400, caller.Status("/" + call));   // not for the administrator either
        world.Kit.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(sent, node.Sent.Count);
    }

    // Section 3.4: getIPv4Information never finds anything.
    [Fact]
    public void Defect_getIPv4Information_finds_the_address_of_a_node_of_re6st_and_of_one_of_ours()
    {
        (_, Caller caller, FakeLocalNode node) = RegistryWithNode();
        CallingNode own = caller.Join("registry");
        node.Answer(own.Prefix, PeerCode.Address, "2001:db8::1,1194,tcp6;198.51.100.4,1194,udp,FR;203.0.113.9,1194,tcp");
        Assert.Equal("198.51.100.4", caller.Text("/getIPv4Information?email=a%40b"));
        Assert.Equal(204, own.Status("advertise", ("addresses", "2001:db8::1,1194,mesh;192.0.2.99,1194,mesh")));
        Assert.Equal("192.0.2.99", caller.Text("/getIPv4Information?email=a%40b"));
        Assert.Equal(204, caller.Status("/getIPv4Information?email=nobody"));
    }

    // Section 3.4: addToken stores an empty token, which nobody can use.
    [Fact]
    public void Defect_an_empty_token_is_not_stored()
    {
        var world = new RegistryWorld();
        var caller = new Caller(world);
        Assert.Equal(400, caller.Status("/addToken?email=a%40b&token="));
        Assert.Empty(world.Ask<TokenList>(new ListTokens()).Tokens);
        Assert.Equal(403, caller.Status("/requestCertificate?token=&req=r", Caller.Stranger));
    }

    // Section 3.4: getBootstrapPeer fails where the addresses are too long for one encryption.
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(40)]
    public void Defect_a_long_address_list_is_cut_to_whole_addresses_that_can_be_encrypted(int count)
    {
        (RegistryWorld world, Caller caller, FakeLocalNode node) = RegistryWithNode(RealKeys.Registry());
        NodePrefix own = world.Join("registry", request: RealKeys.RequestOf("registry", (Organization, "r"))).Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        CallingNode asker = caller.Hello(world.Join("a", request: RealKeys.RequestOf("A", (Organization, "a"))).Prefix, open: RealKeys.Open("A"));
        string[] addresses = [.. Enumerable.Range(0, count).Select(static i => $"2001:db8:9999:8888:7777:6666:5555:{i:x},1194,udp6,FR")];
        node.Answer(own, PeerCode.Address, string.Join(';', addresses));
        RegistryResponse response = asker.Get("getBootstrapPeer");
        Assert.Equal((200, 256), (response.Status, response.Body.Length));
        using PrivateKey key = RealKeys.KeyOf("A");
        Assert.True(key.TryDecrypt(response.Body.Span, out byte[]? plain));
        string[] answer = Encoding.ASCII.GetString(plain).Split(' ');
        Assert.Equal(own.Bits, answer[0]);
        string[] given = answer[1].Split(';');
        Assert.Equal(addresses[..given.Length], given, StringComparer.Ordinal);
        Assert.Equal(Math.Min(count, 4), given.Length);   // 245 octets less the prefix and a blank hold four of 49 to 50 and their separators
    }

    // Section 3.5: the header Host stands in for the client's address, and whoever asks may state any address.
    [Fact]
    public void Defect_where_a_client_is_says_its_connection_and_not_the_client()
    {
        var countries = new FakeCountries(("192.0.2.7", "FR,EU"), ("198.51.100.1", "JP,AS"));
        var world = new RegistryWorld(new RegistryOptions { Communities = TwoCommunities(), PrefixLength = 8 }, ports: (_, ports) => ports with { Countries = countries });
        var caller = new Caller(world);
        _ = world.AddToken(uses: 9);
        Assert.StartsWith("CERT 0/9 ", caller.Text("/requestCertificate?token=t&req=a&location=&ip=", Caller.Stranger), StringComparison.Ordinal);
        Assert.StartsWith("CERT 1/9 ", caller.Text("/requestCertificate?token=t&req=b&ip=198.51.100.1", Caller.Stranger), StringComparison.Ordinal);
        Assert.Equal(["192.0.2.7", "192.0.2.7"], countries.Asked, StringComparer.Ordinal);
        Assert.StartsWith("CERT 256/9 ", caller.Text("/requestCertificate?token=t&req=c&ip=198.51.100.1"), StringComparison.Ordinal);   // the administrator is believed
    }

    // Section 3.5: the token is deleted and the tree split although a later step fails.
    [Fact]
    public void Defect_a_registration_that_fails_half_way_spends_neither_token_nor_prefix_nor_number()
    {
        var world = new RegistryWorld();
        var caller = new Caller(world);
        _ = world.AddToken();
        Assert.Equal(500, caller.Status("/requestCertificate?token=t&req=garbage", Caller.Stranger));
        world.Pool.Fault = new InvalidOperationException("the signer is broken");
        Assert.Equal(500, caller.Status("/requestCertificate?token=t&req=r", Caller.Stranger));
        world.Pool.Fault = null;
        Assert.Equal("1", caller.Text("/isToken?token=t"));

        world.Admin.Send(world.Actors.Desk, new RegistryRequest("GET", "/requestCertificate?token=t&req=r", Caller.Stranger));
        world = world.Crash(seed: 1);   // while it is being signed
        caller = new Caller(world);
        Assert.Equal("1", caller.Text("/isToken?token=t"));
        Assert.StartsWith("CERT 0/16 0 ", caller.Text("/requestCertificate?token=t&req=r", Caller.Stranger), StringComparison.Ordinal);
        Assert.Equal(204, caller.Status("/isToken?token=t"));
    }

    // Section 3.6: the second revocation of a serial number is an error.
    [Fact]
    public void Defect_revoking_twice_is_204_twice()
    {
        var caller = new Caller(new RegistryWorld());
        _ = caller.Join("registry");
        _ = caller.Join("node");
        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=2"));
        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=2"));
        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=1%2F16"));
        Assert.Equal(404, caller.Status("/revoke?cn_or_serial=1%2F16"));
        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=2"));
        Assert.Equal(500, caller.Status("/revoke?cn_or_serial=3"));
    }

    // Section 3.6: revoking by serial number does not exclude anybody.
    [Fact]
    public void Defect_a_node_revoked_by_serial_loses_its_session_and_gets_no_other()
    {
        var world = new RegistryWorld();
        var caller = new Caller(world);
        CallingNode own = caller.Join("registry"), node = caller.Join("node");
        Assert.Equal(200, node.Status("getNetworkConfig"));
        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=2"));
        Assert.Equal(401, node.Status("renewCertificate"));
        Assert.Equal(401, node.Status("getNetworkConfig"));
        Assert.Equal(404, caller.Status($"/hello?client_prefix={node.Prefix.Bits}", Caller.Stranger));
        Assert.Equal(204, caller.Status("/requestCertificate?token=node&req=request", Caller.Stranger));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([2ul], own.GetParameters().Parameters.RevokedSerials);
    }

    // Section 3.8: in state init getNetworkConfig is an error.
    [Fact]
    public void Defect_in_state_init_getNetworkConfig_has_an_empty_accept_key()
    {
        var caller = new Caller(new RegistryWorld(new RegistryOptions { BabelAuthentication = false }));
        CallingNode node = caller.Join();
        NetworkParameters none = node.GetParameters().Parameters;
        Assert.Equal((null, null), (none.BabelHmacSign, none.BabelHmacAccept));
        Assert.Equal(204, caller.Status("/updateHMAC"));
        NetworkParameters init = node.GetParameters().Parameters;
        Assert.Equal(16, ModelledAuthority.Decrypt(init.BabelHmacSign!.Value.ToArray()).Length);
        Assert.Equal("\"\"", init.Fields()["babel_hmac_accept"]);
        Assert.Equal(2ul, init.Version.Number);
    }

    // Section 3.9: one silent peer blocks every other request for 3 s.
    [Fact]
    public void Defect_one_silent_peer_keeps_no_other_call_waiting()
    {
        (RegistryWorld world, Caller caller, FakeLocalNode node) = RegistryWithNode();
        CallingNode own = caller.Join("registry"), silent = caller.Join("silent");
        node.Answer(own.Prefix, PeerCode.NodeInformation, "v, p");
        node.Answer(own.Prefix, PeerCode.Topology, $"1 {silent.Prefix.CommonName}");
        TimeSpan start = world.Kit.Now;
        TestProbe versions = caller.Begin("/versions"), topology = caller.Begin("/topology"), bootstrap = caller.Begin(silent.Request("getBootstrapPeer"));
        Assert.Equal(204, caller.Status("/isToken?token=t"));
        Assert.Equal(200, own.Status("getNetworkConfig"));
        Assert.InRange(world.Kit.Now - start, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        foreach (TestProbe slow in new[] { versions, topology, bootstrap })
        {
            Assert.InRange(slow.ExpectMsg<RegistryResponse>().Status, 200, 204);
            Assert.InRange(slow.LastArrival - start, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4));   // all three at the same time
        }
    }

    // Section 3.9: an answer that is not UTF-8 is an error.
    [Fact]
    public void Defect_an_answer_that_is_not_UTF8_spoils_only_itself()
    {
        (_, Caller caller, FakeLocalNode node) = RegistryWithNode();
        CallingNode own = caller.Join("registry"), liar = caller.Join("liar");
        foreach (byte code in new[] { PeerCode.Address, PeerCode.NodeInformation, PeerCode.Topology })
            node.Answers[(liar.Prefix, code)] = [0xC3, 0x28, 0xFF];
        node.Answers[(own.Prefix, PeerCode.Address)] = [0xFF];
        node.Answer(own.Prefix, PeerCode.NodeInformation, "1.0, Linux");
        node.Answer(own.Prefix, PeerCode.Topology, $"0 {liar.Prefix.CommonName}");
        Assert.Equal("""{"0000000000000000":"1.0, Linux","0000000000000001":null}""", caller.Text("/versions"));
        Assert.Equal("""{"":["0/16"],"1/16":["0/16"]}""", caller.Text("/topology"));
        Assert.Equal(204, caller.Status("/getIPv4Information?email=a%40b"));
    }

    // Section 3.9: the first question to a peer without session is null, because the node drops it.
    [Fact]
    public void Defect_the_first_question_to_a_peer_without_session_has_an_answer_too()
    {
        (_, Caller caller, FakeLocalNode node) = RegistryWithNode();
        CallingNode own = caller.Join("registry"), peer = caller.Join("peer");
        node.Answer(own.Prefix, PeerCode.NodeInformation, "1.0, Linux");
        node.Answer(peer.Prefix, PeerCode.NodeInformation, "2.0, Linux");
        node.Answer(own.Prefix, PeerCode.Topology, $"0 {peer.Prefix.CommonName}");
        node.Answer(peer.Prefix, PeerCode.Topology, $"1 {own.Prefix.CommonName}");
        node.WithoutSession.Add(peer.Prefix);
        Assert.Contains("2.0, Linux", caller.Text("/versions"), StringComparison.Ordinal);
        node.WithoutSession.Add(peer.Prefix);
        Assert.Equal("""{"":["0/16","1/16"],"1/16":["0/16"]}""", caller.Text("/topology"));
    }

    private static (RegistryWorld World, Caller Caller) RealRegistry()
    {
        var world = new RegistryWorld(authority: RealKeys.Registry());
        _ = world.Join("registry", request: RealKeys.RequestOf("registry", (Organization, "r")));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        return (world, new Caller(world));
    }

    private static (RegistryWorld World, Caller Caller, FakeLocalNode Node) RegistryWithNode(IRegistryAuthority? authority = null)
    {
        var world = new RegistryWorld(authority: authority, ports: static (kit, ports) => ports with { LocalNode = new FakeLocalNode(kit), Routes = new FakeDaemon(kit) { Routes = [] } });
        return (world, new Caller(world), (FakeLocalNode)world.Actors.Ports.LocalNode!);
    }

    private static Communities TwoCommunities()
    {
        Assert.True(Communities.TryParse("0 FR *\n1 JP\n", NetworkPrefix.Parse("2001:db8:42::/48"), out Communities? communities, out _));
        return communities;
    }

    private static string Request(Caller caller, string request)
    {
        Assert.Equal(204, caller.Status("/addToken?email=b%40c&token=b"));
        return caller.Text(CertificateCall("b", request), Caller.Stranger);
    }

    private static string CertificateCall(string token, string request) =>
        RegistryCall.Create("requestCertificate", ("token", token), ("req", request), ("location", ""), ("ip", "")).Target;

    // In the order of the certificate, as another implementation reads them.
    private static IEnumerable<string> AttributesOf(string pem, string type)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return [.. certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false).Where(name => name.GetSingleElementType().Value == type).Select(static name => name.GetSingleElementValue()!)];
    }

    private static string WrongRequest(string what)
    {
        using RSA own = RealKeys.RsaOf("B");
        switch (what)
        {
            case "signed with another key":
                using (RSA other = RealKeys.RsaOf("C"))
                    return Armor(Unsigned(own).CreateSigningRequest(X509SignatureGenerator.CreateForRSA(other, RSASignaturePadding.Pkcs1)));
            case "1024 bits":
                using (var small = RSA.Create(1024))
                    return Unsigned(small).CreateSigningRequestPem();
            case "elliptic curve":
                using (var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256))
                    return new CertificateRequest("O=x", curve, HashAlgorithmName.SHA512).CreateSigningRequestPem();
            default:
                using (var weak = RSA.Create(own.ExportParameters(includePrivateParameters: false) with { Exponent = [3] }))
                    return Armor(Unsigned(weak).CreateSigningRequest(X509SignatureGenerator.CreateForRSA(own, RSASignaturePadding.Pkcs1)));
        }
    }

    private static CertificateRequest Unsigned(RSA key) => new("O=x", key, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);

    private static string Armor(byte[] der) => PemEncoding.WriteString("CERTIFICATE REQUEST", der) + "\n";
}
