using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Cli.Tests.Registry;

/// <summary>What a registry answered.</summary>
internal sealed record VisitorAnswer(HttpStatusCode Status, byte[] Body, TimeSpan? RetryAfter)
{
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>Somebody who calls a registry over HTTP, word for word as nodes of re6st do.</summary>
internal sealed class RegistryVisitor : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromMilliseconds(20);

    private readonly HttpClient _http;
    private readonly Dictionary<NodePrefix, RegistryClientSession> _sessions = [];

    /// <param name="url">The registry, as it says where it listens.</param>
    /// <param name="isTrusted">For TLS: whether a certificate is the right one; null for none.</param>
    /// <param name="open">Makes the sockets to connect, where they have to belong to another network namespace.</param>
    public RegistryVisitor(string url, Func<string, bool>? isTrusted = null, Func<Socket>? open = null)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (open is not null)
        {
            handler.ConnectCallback = async (to, cancellation) =>
            {
                Socket socket = open();
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(to.DnsEndPoint.Host), to.DnsEndPoint.Port), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }

        if (isTrusted is not null)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => isTrusted(certificate!.GetCertHashString());
        _http = new HttpClient(handler) { BaseAddress = new Uri(url), Timeout = Patience };
    }

    /// <summary>Calls a method that needs no session; as often as the registry is busy with its start.</summary>
    public Task<VisitorAnswer> GetAsync(string method, params (string Name, string Value)[] arguments) => RetryAsync(() => SendAsync(RegistryCall.Create(method, arguments), session: null));

    /// <summary>Says hello where that is needed, and calls a method as a node.</summary>
    public Task<VisitorAnswer> CallAsync(NodePrefix prefix, PrivateKey key, AuthorityCertificate authority, string method, params (string Name, string Value)[] arguments) => RetryAsync(async () =>
    {
        if (!_sessions.TryGetValue(prefix, out RegistryClientSession? session))
        {
            VisitorAnswer hello = await GetAsync(RegistryMethod.Hello, ("client_prefix", prefix.Bits), ("protocol", "10"));
            if (hello.Status != HttpStatusCode.OK)
                return hello;
            Assert.True(SecretEnvelope.TryOpen(hello.Body, key, authority.PublicKey, out SessionKey? secret));
            _sessions.Add(prefix, session = new RegistryClientSession());
            session.Open(secret);
        }

        return await SendAsync(RegistryCall.Create(method, [(RegistryMethod.CommonNameArgument, prefix.Bits), .. arguments]), session);
    });

    /// <summary>The parameters of the network, whose version the authority has signed.</summary>
    public async Task<NetworkParameters> ParametersAsync(NodePrefix prefix, PrivateKey key, AuthorityCertificate authority)
    {
        VisitorAnswer answer = await CallAsync(prefix, key, authority, RegistryMethod.GetNetworkConfig);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True(NetworkParameters.TryDecode(answer.Body, out NetworkParameters? parameters));
        Assert.True(Security.VersionSigner.IsValid(parameters.Version, authority));
        return parameters;
    }

    /// <summary>The certificate that a node has, or a new one where it is time.</summary>
    public async Task<string> RenewAsync(NodePrefix prefix, PrivateKey key, AuthorityCertificate authority)
    {
        VisitorAnswer answer = await CallAsync(prefix, key, authority, RegistryMethod.RenewCertificate);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer.Text;
    }

    /// <summary>Joins with a token.</summary>
    public async Task<NodeCertificate> JoinAsync(string token, PrivateKey key)
    {
        VisitorAnswer answer = await RequestAsync(token, key);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return Read(answer.Text);
    }

    /// <summary>Asks for a certificate.</summary>
    public Task<VisitorAnswer> RequestAsync(string token, PrivateKey key) =>
        GetAsync(RegistryMethod.RequestCertificate, ("token", token), ("req", new CertificateRequestBuilder().ToPem(key)), ("location", ""), ("ip", ""));

    public static NodeCertificate Read(string pem)
    {
        Assert.True(NodeCertificate.TryParsePem(pem, out NodeCertificate? certificate));
        return certificate;
    }

    public static AuthorityCertificate ReadAuthority(string pem)
    {
        Assert.True(AuthorityCertificate.TryParsePem(pem, out AuthorityCertificate? authority));
        return authority;
    }

    public void Dispose() => _http.Dispose();

    private async Task<VisitorAnswer> SendAsync(RegistryCall call, RegistryClientSession? session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(call.Target, UriKind.Relative));
        if (session is not null)
            request.Headers.Add(RegistryHeaders.Hmac, session.Sign(call.Target));
        using HttpResponseMessage response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        byte[] body = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        if (session is not null && response.IsSuccessStatusCode)
            Assert.True(session.Check(response.Headers.GetValues(RegistryHeaders.Hmac).Single(), body));
        return new VisitorAnswer(response.StatusCode, body, response.Headers.RetryAfter?.Delta);
    }

    private static async Task<VisitorAnswer> RetryAsync(Func<Task<VisitorAnswer>> ask)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            VisitorAnswer answer = await ask();
            if (answer.Status != HttpStatusCode.ServiceUnavailable || Stopwatch.GetElapsedTime(start) > Patience)
                return answer;
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }
}
