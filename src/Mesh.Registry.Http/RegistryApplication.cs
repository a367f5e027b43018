using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Protocol.Registry;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.Http.Cluster;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Parameters;
using Mesh.Registry.Sessions;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Mesh.Registry.Http;

/// <summary>Carries requests from the HTTP server to who answers them, and answers back. What they mean is decided there.</summary>
/// <remarks>Its own: <c>/healthz</c> (200 or 503), <c>/metrics</c> (for authorized origins), the rate limit (429) and bodies, which no method takes (413).</remarks>
internal sealed class RegistryApplication(IRegistryBackend backend, RegistryServerOptions options, RegistryMetrics metrics) : IHttpApplication<IFeatureCollection>
{
    private const int MaxLoggedForwardedFor = 256;

    // A little more than a call may take, so that the call itself says what happened.
    private readonly TimeSpan _askTimeout = backend.Options.CallTimeout + TimeSpan.FromSeconds(5);
    private readonly AddressRateLimit _limit = new(options.AnonymousRate, options.AnonymousBurst, options.Clock);

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        long start = options.Clock.GetTimestamp();
        IHttpRequestFeature http = context.GetRequiredFeature<IHttpRequestFeature>();
        var request = new RegistryRequest(http.Method, http.RawTarget, context.Get<IHttpConnectionFeature>()?.RemoteIpAddress ?? IPAddress.None)
        {
            Mac = Header(http, RegistryHeaders.Hmac),
            ForwardedFor = Header(http, RegistryHeaders.ForwardedFor),
        };
        MethodMetrics method = metrics.Find(http.RawTarget);
        RegistryResponse response;
        try
        {
            string? forwarding = Header(http, ForwardingSeal.Header);
            response = backend.Admit(ref request, forwarding) ?? await AnswerAsync(request, forwarding is not null, method, http).ConfigureAwait(false);
        }
        catch (AskException)
        {
            response = Text(503, "the registry does not answer") with { RetryAfter = TimeSpan.FromSeconds(5) };
        }

        TimeSpan duration = options.Clock.GetElapsedTime(start);
        method.Count(response.Status, duration);
        if (options.AccessLog is { } log)
            log(Record(request, method.Name, response.Status, response.Body.Length, duration, ReasonOf(request, method, response)));
        await WriteAsync(context, response, method.Name == RegistryMetrics.MetricsPath ? RegistryMetrics.ContentType : "text/plain; charset=utf-8").ConfigureAwait(false);
    }

    /// <summary>The server itself has refused a request, which therefore never came here.</summary>
    public void OnRejected(IFeatureCollection context, int status)
    {
        metrics.Other.Count(status);
        if (options.AccessLog is not { } log)
            return;
        var request = new RegistryRequest(context.Get<IHttpRequestFeature>()?.Method ?? "", "", context.Get<IHttpConnectionFeature>()?.RemoteIpAddress ?? IPAddress.None);
        log(Record(request, metrics.Other.Name, status, bodyLength: 0, TimeSpan.Zero, RejectedRequests.Reason(status)));
    }

    private AccessRecord Record(RegistryRequest request, string method, int status, int bodyLength, TimeSpan duration, string? reason)
    {
        string? forwardedFor = request.ForwardedFor is { Length: > MaxLoggedForwardedFor } text ? text[..MaxLoggedForwardedFor] : request.ForwardedFor;
        return new AccessRecord(options.Clock.GetUtcNow() - duration, request.Peer, forwardedFor, VerbOf(request.Verb), method, status, bodyLength, duration) { Reason = reason };
    }

    // The body of a refusal says why. Two things are said for the log only: what about the target is malformed, and that a token is not good,
    // which on the wire is an empty answer.
    private static string? ReasonOf(RegistryRequest request, MethodMetrics method, RegistryResponse response)
    {
        if (response.Status == 204 && method.Name == RegistryMethod.RequestCertificate)
            return "the token is unknown, spent or expired";
        if (response.Status < 400)
            return null;
        string text = Encoding.UTF8.GetString(response.Body.Span).TrimEnd('\n');
        return response.Status == 400 && TargetProblem.Of(request.Target) is { } problem ? $"{text}: {problem}" : text;
    }

    private async Task<RegistryResponse> AnswerAsync(RegistryRequest request, bool isForwarded, MethodMetrics method, IHttpRequestFeature http)
    {
        if (http.Headers.ContentLength > 0 || !StringValues.IsNullOrEmpty(http.Headers.TransferEncoding))
            return Text(request.Verb == "GET" ? 413 : 501, "no method takes a body");
        if (method.IsLimited && !Origins.IsAllowed(backend.Options.AuthorizedOrigins, request)
            && !_limit.TryTake(Origins.ResponsibleFor(backend.Options.AuthorizedOrigins, request), out TimeSpan retryAfter))
        {
            return Text(429, "too many requests from this address") with { RetryAfter = retryAfter };
        }

        return method.Name switch
        {
            RegistryMetrics.HealthPath when request.Verb == "GET" => await backend.HealthAsync().ConfigureAwait(false),
            RegistryMetrics.MetricsPath when request.Verb == "GET" =>
                Origins.IsAllowed(backend.Options.AuthorizedOrigins, request) ? await MetricsAsync().ConfigureAwait(false) : Text(403, "not from here"),
            _ => await backend.AnswerAsync(request, isForwarded).ConfigureAwait(false),
        };
    }

    private async Task<RegistryResponse> MetricsAsync()
    {
        var text = new StringBuilder();
        metrics.WriteServer(text, _limit.RefusedCount);
        backend.WriteMetrics(text);
        if (backend.Actors is not { } registry)
            return new RegistryResponse(200, Encoding.UTF8.GetBytes(text.ToString())) { IsText = true };
        Health health = await AskAsync<Health>(registry.Desk, new GetHealth()).ConfigureAwait(false);
        if (!health.IsUp)
            return Text(503, "the registry has stopped");
        RegistryStatistics statistics = await AskAsync<RegistryStatistics>(registry.Registry, new GetStatistics()).ConfigureAwait(false);
        PublishedParameters published = await AskAsync<PublishedParameters>(registry.Parameters, new GetPublished()).ConfigureAwait(false);
        SessionCount sessions = await AskAsync<SessionCount>(registry.Sessions, new CountSessions()).ConfigureAwait(false);
        AdvertiserCount advertisers = await AskAsync<AdvertiserCount>(registry.Bootstrap, new CountAdvertisers()).ConfigureAwait(false);
        LocalNodeStatistics? localNode = registry.LocalNode is { } node ? await AskAsync<LocalNodeStatistics>(node, new GetLocalNodeStatistics()).ConfigureAwait(false) : null;
        MailStatistics? mail = registry.Mail is { } mailer ? await AskAsync<MailStatistics>(mailer, new GetMailStatistics()).ConfigureAwait(false) : null;
        RegistryMetrics.Write(text, new RegistryNumbers(statistics, published, sessions, advertisers, health, localNode, mail));
        return new RegistryResponse(200, Encoding.UTF8.GetBytes(text.ToString())) { IsText = true };
    }

    private Task<T> AskAsync<T>(ActorRef actor, object message) => actor.Ask<T>(message, _askTimeout);

    private static async Task WriteAsync(IFeatureCollection context, RegistryResponse response, string textType)
    {
        IHttpResponseFeature http = context.GetRequiredFeature<IHttpResponseFeature>();
        http.StatusCode = response.Status;
        IHeaderDictionary headers = http.Headers;
        if (response.Mac is { } mac)
            headers[RegistryHeaders.Hmac] = mac;
        if (response.RetryAfter is { } retryAfter)
            headers.RetryAfter = ((long)retryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (response.Status is 413 or 501)
            headers.Connection = "close";   // whatever follows is not worth reading
        if (response.Status != StatusCodes.Status204NoContent)
        {
            headers.ContentType = response.IsText ? textType : "application/octet-stream";
            headers.ContentLength = response.Body.Length;
        }

        IHttpResponseBodyFeature body = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        if (!response.Body.IsEmpty)
            _ = await body.Writer.WriteAsync(response.Body).ConfigureAwait(false);
        await body.CompleteAsync().ConfigureAwait(false);
    }

    private static string? Header(IHttpRequestFeature http, string name) =>
        http.Headers.TryGetValue(name, out StringValues values) ? values.ToString() : null;

    // Anything may stand in place of a verb, and be long.
    private static string VerbOf(string verb) => verb is "GET" or "HEAD" or "POST" or "PUT" or "DELETE" or "OPTIONS" or "PATCH" or "TRACE" or "CONNECT" ? verb : "other";

    private static RegistryResponse Text(int status, string text) => new(status, Encoding.UTF8.GetBytes(text + "\n")) { IsText = true };
}
