using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Http.Tests;

/// <summary>What strangers and broken nodes send: the status of re6st, and a line in the access log that names what was wrong and quotes nothing.</summary>
public sealed class BadInputTests
{
    private const string Secret = "s3cret";

    [Fact]
    public async Task A_malformed_certificate_request()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        _ = await registry.AskAsync<TokenAccepted>(new AddToken("a@b", Secret));
        await RefusedAsync(registry, Target("requestCertificate", ("token", Secret), ("req", "nonsense")), 500, "requestCertificate", "not a certificate signing request in PEM");
        Assert.True((await registry.AskAsync<TokenKnown>(new IsToken(Secret))).IsKnown);   // it is not spent
        Assert.Empty((await registry.AskAsync<NodeList>(new ListNodes())).Nodes);
    }

    [Fact]
    public async Task A_wrong_HMAC()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await RegistryServerTests.JoinAsync(registry, Secret);
        var session = new RegistryClientSession();
        session.Open(await RegistryServerTests.HelloAsync(registry, node));
        string target = Target("renewCertificate", ("cn", node.Bits));
        await RefusedAsync(registry, target, 400, "renewCertificate", "wrong or missing authentication");
        await RefusedAsync(registry, target, 400, "renewCertificate", "wrong or missing authentication", "Re6stHMAC: AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        await RefusedAsync(registry, target, 400, "renewCertificate", "wrong or missing authentication", "Re6stHMAC: not base64");
        Assert.Equal(200, (await RegistryServerTests.CallAsync(registry, session, node, RegistryMethod.RenewCertificate)).Status);
    }

    [Fact]
    public async Task A_replayed_request()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await RegistryServerTests.JoinAsync(registry, Secret);
        var session = new RegistryClientSession();
        session.Open(await RegistryServerTests.HelloAsync(registry, node));
        string target = Target("renewCertificate", ("cn", node.Bits));
        string header = $"Re6stHMAC: {session.Sign(target)}";
        RawResponse first = await registry.GetAsync(target, header);
        Assert.True(session.Check(first[RegistryHeaders.Hmac], first.Body));
        await RefusedAsync(registry, target, 400, "renewCertificate", "wrong or missing authentication", header);
        Assert.Equal(200, (await RegistryServerTests.CallAsync(registry, session, node, RegistryMethod.RenewCertificate)).Status);
    }

    [Fact]
    public async Task An_unknown_prefix()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        await RefusedAsync(registry, Target("hello", ("client_prefix", "0101"), ("protocol", "10")), 404, "hello", "no certificate");
        await RefusedAsync(registry, Target("getNetworkConfig", ("cn", "0101")), 401, "getNetworkConfig", "say hello first");
        await RefusedAsync(registry, Target("getBootstrapPeer", ("cn", "")), 400, "getBootstrapPeer", "cn is empty");
    }

    [Theory]
    [InlineData("GET /isToken?token=s3cret{40000} HTTP/1.1\r\nHost: r\r\n\r\n", 414, "other", "the request line is too long")]
    [InlineData("GET /isToken?token=s3cret HTTP/1.1\r\nHost: r\r\nX-Long: {20000}\r\n\r\n", 431, "other", "the head of the request is too long")]
    [InlineData("GET /isToken?token=s3cret HTTP/1.1\r\nHost: r\r\nContent-Length: 6\r\n\r\ns3cret", 413, "isToken", "no method takes a body")]
    [InlineData("POST /isToken?token=s3cret HTTP/1.1\r\nHost: r\r\nContent-Length: 6\r\n\r\ns3cret", 501, "isToken", "no method takes a body")]
    public async Task An_oversized_request(string request, int status, string method, string reason)
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        request = request.Replace("{40000}", new string('x', 40_000), StringComparison.Ordinal).Replace("{20000}", new string('x', 20_000), StringComparison.Ordinal);
        Assert.Equal(status, (await registry.SendAsync(request)).Status);
        await LoggedAsync(registry, status, method, reason);
        Assert.Single(registry.AccessLog);
    }

    [Fact]
    public async Task A_token_that_was_spent()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        _ = await RegistryServerTests.JoinAsync(registry, Secret);
        string other = new CertificateRequestBuilder().ToPem(PrivateKey.Generate());
        await RefusedAsync(registry, Target("requestCertificate", ("token", Secret), ("req", other)), 204, "requestCertificate", "the token is unknown, spent or expired");
        _ = Assert.Single((await registry.AskAsync<NodeList>(new ListNodes())).Nodes);
    }

    [Theory]
    [InlineData("/isToken?token=%ff%fe", "malformed request: an argument is not UTF-8")]
    [InlineData("/isToken?token=%zz", "malformed request: an escape is malformed")]
    [InlineData("/isToken?token=%f", "malformed request: an escape is malformed")]
    [InlineData("/isToken?s3cret", "malformed request: an argument has no value")]
    [InlineData("/a/b", "malformed request: the path has not exactly one component")]
    [InlineData("/is-token", "malformed request: the path is not the name of a method")]
    [InlineData("/isToken?a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=&a=", "malformed request: there are too many arguments")]
    [InlineData("/nonsense", "unknown method")]
    [InlineData("/isToken?s3cret=1", "missing or unknown argument")]
    public async Task Text_that_is_not_UTF8_and_other_malformed_targets(string target, string reason)
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal(400, (await registry.GetAsync(target)).Status);
        await LoggedAsync(registry, 400, target.StartsWith("/isToken", StringComparison.Ordinal) ? "isToken" : "other", reason);
    }

    [Fact]
    public async Task An_unauthorised_origin()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(LoopbackRegistry.Strict);
        await RefusedAsync(registry, Target("isToken", ("token", Secret)), 403, "isToken", "not from here");
        await RefusedAsync(registry, "/metrics", 403, "/metrics", "not from here");
        await using LoopbackRegistry proxied = await LoopbackRegistry.StartAsync();
        await RefusedAsync(proxied, Target("addToken", ("email", "a@b"), ("token", Secret)), 403, "addToken", "not from here", "X-Forwarded-For: 192.0.2.1");
        Assert.False((await proxied.AskAsync<TokenKnown>(new IsToken(Secret))).IsKnown);
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n", 400, "this is not HTTP, or malformed")]
    [InlineData("GET /isToken?token=s3cret HTTP/1.1\r\n\r\n", 400, "this is not HTTP, or malformed")]                            // without a host
    [InlineData("GET /isToken?token=s3cret HTTP/1.1\r\nHost: r\r\nHost: s\r\n\r\n", 400, "this is not HTTP, or malformed")]
    [InlineData("GET /isToken?token=s3cret HTTP/1.1\r\nHost: r\r\ns3cret\r\n\r\n", 400, "this is not HTTP, or malformed")]
    [InlineData("GET /isToken?token=s3cret HTTP/3.7\r\nHost: r\r\n\r\n", 505, "only HTTP/1.0 and HTTP/1.1 are spoken")]
    public async Task What_the_server_cannot_even_read_is_logged_and_counted_too(string request, int status, string reason)
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal(status, (await registry.SendAsync(request)).Status);
        await LoggedAsync(registry, status, "other", reason);
        Assert.Contains($"mesh_registry_requests_total{{method=\"other\",status=\"{status}\"}} 1\n", (await registry.GetAsync("/metrics")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_is_bounded_in_what_strangers_choose()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        _ = await registry.SendAsync($"{new string('V', 5_000)} /getCa HTTP/1.1\r\nHost: r\r\nConnection: close\r\nX-Forwarded-For: {new string('9', 10_000)}\r\n\r\n");
        AccessRecord record = await registry.LoggedAsync(static r => r.Status == 501);
        Assert.Equal(("other", 256), (record.Verb, record.ForwardedFor!.Length));
    }

    private static string Target(string method, params ReadOnlySpan<(string Name, string Value)> arguments) => RegistryCall.Create(method, arguments).Target;

    private static async Task RefusedAsync(LoopbackRegistry registry, string target, int status, string method, string reason, params string[] headers)
    {
        registry.AccessLog.Clear();
        RawResponse response = await registry.GetAsync(target, headers);
        Assert.Equal((status, null), (response.Status, response[RegistryHeaders.Hmac]));
        await LoggedAsync(registry, status, method, reason);
    }

    private static async Task LoggedAsync(LoopbackRegistry registry, int status, string method, string reason)
    {
        AccessRecord record = await registry.LoggedAsync(r => r.Status == status);
        Assert.Equal((method, System.Net.IPAddress.Loopback), (record.Method, record.Client));
        Assert.StartsWith(reason, record.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, record.ToString(), StringComparison.Ordinal);
    }
}
