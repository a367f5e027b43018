using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Http;

namespace Mesh.Platform.Linux.Tests.Http;

public sealed class HttpPortTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly HttpPort _port = new();
    private readonly Mailbox _asker = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public HttpPortTests() => _listener.Start();

    private string BaseUrl => $"http://{_listener.LocalEndpoint}";

    public void Dispose()
    {
        _port.Dispose();
        _listener.Dispose();
    }

    [Theory]
    [InlineData("/hello")]
    [InlineData("/%2F%61a%zz?x=%20&y='\"<>{}|\\^`[]&z=a/../b")]
    [InlineData("/a/./b/../c//d?q=%E2%82%AC&b=%c3%bc#f")]
    public async Task The_path_arrives_exactly_as_it_was_given(string path)
    {
        _port.Get("tag", new HttpGet(BaseUrl, path, [new("Re6stHMAC", "abc="), new("X-Other", "1")], Patience), _asker);
        string request = await AnswerAsync("HTTP/1.1 200 OK\r\nRe6stHMAC: mac=\r\nContent-Length: 4\r\n\r\nbody");
        Assert.StartsWith($"GET {path} HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nRe6stHMAC: abc=\r\n", request, StringComparison.Ordinal);
        HttpAnswered answer = _asker.Next<HttpAnswered>();
        Assert.Equal(("tag", 200, "mac=", "body"), (answer.Tag, answer.Status, answer.Mac, Encoding.ASCII.GetString(answer.Body.Span)));
    }

    [Fact]
    public async Task Any_status_is_an_answer_and_redirections_are_not_followed()
    {
        _port.Get(1, Request("/"), _asker);
        await AnswerAsync("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
        HttpAnswered answer = _asker.Next<HttpAnswered>();
        Assert.Equal((302, null, 0), (answer.Status, answer.Mac, answer.Body.Length));
    }

    [Theory]
    [InlineData("Content-Length: 1048577\r\n\r\n")]
    [InlineData("Connection: close\r\n\r\n")]
    public async Task An_answer_beyond_1_MiB_is_a_failure(string header)
    {
        _port.Get(1, Request("/"), _asker);
        await AnswerAsync($"HTTP/1.1 200 OK\r\n{header}{new string('x', HttpPort.MaxBodyLength + 1)}");
        Assert.Contains("more than 1048576 octets", _asker.Next<HttpFailed>().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_of_exactly_1_MiB_is_taken()
    {
        _port.Get(1, Request("/"), _asker);
        await AnswerAsync($"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{new string('x', HttpPort.MaxBodyLength)}");
        Assert.Equal(HttpPort.MaxBodyLength, _asker.Next<HttpAnswered>().Body.Length);
    }

    [Fact]
    public void No_answer_in_time_is_a_failure()
    {
        _port.Get(1, Request("/") with { Timeout = TimeSpan.FromMilliseconds(50) }, _asker);
        Assert.Contains("did not answer within 0.05 s", _asker.Next<HttpFailed>().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_answer_is_a_failure()
    {
        _port.Get(1, Request("/"), _asker);
        await AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        _asker.Next<HttpFailed>();
        _port.Get(2, Request("/"), _asker);
        await AnswerAsync("this is not HTTP\r\n\r\n");
        _asker.Next<HttpFailed>();
    }

    [Fact]
    public void Nobody_there_is_a_failure()
    {
        _listener.Stop();
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _port.Get(1, Request("/") with { BaseUrl = $"http://{bound.LocalEndPoint}" }, _asker);
        Assert.Contains("refused", _asker.Next<HttpFailed>().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-slash")]
    [InlineData("/with space")]
    [InlineData("/with\r\nInjected: header")]
    [InlineData("/ü")]
    public void What_cannot_stand_in_a_request_line_is_not_sent(string path)
    {
        _port.Get(1, Request(path), _asker);
        Assert.Contains("is not a URL", _asker.Next<HttpFailed>().Reason, StringComparison.Ordinal);
        Assert.False(_listener.Pending());
    }

    [Fact]
    public void Another_scheme_is_not_asked()
    {
        _port.Get(1, Request("/etc/passwd") with { BaseUrl = "file://" }, _asker);
        Assert.Contains("neither http nor https", _asker.Next<HttpFailed>().Reason, StringComparison.Ordinal);
    }

    private HttpGet Request(string path) => new(BaseUrl, path, [], Patience);

    private async Task<string> AnswerAsync(string answer)
    {
        using TcpClient client = await _listener.AcceptTcpClientAsync().WaitAsync(Patience);
        NetworkStream stream = client.GetStream();
        var request = new StringBuilder();
        var chunk = new byte[4096];
        while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int length = await stream.ReadAsync(chunk);
            Assert.NotEqual(0, length);
            request.Append(Encoding.ASCII.GetString(chunk, 0, length));
        }
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
        catch (IOException)
        {
            // A client that has had enough hangs up; what it makes of that is what the test looks at.
        }
        return request.ToString();
    }
}
