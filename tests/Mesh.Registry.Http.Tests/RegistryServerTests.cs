using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Parameters;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Http.Tests;

public sealed class RegistryServerTests
{
    private static readonly Lazy<PrivateKey> NodeKey = new(() => PrivateKey.Generate());

    [Theory]
    [InlineData("/getCa", 200)]
    [InlineData("/getCa?", 200)]
    [InlineData("/getCa?x", 400)]
    [InlineData("/getCa?x=%zz", 400)]
    [InlineData("/getCa?x=%ff", 400)]
    [InlineData("/getca", 400)]
    [InlineData("/../getCa", 400)]
    [InlineData("//getCa", 400)]
    [InlineData("/%67etCa", 400)]
    [InlineData("/", 400)]
    [InlineData("/requestCertificate?token=unknown&req=x&location=&ip=", 204)]
    [InlineData("/getNetworkConfig?cn=0000000000000000", 401)]
    [InlineData("/getNetworkConfig?cn=", 400)]
    [InlineData("/requestToken?email=a%40b", 403)]
    [InlineData("/hello?client_prefix=0000000000000000&protocol=10", 404)]
    [InlineData("/hello?client_prefix=0000000000000000&protocol=ten", 500)]
    [InlineData("/isToken?token=t", 204)]
    [InlineData("/healthz", 200)]
    public async Task Each_status_arrives_as_it_is(string target, int status)
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        RawResponse response = await registry.GetAsync(target);
        Assert.Equal(status, response.Status);
        Assert.Null(response["Server"]);
        Assert.Equal(status == 204 ? null : response.Body.Length.ToString(CultureInfo.InvariantCulture), response["Content-Length"]);
        Assert.Equal(status == 204, response.Body.Length == 0);
    }

    [Fact]
    public async Task The_authority_is_given_to_everybody()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal(LoopbackRegistry.Authority.Certificate.ToPem(), (await registry.GetAsync("/getCa")).Text);
    }

    [Fact]
    public async Task Tokens_are_added_once()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal(204, (await registry.GetAsync("/addToken?email=a%2Bb%40c&token=t")).Status);
        Assert.Equal(409, (await registry.GetAsync("/addToken?email=a%2Bb%40c&token=t")).Status);
        RawResponse known = await registry.GetAsync("/isToken?token=t");
        Assert.Equal((200, "1"), (known.Status, known.Text));
    }

    [Fact]
    public async Task Private_methods_are_closed_to_strangers_and_to_those_a_proxy_asks_for()
    {
        await using LoopbackRegistry open = await LoopbackRegistry.StartAsync();
        Assert.Equal(204, (await open.GetAsync("/isToken?token=t", "X-Forwarded-For: ::1")).Status);
        Assert.Equal(403, (await open.GetAsync("/isToken?token=t", "X-Forwarded-For: 192.0.2.1")).Status);
        Assert.Equal(403, (await open.GetAsync("/isToken?token=t", "X-Forwarded-For: ::1", "X-Forwarded-For: ::1")).Status);
        Assert.Equal(403, (await open.GetAsync("/metrics", "X-Forwarded-For: 192.0.2.1")).Status);
        await using LoopbackRegistry strict = await LoopbackRegistry.StartAsync(LoopbackRegistry.Strict);
        Assert.Equal(403, (await strict.GetAsync("/isToken?token=t")).Status);
        Assert.Equal(403, (await strict.GetAsync("/metrics")).Status);
    }

    [Fact]
    public async Task A_node_joins_says_hello_and_gets_its_parameters()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await JoinAsync(registry, "first");
        var session = new RegistryClientSession();
        session.Open(await HelloAsync(registry, node));

        RawResponse config = await CallAsync(registry, session, node, RegistryMethod.GetNetworkConfig);
        Assert.True(NetworkParameters.TryDecode(config.Body, out NetworkParameters? parameters));
        Assert.Equal(node, parameters.RegistryPrefix);
        Assert.True(NodeKey.Value.TryDecrypt(parameters.BabelHmacSign!.Value.AsSpan(), out byte[]? key) && key.Length == 16);

        Assert.Equal(204, (await CallAsync(registry, session, node, "advertise", ("addresses", "192.0.2.1,1194,mesh"))).Status);
        Assert.Equal(204, (await CallAsync(registry, session, node, RegistryMethod.GetBootstrapPeer)).Status);

        NodePrefix second = await JoinAsync(registry, "second");
        session.Open(await HelloAsync(registry, second));
        RawResponse peer = await CallAsync(registry, session, second, RegistryMethod.GetBootstrapPeer);
        Assert.True(NodeKey.Value.TryDecrypt(peer.Body, out byte[]? plain));
        Assert.Equal($"{node.Bits} 192.0.2.1,1194,mesh", System.Text.Encoding.ASCII.GetString(plain));
    }

    [Fact]
    public async Task A_replayed_request_fails()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await JoinAsync(registry, "t");
        var session = new RegistryClientSession();
        session.Open(await HelloAsync(registry, node));
        string target = $"/renewCertificate?cn={node.Bits}";
        string header = $"Re6stHMAC: {session.Sign(target)}";
        RawResponse first = await registry.GetAsync(target, header);
        Assert.True(session.Check(first[RegistryHeaders.Hmac], first.Body));
        RawResponse replayed = await registry.GetAsync(target, header);
        Assert.Equal((400, null), (replayed.Status, replayed[RegistryHeaders.Hmac]));
        Assert.Equal(400, (await registry.GetAsync(target)).Status);
        Assert.Equal(400, (await registry.GetAsync(target, "Re6stHMAC: !")).Status);
        Assert.Equal(200, (await CallAsync(registry, session, node, RegistryMethod.RenewCertificate)).Status);
    }

    [Fact]
    public async Task The_mac_covers_the_query_exactly_as_sent()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await JoinAsync(registry, "t");
        var session = new RegistryClientSession();
        session.Open(await HelloAsync(registry, node));
        string odd = $"/advertise?addresses=192.0.2.1%2c1194%2Cmesh&cn={node.Bits}";   // escapes and order that nobody else would choose
        RawResponse response = await registry.GetAsync(odd, $"re6sthmac: {session.Sign(odd)}");
        Assert.Equal(204, response.Status);
        Assert.True(session.Check(response[RegistryHeaders.Hmac], response.Body));
    }

    [Theory]
    [InlineData("POST /getCa HTTP/1.1\r\nHost: r\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 501)]
    [InlineData("POST /getCa HTTP/1.1\r\nHost: r\r\nContent-Length: 3\r\n\r\nabc", 501)]
    [InlineData("GET /getCa HTTP/1.1\r\nHost: r\r\nContent-Length: 3\r\n\r\nabc", 413)]
    [InlineData("GET /getCa HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n", 413)]
    [InlineData("GET /getCa HTTP/1.0\r\n\r\n", 200)]
    [InlineData("GET http://registry/getCa HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("GET /getCa HTTP/1.1\r\n\r\n", 400)]
    [InlineData("nonsense\r\n\r\n", 400)]
    public async Task Odd_requests_get_a_status_and_nothing_breaks(string request, int status)
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal(status, (await registry.SendAsync(request)).Status);
        Assert.Equal(200, (await registry.GetAsync("/getCa")).Status);
    }

    [Fact]
    public async Task Requests_that_are_too_long_are_refused()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal(204, (await registry.GetAsync("/isToken?token=" + new string('x', 30_000))).Status);
        Assert.Equal(414, (await registry.GetAsync("/isToken?token=" + new string('x', 40_000))).Status);
        Assert.Equal(431, (await registry.GetAsync("/getCa", "X-Long: " + new string('x', 20_000))).Status);
    }

    [Fact]
    public async Task Strangers_are_limited_and_nodes_and_operators_are_not()
    {
        var options = new RegistryServerOptions { AnonymousRate = 0.01, AnonymousBurst = 3 };
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(LoopbackRegistry.Strict, options);
        for (int request = 0; request < 3; request++)
            Assert.Equal(200, (await registry.GetAsync("/getCa")).Status);
        RawResponse limited = await registry.GetAsync("/getCa");
        Assert.Equal((429, "100"), (limited.Status, limited["Retry-After"]));
        Assert.Equal(429, (await registry.GetAsync("/nonsense")).Status);
        Assert.Equal(401, (await registry.GetAsync("/getNetworkConfig?cn=1")).Status);   // a check of a session costs nothing

        await using LoopbackRegistry proxied = await LoopbackRegistry.StartAsync(server: options);
        for (int request = 0; request < 3; request++)
            Assert.Equal(200, (await proxied.GetAsync("/getCa", $"X-Forwarded-For: 192.0.2.{request}, 198.51.100.1")).Status);
        Assert.Equal(429, (await proxied.GetAsync("/getCa", "X-Forwarded-For: 192.0.2.7, 198.51.100.1")).Status);   // only what the proxy saw counts
        Assert.Equal(200, (await proxied.GetAsync("/getCa", "X-Forwarded-For: 198.51.100.2")).Status);

        await using LoopbackRegistry own = await LoopbackRegistry.StartAsync(server: options);
        for (int request = 0; request < 5; request++)
            Assert.Equal(200, (await own.GetAsync("/getCa")).Status);
    }

    [Fact]
    public async Task Overload_is_answered_with_503_and_a_time()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(new RegistryOptions { MaxPendingSignatures = 1 });
        await JoinAsync(registry, "first");
        await PublishedAsync(registry);
        _ = await registry.AskAsync<TokenAccepted>(new AddToken("a@b", "t") { Uses = 2 });
        registry.Pool.Gate.Reset();
        string target = RegistryCall.Create(RegistryMethod.RequestCertificate, ("token", "t"), ("req", Request())).Target;
        Task<RawResponse> slow = registry.GetAsync(target);
        while ((await registry.AskAsync<RegistryStatistics>(new GetStatistics())).PendingSignatures == 0)
            await Task.Yield();
        RawResponse refused = await registry.GetAsync(target);
        Assert.Equal((503, "1"), (refused.Status, refused["Retry-After"]));
        registry.Pool.Gate.Set();
        Assert.Equal(200, (await slow).Status);
    }

    [Fact]
    public async Task A_failed_journal_shows_in_health_and_answers()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        Assert.Equal("ok\n", (await registry.GetAsync("/healthz")).Text);
        registry.Journal.WriteFault = Mesh.Actors.Persistence.JournalFailure.Full;
        Assert.Equal(503, (await registry.GetAsync("/addToken?email=a&token=t")).Status);
        Assert.Equal(503, (await registry.GetAsync("/healthz")).Status);
        Assert.Equal(503, (await registry.GetAsync("/metrics")).Status);
    }

    [Fact]
    public async Task Metrics_and_access_log_count_requests_without_their_arguments()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        await registry.GetAsync("/isToken?token=secret", "X-Forwarded-For: 192.0.2.9");
        await registry.GetAsync("/secret-path");
        string metrics = (await registry.GetAsync("/metrics")).Text;
        Assert.Contains("mesh_registry_requests_total{method=\"isToken\",status=\"403\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("mesh_registry_requests_total{method=\"other\",status=\"400\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("mesh_registry_up 1\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", metrics, StringComparison.Ordinal);
        Assert.True(registry.AccessLog.TryPeek(out AccessRecord? record));
        Assert.Equal(("GET", "isToken", 403, IPAddress.Loopback, "192.0.2.9"), (record.Verb, record.Method, record.Status, record.Client, record.ForwardedFor));
    }

    [Fact]
    public async Task A_slow_head_and_an_idle_connection_are_closed()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: new RegistryServerOptions { HeadTimeout = TimeSpan.FromSeconds(1), IdleTimeout = TimeSpan.FromSeconds(1) });
        Assert.Equal(408, (await registry.SendAsync("GET /getCa HTTP/1.1\r\nHost:")).Status);
        Assert.Equal(200, (await registry.SendAsync("GET /getCa HTTP/1.1\r\nHost: r\r\n\r\n")).Status);   // returns because the server closes
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: new RegistryServerOptions { MaxConnections = 1 });
        using Socket first = await ConnectAsync(registry.Port);
        Assert.NotEqual(0, await ExchangeAsync(first));
        using Socket second = await ConnectAsync(registry.Port);
        Assert.Equal(0, await ExchangeAsync(second));
        Assert.NotEqual(0, await ExchangeAsync(first));
    }

    [Fact]
    public async Task A_port_in_use_is_one_clear_sentence()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        var options = new RegistryServerOptions { Endpoints = [new IPEndPoint(IPAddress.Loopback, registry.Port)] };
        RegistryPortException e = await Assert.ThrowsAsync<RegistryPortException>(() => RegistryServer.StartAsync(registry.Actors, options));
        Assert.Equal($"The registry cannot listen on 127.0.0.1:{registry.Port}: another program uses this port; choose another port, or stop that program.", e.Message);
        options = new RegistryServerOptions { Endpoints = [new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)] };
        Assert.Contains("does not have that address", (await Assert.ThrowsAsync<RegistryPortException>(() => RegistryServer.StartAsync(registry.Actors, options))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_bad_settings_are_reported_at_once()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        var options = new RegistryServerOptions { Endpoints = ImmutableArray<IPEndPoint>.Empty, MaxConnections = 0, AnonymousRate = 0 };
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => RegistryServer.StartAsync(registry.Actors, options));
        Assert.All(["no address", "max-connections is 0", "anonymous-rate is 0"], part => Assert.Contains(part, e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_lets_requests_under_way_finish()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await JoinAsync(registry, "t");
        await PublishedAsync(registry);
        registry.Pool.Gate.Reset();
        Task<RawResponse> slow = registry.GetAsync($"/hello?client_prefix={node.Bits}");
        while (!(await registry.GetAsync("/metrics")).Text.Contains("mesh_registry_calls 1\n", StringComparison.Ordinal))
            await Task.Yield();
        int port = registry.Port;
        Task stop = registry.Server.StopAsync(TimeSpan.FromSeconds(20));
        registry.Pool.Gate.Set();
        Assert.Equal(200, (await slow).Status);
        await stop;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(IPAddress.Loopback, port));
    }

    private static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>Sends a small request; gives the octets of the answer, 0 where the server closed the connection.</summary>
    private static async Task<int> ExchangeAsync(Socket socket)
    {
        try
        {
            _ = await socket.SendAsync("GET /healthz HTTP/1.1\r\nHost: r\r\n\r\n"u8.ToArray());
            return await socket.ReceiveAsync(new byte[4096]);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    internal static string Request() => new CertificateRequestBuilder().ToPem(NodeKey.Value);

    internal static async Task<NodePrefix> JoinAsync(LoopbackRegistry registry, string token)
    {
        _ = await registry.AskAsync<TokenAccepted>(new AddToken("a@b", token));
        RawResponse response = await registry.GetAsync(RegistryCall.Create(RegistryMethod.RequestCertificate, ("token", token), ("req", Request()), ("location", ""), ("ip", "")).Target);
        Assert.Equal(200, response.Status);
        Assert.True(Mesh.Security.Certificates.NodeCertificate.TryParsePem(response.Text, out NodeCertificate? certificate));
        await PublishedAsync(registry);
        return certificate.Prefix;
    }

    // The first version is signed after the first certificate has been given.
    internal static async Task PublishedAsync(LoopbackRegistry registry)
    {
        while (await registry.AskAsync<PublishedParameters>(registry.Actors.Parameters, new GetPublished()) is { Number: 0 })
            await Task.Yield();
    }

    internal static async Task<SessionKey> HelloAsync(LoopbackRegistry registry, NodePrefix node)
    {
        RawResponse response = await registry.GetAsync($"/hello?client_prefix={node.Bits}&protocol=10");
        Assert.True(SecretEnvelope.TryOpen(response.Body, NodeKey.Value, LoopbackRegistry.Authority.Certificate.PublicKey, out SessionKey? key));
        return key;
    }

    internal static async Task<RawResponse> CallAsync(LoopbackRegistry registry, RegistryClientSession session, NodePrefix node, string method, params (string Name, string Value)[] arguments)
    {
        string target = RegistryCall.Create(method, [(RegistryMethod.CommonNameArgument, node.Bits), .. arguments]).Target;
        RawResponse response = await registry.GetAsync(target, $"Re6stHMAC: {session.Sign(target)}");
        Assert.True(session.Check(response[RegistryHeaders.Hmac], response.Body), $"{method}: {response.Status} {response.Text}");
        return response;
    }
}
