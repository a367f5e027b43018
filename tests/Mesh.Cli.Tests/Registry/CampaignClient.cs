using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Cli.Control;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Cli.Tests.Registry;

/// <summary>Somebody who works with a registry that may die at any moment, and remembers every answer.</summary>
/// <remarks>
/// Makes one request at a time, about tokens and nodes that nobody else touches. So after a crash at most one request is in doubt (<see cref="InDoubt"/>), and everything else
/// has to be exactly as remembered. Each token's e-mail address is the token itself, by which the registry's nodes can be told apart.
/// </remarks>
internal sealed class CampaignClient : IDisposable
{
    private const int KeptTokens = 12, KeptNodes = 25;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DeterministicRandom _random;
    private readonly AuthorityCertificate _authority;
    private readonly string _requestPem;
    private readonly string _name;
    private int _count;

    public CampaignClient(string name, ulong seed, AuthorityCertificate authority)
    {
        (_name, _random, _authority) = (name, new DeterministicRandom(seed), authority);
        _requestPem = new CertificateRequestBuilder().ToPem(Key);
    }

    /// <summary>Its key, which all its nodes share.</summary>
    public PrivateKey Key { get; } = PrivateKey.Generate();

    /// <summary>Tokens that the registry has confirmed, with the uses that are left.</summary>
    public Dictionary<string, int> Tokens { get; } = new(StringComparer.Ordinal);

    /// <summary>Nodes that the registry has confirmed.</summary>
    public Dictionary<NodePrefix, CampaignNode> Nodes { get; } = [];

    /// <summary>Nodes that are shut out, but keep their prefix.</summary>
    public Dictionary<NodePrefix, CampaignNode> Excluded { get; } = [];

    /// <summary>Serial numbers whose revocation the registry has confirmed.</summary>
    public HashSet<ulong> Revoked { get; } = [];

    /// <summary>Every certificate that was ever given to this client, by serial number.</summary>
    public Dictionary<ulong, string> Issued { get; } = [];

    /// <summary>The newest version of the parameters that it has seen.</summary>
    public ulong Version { get; private set; }

    /// <summary>The request whose answer has not arrived, or null.</summary>
    public CampaignRequest? InDoubt { get; set; }

    /// <summary>The node next to the registry, for one of the clients; null for the others.</summary>
    public CampaignNode? Anchor { get; set; }

    /// <summary>Requests that were answered.</summary>
    public int AnsweredCount { get; private set; }

    /// <summary>Makes requests until the registry goes away.</summary>
    public async Task WorkAsync(string url, string directory)
    {
        foreach (CampaignNode node in Nodes.Values)
            node.Session.Forget();   // sessions are in the registry's memory only
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(60) };
        try
        {
            while (true)
            {
                InDoubt = Choose();
                await CarryAsync(InDoubt, http, directory);
                InDoubt = null;
                AnsweredCount++;
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or System.Net.Sockets.SocketException or CommandFailedException)
        {
            // The registry is gone; the request stays in doubt.
        }
    }

    /// <summary>Joins with a token whose request was in doubt: who holds the key gets the certificate that was recorded.</summary>
    public async Task<NodeCertificate> RepeatAsync(string token, HttpClient http)
    {
        (HttpStatusCode status, byte[] body) = await GetAsync(http, JoinCall(token));
        Assert.Equal(HttpStatusCode.OK, status);
        return Read(body);
    }

    /// <summary>Asks for the network's parameters as one of its nodes.</summary>
    public async Task<NetworkParameters> ParametersAsync(CampaignNode node, HttpClient http)
    {
        byte[]? body;
        long start = Stopwatch.GetTimestamp();
        while ((body = await CallAsNodeAsync(node, RegistryMethod.GetNetworkConfig, http)) is null && Stopwatch.GetElapsedTime(start) < Patience)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TestContext.Current.CancellationToken);   // it is still reading its journal
        Assert.NotNull(body);
        Assert.True(NetworkParameters.TryDecode(body, out NetworkParameters? parameters));
        Assert.True(Security.VersionSigner.IsValid(parameters.Version, _authority));
        Assert.True(parameters.Version.Number >= Version, $"version {parameters.Version.Number} after {Version}");
        Version = parameters.Version.Number;
        return parameters;
    }

    public void Dispose() => Key.Dispose();

    // Enough tokens to join with, and not more nodes than the checks can look at in no time.
    private CampaignRequest Choose()
    {
        CampaignNode? node = Nodes.Count == 0 ? null : Nodes.Values.ElementAt(_random.Next(Nodes.Count));
        string? token = Tokens.Count == 0 ? null : Tokens.Keys.ElementAt(_random.Next(Tokens.Count));
        int dice = _random.Next(100);
        if (token is null || (dice < 30 && Tokens.Count < KeptTokens))
            return new CampaignAddToken($"{_name}-{++_count}", dice % 4 == 0 ? _random.Next(2, 5) : 1);
        if (dice < 35)
            return new CampaignDeleteToken(token);
        if (node is null || (dice < 65 && Nodes.Count < KeptNodes))
            return new CampaignJoin(token);
        if (dice < 70)
            return new CampaignAskParameters(node);
        if (dice < 85)
            return new CampaignRenew(node);
        return dice switch
        {
            < 91 => new CampaignKick(node),
            < 94 => new CampaignExclude(node),
            _ => new CampaignFree(node),
        };
    }

    private async Task CarryAsync(CampaignRequest request, HttpClient http, string directory)
    {
        switch (request)
        {
            case CampaignAddToken { Uses: 1 } add:
                if (await DoneAsync(http, RegistryCall.Create(RegistryMethod.AddToken, ("email", add.Token), ("token", add.Token))))
                    Tokens.Add(add.Token, 1);
                break;
            case CampaignAddToken add:
                using (ControlClient control = RunningRegistry.Connect(directory))
                    _ = await control.AskAsync<TokenAddedReport>(RegistryControl.AddToken, new TokenOrder(add.Token, add.Token, PrefixLength: null, add.Uses, LifetimeSeconds: null, Note: null), CancellationToken.None);
                Tokens.Add(add.Token, add.Uses);
                break;
            case CampaignDeleteToken delete:
                if (await DoneAsync(http, RegistryCall.Create(RegistryMethod.DeleteToken, [("token", delete.Token)])))
                    _ = Tokens.Remove(delete.Token);
                break;
            case CampaignJoin join:
                (HttpStatusCode status, byte[] body) = await GetAsync(http, JoinCall(join.Token));
                if (status != HttpStatusCode.ServiceUnavailable)
                {
                    Assert.Equal(HttpStatusCode.OK, status);
                    Joined(join.Token, Read(body));
                }

                break;
            case CampaignAskParameters ask:
                _ = await ParametersAsync(ask.Node, http);
                break;
            case CampaignRenew renew:
                if (await CallAsNodeAsync(renew.Node, RegistryMethod.RenewCertificate, http) is { } renewed)
                    Renewed(renew.Node, Read(renewed));
                break;
            case CampaignKick kick:
                using (ControlClient control = RunningRegistry.Connect(directory))
                    _ = await control.AskAsync<bool>(RegistryControl.Revoke, new RevokeOrder(kick.Node.Serial.ToString(CultureInfo.InvariantCulture), IsRenewable: true), CancellationToken.None);
                Revoke(kick);
                break;
            case CampaignExclude exclude:
                if (await DoneAsync(http, RegistryCall.Create(RegistryMethod.Revoke, [("cn_or_serial", exclude.Node.Serial.ToString(CultureInfo.InvariantCulture))])))
                    Revoke(exclude);
                break;
            case CampaignFree free:
                if (await DoneAsync(http, RegistryCall.Create(RegistryMethod.Revoke, [("cn_or_serial", free.Node.Prefix.CommonName)])))
                    Revoke(free);
                break;
        }
    }

    /// <summary>Remembers a node.</summary>
    public void Joined(string token, NodeCertificate certificate)
    {
        Assert.True(Issued.TryAdd(certificate.SerialNumber, certificate.ToPem()), $"serial number {certificate.SerialNumber} was given twice");
        Nodes.Add(certificate.Prefix, new CampaignNode(certificate.Prefix, token) { Serial = certificate.SerialNumber, SubjectSerial = certificate.SubjectSerial });
        if (--Tokens[token] == 0)
            _ = Tokens.Remove(token);
    }

    /// <summary>Remembers a revocation.</summary>
    public void Revoke(CampaignRevocation request)
    {
        _ = Revoked.Add(request.Node.Serial);
        if (request is CampaignKick)
            return;
        _ = Nodes.Remove(request.Node.Prefix);
        if (request is CampaignExclude)
            Excluded.Add(request.Node.Prefix, request.Node);
    }

    private void Renewed(CampaignNode node, NodeCertificate certificate)
    {
        Assert.Equal(node.Prefix, certificate.Prefix);
        string pem = certificate.ToPem();
        if (!Issued.TryAdd(certificate.SerialNumber, pem))
            Assert.Equal(Issued[certificate.SerialNumber], pem);   // it was not time to renew yet
        Assert.True(certificate.SerialNumber >= node.Serial);
        (node.Serial, node.SubjectSerial) = (certificate.SerialNumber, certificate.SubjectSerial);
    }

    private RegistryCall JoinCall(string token) =>
        RegistryCall.Create(RegistryMethod.RequestCertificate, ("token", token), ("req", _requestPem), ("location", ""), ("ip", ""));

    private static NodeCertificate Read(byte[] body)
    {
        Assert.True(NodeCertificate.TryParsePem(Encoding.ASCII.GetString(body), out NodeCertificate? certificate));
        return certificate;
    }

    private static async Task<bool> DoneAsync(HttpClient http, RegistryCall call)
    {
        (HttpStatusCode status, byte[] body) = await GetAsync(http, call);
        Assert.True(status is HttpStatusCode.NoContent or HttpStatusCode.ServiceUnavailable, $"{call.Method}: {status} {Encoding.UTF8.GetString(body)}");
        return status == HttpStatusCode.NoContent;
    }

    private static async Task<(HttpStatusCode Status, byte[] Body)> GetAsync(HttpClient http, RegistryCall call)
    {
        using HttpResponseMessage response = await http.GetAsync(new Uri(call.Target, UriKind.Relative));
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Null where the registry is overloaded and has done nothing.</summary>
    private async Task<byte[]?> CallAsNodeAsync(CampaignNode node, string method, HttpClient http)
    {
        if (!node.Session.IsOpen)
        {
            (HttpStatusCode status, byte[] envelope) = await GetAsync(http, RegistryCall.Create(RegistryMethod.Hello, ("client_prefix", node.Prefix.Bits), ("protocol", "10")));
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.True(SecretEnvelope.TryOpen(envelope, Key, _authority.PublicKey, out SessionKey? key));
            node.Session.Open(key);
        }

        RegistryCall call = RegistryCall.Create(method, [(RegistryMethod.CommonNameArgument, node.Prefix.Bits)]);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(call.Target, UriKind.Relative));
        request.Headers.Add(RegistryHeaders.Hmac, node.Session.Sign(call.Target));
        using HttpResponseMessage response = await http.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
            return null;
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{method}: {response.StatusCode} {Encoding.UTF8.GetString(body)}");
        Assert.True(node.Session.Check(response.Headers.GetValues(RegistryHeaders.Hmac).Single(), body));
        return body;
    }
}

/// <summary>A node of a <see cref="CampaignClient"/>.</summary>
/// <param name="prefix">Its prefix.</param>
/// <param name="token">With which it joined.</param>
internal sealed class CampaignNode(NodePrefix prefix, string token)
{
    public NodePrefix Prefix => prefix;

    public string Token => token;

    /// <summary>Serial number of its present certificate.</summary>
    public required ulong Serial { get; set; }

    /// <summary>Number in its subject; null until a certificate was seen.</summary>
    public required uint? SubjectSerial { get; set; }

    /// <summary>Its session with the registry.</summary>
    public RegistryClientSession Session { get; } = new();
}

/// <summary>What a <see cref="CampaignClient"/> asks.</summary>
internal abstract record CampaignRequest;

internal sealed record CampaignAddToken(string Token, int Uses) : CampaignRequest;

internal sealed record CampaignDeleteToken(string Token) : CampaignRequest;

internal sealed record CampaignJoin(string Token) : CampaignRequest;

internal sealed record CampaignAskParameters(CampaignNode Node) : CampaignRequest;

internal sealed record CampaignRenew(CampaignNode Node) : CampaignRequest;

internal abstract record CampaignRevocation(CampaignNode Node) : CampaignRequest;

/// <summary>By serial number, so that it has to renew.</summary>
internal sealed record CampaignKick(CampaignNode Node) : CampaignRevocation(Node);

/// <summary>By serial number: it is shut out, and its prefix kept from others.</summary>
internal sealed record CampaignExclude(CampaignNode Node) : CampaignRevocation(Node);

/// <summary>By common name: it is shut out, and its prefix is free.</summary>
internal sealed record CampaignFree(CampaignNode Node) : CampaignRevocation(Node);
