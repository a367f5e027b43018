using System.Net;
using System.Net.Http.Headers;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;

namespace Mesh.Registry.Http.Cluster;

/// <summary>What came of passing a request on.</summary>
/// <param name="Response">The leader's answer, or null.</param>
/// <param name="WasSent">Without an answer: true where the leader may have got the request all the same.</param>
internal readonly record struct Forwarding(RegistryResponse? Response, bool WasSent);

/// <summary>Passes requests on to the leader, exactly as they came.</summary>
internal sealed class LeaderClient : IDisposable
{
    private const int MaxBodyLength = 64 << 20;   // the topology of some 100,000 nodes

    // Shorter than servers keep theirs, so that few requests meet a connection that is just being closed.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http;
    private readonly TimeSpan _timeout;

    public LeaderClient(ClusterOptions options)
    {
        _timeout = options.ForwardTimeout;
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = options.ConnectTimeout,
            MaxConnectionsPerServer = options.MaxConnections,
            PooledConnectionIdleTimeout = IdleTimeout,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxBodyLength,
        };
    }

    /// <summary>Passes one on.</summary>
    /// <param name="leader">To whom.</param>
    /// <param name="signer">For this leader.</param>
    /// <param name="request">With the peer that it came from.</param>
    /// <param name="over">That one does not lead any more.</param>
    public async Task<Forwarding> SendAsync(Following leader, ForwardingSigner signer, RegistryRequest request, CancellationToken over)
    {
        // The target may be authenticated, so not an octet of it may change: without this option %7E would become ~.
        string text = leader.Url.AbsoluteUri.TrimEnd('/') + request.Target;
        if (!Uri.TryCreate(text, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }, out Uri? uri))
            return new Forwarding(Text(400, "malformed request"), WasSent: false);
        using var message = new HttpRequestMessage(HttpMethod.Get, uri);
        _ = message.Headers.TryAddWithoutValidation(ForwardingSeal.Header, signer.HeaderFor(request));
        if (request.Mac is { } mac)
            _ = message.Headers.TryAddWithoutValidation(RegistryHeaders.Hmac, mac);
        if (request.ForwardedFor is { } forwardedFor)
            _ = message.Headers.TryAddWithoutValidation(RegistryHeaders.ForwardedFor, forwardedFor);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over);
        limit.CancelAfter(_timeout);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(message, HttpCompletionOption.ResponseContentRead, limit.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.MisdirectedRequest)
                return new Forwarding(Response: null, WasSent: false);   // it has looked at the header alone
            return new Forwarding(await ReadAsync(response, limit.Token).ConfigureAwait(false), WasSent: true);
        }
        catch (HttpRequestException e)
        {
            return new Forwarding(
                Response: null,
                WasSent: e.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError));
        }
        catch (OperationCanceledException)
        {
            return new Forwarding(Response: null, WasSent: true);
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<RegistryResponse> ReadAsync(HttpResponseMessage response, CancellationToken cancellation) =>
        new((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false))
        {
            IsText = response.Content.Headers.ContentType?.MediaType == "text/plain",
            Mac = response.Headers.TryGetValues(RegistryHeaders.Hmac, out IEnumerable<string>? macs) ? string.Join(',', macs) : null,
            RetryAfter = response.Headers.RetryAfter is RetryConditionHeaderValue { Delta: { } delta } ? delta : null,
        };

    private static RegistryResponse Text(int status, string text) => new(status, System.Text.Encoding.UTF8.GetBytes(text + "\n")) { IsText = true };
}
