using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Node.Ports;

namespace Mesh.Platform.Linux.Http;

/// <summary>GET requests over HTTP and HTTPS. Redirections are not followed, cookies not kept, proxies not used.</summary>
public sealed class HttpPort : IHttpPort, IDisposable
{
    /// <summary>The longest answer, in octets.</summary>
    public const int MaxBodyLength = 1024 * 1024;

    /// <summary>The header field with the registry's MAC.</summary>
    public const string MacHeader = "Re6stHMAC";

    private static readonly UriCreationOptions AsGiven = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        MaxConnectionsPerServer = 8,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),   // an address that changed in the DNS is noticed
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,   // each request has its own
    };

    /// <inheritdoc/>
    public void Get(object tag, HttpGet request, ActorRef replyTo) => _ = AnswerAsync(tag, request, replyTo);

    /// <summary>Gives up requests under way, which fail.</summary>
    public void Dispose() => _client.Dispose();

    private async Task AnswerAsync(object tag, HttpGet request, ActorRef replyTo)
    {
        object outcome;
        try
        {
            outcome = await ExchangeAsync(tag, request).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            outcome = new HttpFailed(tag, $"{request.BaseUrl} did not answer within {request.Timeout.TotalSeconds:0.###} s.");
        }
        catch (HttpRequestException e)
        {
            outcome = new HttpFailed(tag, $"{request.BaseUrl} cannot be asked: {(e.InnerException as SocketException)?.Message ?? e.Message}.");
        }
        catch (IOException e)
        {
            outcome = new HttpFailed(tag, $"{request.BaseUrl} broke off its answer: {e.Message}.");
        }
        catch (ObjectDisposedException)
        {
            outcome = new HttpFailed(tag, $"{request.BaseUrl} was not asked: this node is stopping.");
        }
        replyTo.Tell(outcome);
    }

    private async Task<object> ExchangeAsync(object tag, HttpGet request)
    {
        if (!IsSendable(request.PathAndQuery) || !Uri.TryCreate(request.BaseUrl + request.PathAndQuery, AsGiven, out Uri? uri))
            return new HttpFailed(tag, $"{request.BaseUrl}{request.PathAndQuery} is not a URL.");
        if (uri.Scheme is not ("http" or "https"))
            return new HttpFailed(tag, $"{request.BaseUrl} is neither http nor https.");

        using var timeout = new CancellationTokenSource(request.Timeout);
        using var message = new HttpRequestMessage(HttpMethod.Get, uri);
        foreach ((string name, string value) in request.Headers)
            message.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await _client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        byte[]? body = await ReadBodyAsync(response.Content, timeout.Token).ConfigureAwait(false);
        if (body is null)
            return new HttpFailed(tag, $"{request.BaseUrl} answered with more than {MaxBodyLength} octets.");
        string? mac = response.Headers.TryGetValues(MacHeader, out IEnumerable<string>? values) ? values.First() : null;
        return new HttpAnswered(tag, (int)response.StatusCode, mac, body);
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpContent content, CancellationToken cancelled)
    {
        if (content.Headers.ContentLength > MaxBodyLength)
            return null;
        using Stream stream = await content.ReadAsStreamAsync(cancelled).ConfigureAwait(false);
        using var body = new MemoryStream();
        var chunk = new byte[16 * 1024];
        while (await stream.ReadAsync(chunk, cancelled).ConfigureAwait(false) is var length and > 0)
        {
            if (body.Length + length > MaxBodyLength)
                return null;
            body.Write(chunk, 0, length);
        }
        return body.ToArray();
    }

    // Nothing is escaped on the way, so what could end the request line must not be in it.
    private static bool IsSendable(string pathAndQuery) => pathAndQuery.StartsWith('/') && pathAndQuery.All(c => c is > ' ' and < '\x7f');
}
