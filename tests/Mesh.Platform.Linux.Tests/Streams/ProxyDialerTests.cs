using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Streams;

namespace Mesh.Platform.Linux.Tests.Streams;

public sealed class ProxyDialerTests
{
    private static readonly TestAuthority Authority = new();
    private static readonly X509Certificate2 Certificate = Authority.Issue("alice");

    [Theory]
    [InlineData("socks5", "05 00", "05 00 00 01 7F 00 00 01 12 34")]
    [InlineData("socks5", "05 00", "05 00 00 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 12 34")]
    [InlineData("socks5", "05 00", "05 00 00 03 03 61 62 63 12 34")]
    [InlineData("http", "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", "")]
    public async Task A_stream_opens_through_a_proxy(string scheme, string first, string second)
    {
        await using var bob = new TlsStreamPort(new TlsStreamOptions { Certificate = static () => Certificate, Judge = Authority.Judge });
        Mailbox listener = new(), owner = new();
        bob.Listen(new IPEndPoint(IPAddress.Loopback, 0), listener);
        IPEndPoint target = listener.Next<StreamListening>().Local;
        using var proxy = new PlayedProxy(scheme, first, second, target);
        await using var alice = Alice(proxy);
        alice.Connect(target, TimeSpan.FromSeconds(20), owner);
        Assert.Equal(target, owner.Next<StreamOpened>().Remote);
        listener.Next<StreamOpened>();
        byte[] port = [(byte)(target.Port >> 8), (byte)target.Port];
        Assert.Equal(scheme == "http" ? $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n" : Convert.ToHexString([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, .. port]), proxy.Heard);
    }

    [Theory]
    [InlineData("socks5", "05 00", "05 05 00 01 00 00 00 00 00 00", "connection refused")]
    [InlineData("socks5", "05 00", "05 63 00 01 00 00 00 00 00 00", "reply 99")]
    [InlineData("socks5", "05 00", "05 00 00 09", "address of kind 9")]
    [InlineData("socks5", "05 00", "05 00", "hung up")]
    [InlineData("socks5", "05 FF", "", "wants authentication")]
    [InlineData("socks5", "48 54", "", "does not speak SOCKS 5")]
    [InlineData("http", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "", "status 407")]
    [InlineData("http", "SSH-2.0-OpenSSH\r\n\r\n", "", "does not speak HTTP")]
    [InlineData("http", "HTTP/1.1 abc\r\n\r\n", "", "does not speak HTTP")]
    [InlineData("http", "HTTP/1.1 200 OK\r\n", "", "hung up")]
    [InlineData("http", "long", "", "no end within 8192 octets")]
    public async Task A_proxy_that_refuses_or_makes_no_sense_ends_the_stream_and_says_why(string scheme, string first, string second, string reason)
    {
        using var proxy = new PlayedProxy(scheme, first == "long" ? new string('x', 10_000) : first, second, target: null);
        await using var alice = Alice(proxy);
        var owner = new Mailbox();
        alice.Connect(new IPEndPoint(IPAddress.Loopback, 9), TimeSpan.FromSeconds(20), owner);
        Assert.Contains(reason, owner.Next<StreamClosed>().Reason, StringComparison.Ordinal);
    }

    private static TlsStreamPort Alice(PlayedProxy proxy) => new(new TlsStreamOptions { Certificate = static () => Certificate, Judge = Authority.Judge, Proxy = proxy.Address });

    /// <summary>Answers as it is told, and then carries octets to and from the target.</summary>
    private sealed class PlayedProxy : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly bool _isHttp;
        private readonly StringBuilder _heard = new();
        private readonly Task _running;

        public PlayedProxy(string scheme, string first, string second, IPEndPoint? target)
        {
            _isHttp = scheme == "http";
            _listener.Start();
            Address = new Uri($"{scheme}://{_listener.LocalEndpoint}");
            _running = Task.Run(() => RunAsync(first, second, target));
        }

        public Uri Address { get; }

        public string Heard => _heard.ToString();

        public void Dispose()
        {
            _listener.Stop();
            _running.Wait(TimeSpan.FromSeconds(20));
        }

        private async Task RunAsync(string first, string second, IPEndPoint? target)
        {
            try
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                NetworkStream near = client.GetStream();
                foreach (string answer in (string[])[first, second])
                {
                    if (answer.Length == 0)
                        continue;
                    byte[] asked = new byte[1000];
                    int length = await near.ReadAsync(asked);
                    _heard.Append(_isHttp ? Encoding.ASCII.GetString(asked, 0, length) : Convert.ToHexString(asked, 0, length));
                    await near.WriteAsync(_isHttp ? Encoding.ASCII.GetBytes(answer) : Convert.FromHexString(answer.Replace(" ", "", StringComparison.Ordinal)));
                }

                if (target is null)
                    return;
                using var there = new TcpClient();
                await there.ConnectAsync(target);
                NetworkStream far = there.GetStream();
                await Task.WhenAny(near.CopyToAsync(far), far.CopyToAsync(near));
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
