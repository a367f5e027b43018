using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.Http.Tests;

/// <summary>HTTP as clients of all ages and manners speak it, octet by octet.</summary>
public sealed class FrontDoorTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task An_HTTP_1_0_client_is_answered_and_the_connection_closed()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        RawResponse response = await registry.SendAsync("GET /getCa HTTP/1.0\r\n\r\n");
        Assert.Equal((200, LoopbackRegistry.Authority.Certificate.ToPem()), (response.Status, response.Text));
        Assert.Null(response["Transfer-Encoding"]);
        List<RawResponse> kept = RawResponse.ParseAll(await registry.SendRawAsync("GET /isToken?token=t HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /getCa HTTP/1.0\r\n\r\n"));
        Assert.Equal([204, 200], kept.Select(static r => r.Status));
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_their_order()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        _ = await registry.AskAsync<TokenAccepted>(new AddToken("a@b", "t"));
        var requests = new StringBuilder();
        var expected = new List<int>();
        for (int request = 0; request < 50; request++)
        {
            (string target, int status) = (request % 4) switch { 0 => ("/getCa", 200), 1 => ("/isToken?token=u", 204), 2 => ("/nonsense", 400), _ => ("/isToken?token=t", 200) };
            _ = requests.Append($"GET {target} HTTP/1.1\r\nHost: r\r\n{(request == 49 ? "Connection: close\r\n" : "")}\r\n");
            expected.Add(status);
        }

        List<RawResponse> responses = RawResponse.ParseAll(await registry.SendRawAsync(requests.ToString()));
        Assert.Equal(expected, responses.Select(static r => r.Status));
        Assert.All(responses.Where(static (_, index) => index % 4 == 3), static r => Assert.Equal("1", r.Text));
    }

    [Fact]
    public async Task A_request_may_come_octet_by_octet()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        using Socket socket = await ConnectAsync(registry.Port);
        socket.NoDelay = true;
        foreach (byte octet in "GET /isToken?token=t HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n"u8.ToArray())
            _ = await socket.SendAsync(new[] { octet });
        Assert.Equal(204, RawResponse.Parse(await ReadToEndAsync(socket)).Status);
    }

    [Fact]
    public async Task A_slow_head_is_answered_408_logged_and_counted()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: new RegistryServerOptions { HeadTimeout = TimeSpan.FromSeconds(1) });
        Assert.Equal(408, (await registry.SendAsync("GET /getCa HTTP/1.1\r\nHost:")).Status);
        AccessRecord record = await registry.LoggedAsync(static r => r.Status == 408);
        Assert.Equal("the head of the request did not come in time", record.Reason);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_off()
    {
        var options = new RegistryServerOptions { HeadTimeout = TimeSpan.FromSeconds(1), MinAnswerRate = 1_000_000_000 };
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: options);
        using Socket socket = await ConnectAsync(registry.Port, receiveBuffer: 4096);
        byte[] request = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET /getCa HTTP/1.1\r\nHost: r\r\n\r\n", 1000)));
        using var patience = new CancellationTokenSource(Patience);
        // Until what waits for the client fills every buffer on the way, and then until the server gives it up.
        SocketException e = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (true)
                _ = await socket.SendAsync(request, patience.Token);
        });
        Assert.Contains(e.SocketErrorCode, new[] { SocketError.ConnectionReset, SocketError.Shutdown, SocketError.ConnectionAborted });
        Assert.Equal(200, (await registry.GetAsync("/getCa")).Status);
    }

    [Fact]
    public async Task A_stop_answers_what_is_under_way_and_takes_nothing_new()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await RegistryServerTests.JoinAsync(registry, "t");
        registry.Pool.Gate.Reset();
        int port = registry.Port;
        using Socket idle = await ConnectAsync(port);
        using Socket busy = await ConnectAsync(port);
        // Two requests on one connection: the first is under way when the stop comes, the second has to wait for it.
        _ = await busy.SendAsync(Encoding.ASCII.GetBytes($"GET /hello?client_prefix={node.Bits} HTTP/1.1\r\nHost: r\r\n\r\nGET /getCa HTTP/1.1\r\nHost: r\r\n\r\n"));
        await UnderWayAsync(registry);
        Task stop = registry.Server.StopAsync(TimeSpan.FromSeconds(20));
        Assert.Empty(await ReadToEndAsync(idle));
        await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(port));
        Assert.False(stop.IsCompleted);
        registry.Pool.Gate.Set();
        RawResponse only = Assert.Single(RawResponse.ParseAll(await ReadToEndAsync(busy)));
        Assert.Equal(200, only.Status);
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_ever()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        NodePrefix node = await RegistryServerTests.JoinAsync(registry, "t");
        registry.Pool.Gate.Reset();
        using Socket busy = await ConnectAsync(registry.Port);
        _ = await busy.SendAsync(Encoding.ASCII.GetBytes($"GET /hello?client_prefix={node.Bits} HTTP/1.1\r\nHost: r\r\n\r\n"));
        await UnderWayAsync(registry);
        await registry.Server.StopAsync(TimeSpan.FromMilliseconds(200)).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(await ReadToEndAsync(busy));
    }

    private static Task UnderWayAsync(LoopbackRegistry registry) =>
        LoopbackRegistry.EventuallyAsync(async () => PrometheusText.Parse((await registry.GetAsync("/metrics")).Text).Samples["mesh_registry_calls"] == 1);

    private static async Task<Socket> ConnectAsync(int port, int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer is { } size)
            socket.ReceiveBufferSize = size;
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What comes until the server closes, in whatever way.</summary>
    private static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var received = new MemoryStream();
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and int count)
                received.Write(buffer, 0, count);
        }
        catch (SocketException)
        {
            // Reset: that is an end as well.
        }

        return received.ToArray();
    }
}
