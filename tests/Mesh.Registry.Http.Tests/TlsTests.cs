using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mesh.Registry.Http.Tests;

public sealed class TlsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("meshtls").FullName;
    private readonly SteppedClock _clock = new();

    private string CertificatePath => Path.Combine(_directory, "tls.crt");

    private string KeyPath => Path.Combine(_directory, "tls.key");

    private RegistryServerOptions ServerOptions => new() { TlsCertificate = CertificatePath, TlsKey = KeyPath, Clock = _clock };

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task The_registry_answers_over_TLS_and_without(SslProtocols protocol)
    {
        string thumbprint = Write("registry.example");
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: ServerOptions);
        (RawResponse response, string served, SslProtocols used) = await GetAsync(registry.TlsPort, "/getCa", protocol);
        Assert.Equal((200, LoopbackRegistry.Authority.Certificate.ToPem(), thumbprint, protocol), (response.Status, response.Text, served, used));
        Assert.Equal(200, (await registry.GetAsync("/getCa")).Status);
        Assert.Equal([IPAddress.Loopback, IPAddress.Loopback], registry.AccessLog.Select(static r => r.Client));
    }

    [Fact]
    public async Task Older_TLS_and_nonsense_are_refused_and_counted()
    {
        _ = Write("registry.example");
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: ServerOptions);
#pragma warning disable SYSLIB0039, CA5397 // to show that it is refused
        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync(registry.TlsPort, "/getCa", SslProtocols.Tls11));
#pragma warning restore SYSLIB0039, CA5397
        using var plain = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await plain.ConnectAsync(IPAddress.Loopback, registry.TlsPort);
        _ = await plain.SendAsync("GET /getCa HTTP/1.1\r\nHost: r\r\n\r\n"u8.ToArray());
        // The client itself may refuse the old version before it says anything.
        await LoopbackRegistry.EventuallyAsync(async () =>
            PrometheusText.Parse((await registry.GetAsync("/metrics")).Text).Samples["mesh_registry_tls_handshakes_failed_total"] is 1 or 2);

        Assert.Equal(200, (await GetAsync(registry.TlsPort, "/getCa")).Response.Status);
    }

    [Fact]
    public async Task A_client_that_does_not_shake_hands_is_closed_and_counted()
    {
        _ = Write("registry.example");
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: ServerOptions with { HeadTimeout = TimeSpan.FromSeconds(1) });
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await silent.ConnectAsync(IPAddress.Loopback, registry.TlsPort);
        using var patience = new CancellationTokenSource(Patience);
        Assert.Equal(0, await silent.ReceiveAsync(new byte[1], patience.Token));
        await LoopbackRegistry.EventuallyAsync(async () => PrometheusText.Parse((await registry.GetAsync("/metrics")).Text).Samples["mesh_registry_tls_handshakes_failed_total"] == 1);
    }

    [Fact]
    public async Task Certificate_and_key_are_read_again_when_they_change()
    {
        string old = Write("registry.example");
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: ServerOptions);
        Assert.Equal(old, (await GetAsync(registry.TlsPort, "/getCa")).Thumbprint);
        string renewed = Write("registry.example", "a little longer, so that no clock of a file system matters");
        Assert.Equal(old, (await GetAsync(registry.TlsPort, "/getCa")).Thumbprint);   // looked at a moment ago
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(renewed, (await GetAsync(registry.TlsPort, "/getCa")).Thumbprint);
        Assert.Empty(registry.Warnings);
    }

    [Fact]
    public async Task Files_that_cannot_be_used_leave_the_old_certificate_in_use_and_are_reported_once()
    {
        string old = Write("registry.example");
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync(server: ServerOptions);
        string key = await File.ReadAllTextAsync(KeyPath);
        _ = Write("other.example");
        await File.WriteAllTextAsync(KeyPath, key + "\n");   // not its key: somebody is half done
        for (int time = 0; time < 3; time++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(old, (await GetAsync(registry.TlsPort, "/getCa")).Thumbprint);
        }

        string warning = Assert.Single(registry.Warnings);
        Assert.Contains(CertificatePath, warning, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", warning, StringComparison.Ordinal);
        Assert.Contains("mesh_registry_tls_reloads_failed_total 3\n", (await registry.GetAsync("/metrics")).Text, StringComparison.Ordinal);
        File.Delete(CertificatePath);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(old, (await GetAsync(registry.TlsPort, "/getCa")).Thumbprint);
        string renewed = Write("other.example");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(renewed, (await GetAsync(registry.TlsPort, "/getCa")).Thumbprint);
    }

    [Fact]
    public async Task Files_that_are_no_good_at_the_start_are_one_sentence()
    {
        await using LoopbackRegistry registry = await LoopbackRegistry.StartAsync();
        RegistryServerOptions options = ServerOptions with { Endpoints = [], TlsEndpoints = [new IPEndPoint(IPAddress.Loopback, 0)] };
        RegistryTlsException e = await Assert.ThrowsAsync<RegistryTlsException>(() => RegistryServer.StartAsync(registry.Actors, options));
        Assert.Contains(CertificatePath, e.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(CertificatePath, "nonsense");
        await File.WriteAllTextAsync(KeyPath, "nonsense");
        _ = await Assert.ThrowsAsync<RegistryTlsException>(() => RegistryServer.StartAsync(registry.Actors, options));

        ArgumentException a = await Assert.ThrowsAsync<ArgumentException>(() => RegistryServer.StartAsync(registry.Actors, options with { TlsKey = null }));
        Assert.Contains("tls-certificate and tls-key have to name files", a.Message, StringComparison.Ordinal);
        a = await Assert.ThrowsAsync<ArgumentException>(() => RegistryServer.StartAsync(registry.Actors, ServerOptions with { MinAnswerRate = 0 }));
        Assert.Contains("tls-endpoints has no address", a.Message, StringComparison.Ordinal);
        Assert.Contains("min-answer-rate is 0", a.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>Makes a certificate for itself, and gives its thumbprint.</summary>
    private string Write(string name, string comment = "")
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(CertificatePath, $"{certificate.ExportCertificatePem()}\n{comment}\n");
        File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem() + "\n");
        return certificate.Thumbprint;
    }

    private static async Task<(RawResponse Response, string Thumbprint, SslProtocols Protocol)> GetAsync(int port, string target, SslProtocols protocol = SslProtocols.None)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, patience.Token);
        await using var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "registry.example", EnabledSslProtocols = protocol, RemoteCertificateValidationCallback = static (_, _, _, _) => true }, patience.Token);
        await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n"), patience.Token);
        using var received = new MemoryStream();
        await tls.CopyToAsync(received, patience.Token);
        return (RawResponse.Parse(received.ToArray()), ((X509Certificate2)tls.RemoteCertificate!).Thumbprint, tls.SslProtocol);
    }
}
