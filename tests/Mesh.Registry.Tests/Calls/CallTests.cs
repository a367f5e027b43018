using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Tests.Calls;

public sealed class CallTests
{
    private static readonly IPAddress Stranger = IPAddress.Parse("192.0.2.7");

    private readonly RegistryWorld _world = new();
    private readonly RegistryClientSession _session = new();

    [Theory]
    [InlineData("/getCa", 200)]
    [InlineData("/getCa?", 200)]
    [InlineData("/getCa?x=1", 400)]
    [InlineData("/getCa/", 400)]
    [InlineData("/", 400)]
    [InlineData("/a/b", 400)]
    [InlineData("/__init__", 400)]
    [InlineData("/getca", 400)]
    [InlineData("/hello", 400)]
    [InlineData("/hello?client_prefix=01", 404)]
    [InlineData("/hello?client_prefix=01&protocol=x", 500)]
    [InlineData("/hello?client_prefix=2", 404)]
    [InlineData("/hello?client_prefix=", 404)]
    [InlineData("/hello?client_prefix=%zz", 400)]
    [InlineData("/hello?client_prefix", 400)]
    [InlineData("/requestToken?email=a@b", 403)]
    [InlineData("/requestCertificate?token=t", 400)]
    [InlineData("/requestCertificate?token=t&req=r", 204)]
    [InlineData("/requestCertificate?token=&req=r&location=&ip=", 403)]
    [InlineData("/getRevocation", 400)]
    [InlineData("/getRevocation?serial=", 400)]
    [InlineData("/getRevocation?serial=-1", 400)]
    [InlineData("/getRevocation?serial=18446744073709551616", 400)]
    [InlineData("/getRevocation?serial=18446744073709551615", 204)]
    [InlineData("/getRevocation?serial=1&x=", 400)]
    [InlineData("/getNetworkConfig", 400)]
    [InlineData("/getNetworkConfig?cn=", 400)]
    [InlineData("/getNetworkConfig?cn=2", 401)]
    [InlineData("/getNetworkConfig?cn=01", 401)]
    [InlineData("/advertise?cn=01", 400)]
    [InlineData("/advertise?cn=01&addresses=", 401)]
    [InlineData("/advertise?cn=01&addresses=&x=", 400)]
    [InlineData("/isToken?token=t", 403)]
    [InlineData("/addToken?email=a&token=t", 403)]
    [InlineData("/deleteToken?token=t", 403)]
    [InlineData("/revoke?cn_or_serial=1", 403)]
    [InlineData("/topology", 403)]
    public void A_stranger_gets_the_status_of_re6st(string target, int status)
    {
        RegistryResponse response = Get(target, Stranger);
        Assert.Equal(status, response.Status);
        Assert.Equal(status == 204, response.Body.IsEmpty);
        Assert.Null(response.Mac);
    }

    [Fact]
    public void Only_get_is_served()
    {
        Assert.Equal(501, Send(new RegistryRequest("POST", "/getCa", Stranger)).Status);
        Assert.Equal(501, Send(new RegistryRequest("HEAD", "/getCa", Stranger)).Status);
    }

    [Fact]
    public void The_administrator_handles_tokens_and_asks_for_nodes()
    {
        Assert.Equal(204, Get("/isToken?token=t").Status);
        Assert.Equal(204, Get("/addToken?email=a%2Bb%40c&token=t").Status);
        Assert.Equal(409, Get("/addToken?email=x&token=t").Status);
        Assert.Equal(400, Get("/addToken?email=x&token=").Status);
        Assert.Equal("1", TextOf(Get("/isToken?token=t")));
        Assert.Equal(204, Get("/deleteToken?token=t").Status);
        Assert.Equal(204, Get("/deleteToken?token=t").Status);
        Assert.Equal(204, Get("/isToken?token=t").Status);

        Assert.Equal(204, Get("/getNodePrefix?email=a%2Bb%40c").Status);
        _ = Get("/addToken?email=a%2Bb%40c&token=u");
        Assert.Equal("CERT 0/16", TextOf(Get("/requestCertificate?token=u&req=r", Stranger))[..9]);
        Assert.Equal("0/16", TextOf(Get("/getNodePrefix?email=a%2Bb%40c")));
        Assert.Equal("2001:db8:42::", TextOf(Get("/getIPv6Address?email=a%2Bb%40c")));
        Assert.Equal(204, Get("/getIPv4Information?email=a%2Bb%40c").Status);
        Assert.Equal(400, Get("/topology").Status);   // not served yet
        Assert.Equal(204, Get("/updateHMAC").Status);
        Assert.Equal(2ul, _world.Version);
        Assert.Equal(404, Get("/revoke?cn_or_serial=9%2F16").Status);
        Assert.Equal(500, Get("/revoke?cn_or_serial=9").Status);
        Assert.Equal(400, Get("/revoke?cn_or_serial=1").Status);
        Assert.Equal(400, Get("/revoke?cn_or_serial=0%2F16").Status);   // the registry's own node
    }

    [Fact]
    public void A_node_that_is_shut_out_gets_the_authoritys_word_for_it()
    {
        foreach (string token in (string[])["registry", "excluded", "freed", "renewable", "good"])
            _ = _world.Join(token);
        Assert.All(Enumerable.Range(1, 5), serial => Assert.Equal(204, Get($"/getRevocation?serial={serial}", Stranger).Status));
        _ = _world.Ask<Done>(new Revoke("2"));
        _ = _world.Ask<Done>(new Revoke("2/16"));
        _ = _world.Ask<Done>(new Revoke("4") { IsRenewable = true });
        Assert.Equal(404, Get($"/hello?client_prefix={RegistryWorld.Bits("0000000000000001").Bits}", Stranger).Status);
        Assert.All([2, 3, 4], serial => Assert.Equal($"revoked {serial}", TextOf(Get($"/getRevocation?serial={serial}", Stranger))));
        Assert.All([0, 1, 5, 6], serial => Assert.Equal(204, Get($"/getRevocation?serial={serial}", Stranger).Status));
        Assert.All([2, 3], serial => Assert.Equal(200, Get($"/getRevocation?serial={serial}", Stranger).Status));
        _world.Kit.Advance(TimeSpan.FromDays(366));
        Assert.Equal(204, Get("/getRevocation?serial=2", Stranger).Status);   // nobody trusts it any more anyway
    }

    [Theory]
    [InlineData("127.0.0.1", null, true)]
    [InlineData("::1", null, true)]
    [InlineData("::ffff:127.0.0.1", null, true)]
    [InlineData("127.0.0.1", "::1", true)]
    [InlineData("127.0.0.1", "192.0.2.7", false)]
    [InlineData("127.0.0.1", "127.0.0.1, 192.0.2.7", false)]
    [InlineData("127.0.0.1", "192.0.2.7, 127.0.0.1", false)]
    [InlineData("127.0.0.1", "", false)]
    [InlineData("192.0.2.7", "127.0.0.1", false)]
    [InlineData("192.0.2.7", null, false)]
    public void Private_methods_are_for_authorized_origins(string peer, string? forwardedFor, bool isAllowed) =>
        Assert.Equal(isAllowed ? 204 : 403, Send(new RegistryRequest("GET", "/isToken?token=t", IPAddress.Parse(peer)) { ForwardedFor = forwardedFor }).Status);

    [Theory]
    [InlineData("garbage", 500)]
    [InlineData("weak", 400)]
    public void A_bad_certificate_request_is_told_from_a_refused_one(string request, int status)
    {
        _ = _world.AddToken();
        Assert.Equal(status, Get($"/requestCertificate?token=t&req={request}", Stranger).Status);
    }

    [Fact]
    public void A_node_gets_its_parameters_with_keys_that_only_it_can_read()
    {
        NodePrefix node = JoinAndHello();
        RegistryResponse response = GetAs(node, "getNetworkConfig");
        Assert.Equal(200, response.Status);
        Assert.True(NetworkParameters.TryDecode(response.Body.Span, out NetworkParameters? parameters));
        Assert.Equal((1ul, node, 10), (parameters.Version.Number, parameters.RegistryPrefix, parameters.Protocol));
        Assert.Equal(16, ModelledAuthority.Decrypt(parameters.BabelHmacSign!.Value.ToArray()).Length);
        Assert.Null(parameters.BabelHmacAccept);
    }

    [Fact]
    public void A_replayed_request_fails_and_the_session_goes_on()
    {
        NodePrefix node = JoinAndHello();
        string target = $"/renewCertificate?cn={node.Bits}";
        var request = new RegistryRequest("GET", target, Stranger) { Mac = _session.Sign(target) };
        RegistryResponse first = Send(request);
        Assert.True(_session.Check(first.Mac, first.Body.Span));
        RegistryResponse replayed = Send(request);
        Assert.Equal((400, null), (replayed.Status, replayed.Mac));
        Assert.Equal(200, GetAs(node, "renewCertificate").Status);
    }

    [Fact]
    public void A_revoked_node_loses_its_session()
    {
        _ = _world.Join("registry");
        NodePrefix node = JoinAndHello();
        Assert.Equal(204, Get($"/revoke?cn_or_serial={node.Value}%2F{node.Length}").Status);
        Assert.Equal(401, StatusAs(node, "renewCertificate"));
        Assert.Equal(404, Get($"/hello?client_prefix={node.Bits}", Stranger).Status);
    }

    [Fact]
    public void The_session_advances_also_when_the_method_fails()
    {
        NodePrefix node = JoinAndHello();
        string target = $"/getCountry?cn={node.Bits}&address=192.0.2.1";   // there is no country database
        RegistryResponse failed = Send(new RegistryRequest("GET", target, Stranger) { Mac = _session.Sign(target) });
        Assert.Equal((400, null), (failed.Status, failed.Mac));
        Assert.Equal(200, GetAs(node, "renewCertificate").Status);
    }

    [Fact]
    public void Advertised_nodes_become_bootstrap_peers()
    {
        NodePrefix node = JoinAndHello();
        RegistryResponse alone = GetAs(node, "getBootstrapPeer");
        Assert.Equal(204, alone.Status);
        Assert.Equal(204, GetAs(node, "advertise", ("addresses", "192.0.2.1,1194,mesh,FR")).Status);

        NodePrefix other = JoinAndHello("other");
        Assert.Equal($"{node.Bits} 192.0.2.1,1194,mesh,FR", ModelledAuthority.Decrypt(GetAs(other, "getBootstrapPeer").Body));
        Assert.Equal(400, StatusAs(other, "advertise", ("addresses", new string(';', 64))));
    }

    [Fact]
    public void Old_protocols_get_addresses_without_countries()
    {
        NodePrefix node = JoinAndHello();
        _ = GetAs(node, "advertise", ("addresses", "192.0.2.1,1194,tcp,FR"));
        NodePrefix old = JoinAndHello("old", protocol: 6);
        Assert.Equal($"{node.Bits} 192.0.2.1,1194,tcp", ModelledAuthority.Decrypt(GetAs(old, "getBootstrapPeer").Body));
    }

    [Fact]
    public void Bootstrap_answers_are_cut_to_whole_addresses_that_fit()
    {
        NodePrefix node = JoinAndHello();
        string[] addresses = [.. Enumerable.Range(0, 30).Select(i => string.Create(CultureInfo.InvariantCulture, $"192.0.2.{i},1194,mesh"))];
        _ = GetAs(node, "advertise", ("addresses", string.Join(';', addresses)));
        NodePrefix other = JoinAndHello("other");
        string answer = ModelledAuthority.Decrypt(GetAs(other, "getBootstrapPeer").Body);
        Assert.InRange(answer.Length, 220, 245);
        Assert.Equal(addresses[..(answer.Count(c => c == ';') + 1)], answer[17..].Split(';'), StringComparer.Ordinal);
    }

    [Fact]
    public void More_calls_than_allowed_are_told_to_come_back()
    {
        var world = new RegistryWorld(new RegistryOptions { MaxCalls = 2 });
        world.Join();
        TestProbe client = world.Kit.CreateProbe();
        for (int call = 0; call < 3; call++)
            client.Send(world.Actors.Desk, new RegistryRequest("GET", "/hello?client_prefix=0000000000000000", Stranger));
        RegistryResponse busy = client.ExpectMsg<RegistryResponse>();
        Assert.Equal((503, TimeSpan.FromSeconds(1)), (busy.Status, busy.RetryAfter));
        Assert.Equal([200, 200], new[] { client.ExpectMsg<RegistryResponse>().Status, client.ExpectMsg<RegistryResponse>().Status });
        client.Send(world.Actors.Desk, new RegistryRequest("GET", "/getCa", Stranger));
        Assert.Equal(200, client.ExpectMsg<RegistryResponse>().Status);
    }

    [Fact]
    public void A_call_that_takes_too_long_is_told_to_come_back()
    {
        _world.Join();
        _world.Pool.Delay = TimeSpan.FromHours(1);
        _world.Admin.Send(_world.Actors.Desk, new RegistryRequest("GET", "/hello?client_prefix=0000000000000000", Stranger));
        RegistryResponse response = _world.Admin.ExpectMsg<RegistryResponse>(TimeSpan.FromSeconds(31));
        Assert.Equal(503, response.Status);
        Assert.NotNull(response.RetryAfter);
    }

    [Fact]
    public void Without_its_journal_the_registry_answers_503()
    {
        _world.AddToken();
        _world.Kit.Journal.WriteFault = Actors.Persistence.JournalFailure.Full;
        Assert.Equal(503, Get("/requestCertificate?token=t&req=r").Status);
        Assert.Equal(503, Get("/getCa").Status);
    }

    [Fact]
    public void A_request_shows_no_arguments_in_logs() =>
        Assert.Equal("GET /isToken", new RegistryRequest("GET", "/isToken?token=secret", Stranger).ToString());

    private RegistryResponse Get(string target, IPAddress? peer = null) => Send(new RegistryRequest("GET", target, peer ?? IPAddress.IPv6Loopback));

    private RegistryResponse Send(RegistryRequest request)
    {
        _world.Admin.Send(_world.Actors.Desk, request);
        return _world.Admin.ExpectMsg<RegistryResponse>();
    }

    private NodePrefix JoinAndHello(string token = "node", int protocol = 10)
    {
        NodePrefix node = _world.Join(token).Prefix;
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        _session.Open(new SessionKey(Get($"/hello?client_prefix={node.Bits}&protocol={protocol}", Stranger).Body.Span));
        return node;
    }

    private RegistryResponse GetAs(NodePrefix node, string method, params (string Name, string Value)[] arguments)
    {
        string target = RegistryCall.Create(method, [("cn", node.Bits), .. arguments]).Target;
        RegistryResponse response = Send(new RegistryRequest("GET", target, Stranger) { Mac = _session.Sign(target) });
        Assert.True(_session.Check(response.Mac, response.Body.Span));
        return response;
    }

    private int StatusAs(NodePrefix node, string method, params (string Name, string Value)[] arguments)
    {
        string target = RegistryCall.Create(method, [("cn", node.Bits), .. arguments]).Target;
        return Send(new RegistryRequest("GET", target, Stranger) { Mac = _session.Sign(target) }).Status;
    }

    private static string TextOf(RegistryResponse response)
    {
        Assert.Equal(200, response.Status);
        return Encoding.UTF8.GetString(response.Body.Span);
    }
}
