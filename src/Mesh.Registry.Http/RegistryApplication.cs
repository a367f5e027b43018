using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Protocol.Registry;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.Parameters;
using Mesh.Registry.Sessions;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Mesh.Registry.Http;

/// <summary>Carries requests from the HTTP server to the registry's front desk, and answers back. What they mean is decided there.</summary>
/// <remarks>Its own: <c>/healthz</c> (200 or 503), <c>/metrics</c> (for authorized origins), the rate limit (429) and bodies, which no method takes (413).</remarks>
internal sealed class RegistryApplication(RegistryActors registry, RegistryServerOptions options) : IHttpApplication<IFeatureCollection>
{
    private const string HealthPath = "/healthz";
    private const string MetricsPath = "/metrics";
    private const string OtherMethod = "other";

    // A little more than a call may take, so that the call itself says what happened.
    private readonly TimeSpan _askTimeout = registry.Options.CallTimeout + TimeSpan.FromSeconds(5);
    private readonly AddressRateLimit _limit = new(options.AnonymousRate, options.AnonymousBurst, options.Clock);
    private readonly RegistryMetrics _metrics = new();

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        long start = options.Clock.GetTimestamp();
        DateTimeOffset utc = options.Clock.GetUtcNow();
        IHttpRequestFeature http = context.GetRequiredFeature<IHttpRequestFeature>();
        var request = new RegistryRequest(http.Method, http.RawTarget, context.Get<IHttpConnectionFeature>()?.RemoteIpAddress ?? IPAddress.None)
        {
            Mac = Header(http, RegistryHeaders.Hmac),
            ForwardedFor = Header(http, RegistryHeaders.ForwardedFor),
        };
        string method = NameOf(http.RawTarget);
        RegistryResponse response;
        try
        {
            response = await AnswerAsync(request, method, http).ConfigureAwait(false);
        }
        catch (AskException)
        {
            response = Text(503, "the registry does not answer") with { RetryAfter = TimeSpan.FromSeconds(5) };
        }

        TimeSpan duration = options.Clock.GetElapsedTime(start);
        _metrics.Count(method, response.Status, duration);
        options.AccessLog?.Invoke(new AccessRecord(utc, request.Peer, request.ForwardedFor, request.Verb, method, response.Status, response.Body.Length, duration));
        await WriteAsync(context, response).ConfigureAwait(false);
    }

    private async Task<RegistryResponse> AnswerAsync(RegistryRequest request, string method, IHttpRequestFeature http)
    {
        if (http.Headers.ContentLength > 0 || !StringValues.IsNullOrEmpty(http.Headers.TransferEncoding))
            return Text(request.Verb == "GET" ? 413 : 501, "no method takes a body");
        if (IsLimited(method) && !Origins.IsAllowed(registry.Options.AuthorizedOrigins, request)
            && !_limit.TryTake(Origins.ResponsibleFor(registry.Options.AuthorizedOrigins, request), out TimeSpan retryAfter))
        {
            return Text(429, "too many requests from this address") with { RetryAfter = retryAfter };
        }

        return method switch
        {
            HealthPath when request.Verb == "GET" => await HealthAsync().ConfigureAwait(false),
            MetricsPath when request.Verb == "GET" => Origins.IsAllowed(registry.Options.AuthorizedOrigins, request) ? await MetricsAsync().ConfigureAwait(false) : Text(403, "not from here"),
            _ => await AskAsync<RegistryResponse>(registry.Desk, request).ConfigureAwait(false),
        };
    }

    // Methods for nodes check a session, which is cheap; what anybody may call is not.
    private static bool IsLimited(string method) =>
        !RegistryMethod.TryFind(method, out RegistryMethod? known) || known.Access == RegistryAccess.Public;

    private async Task<RegistryResponse> HealthAsync()
    {
        Health health = await AskAsync<Health>(registry.Desk, new GetHealth()).ConfigureAwait(false);
        return health.IsUp ? Text(200, "ok") : Text(503, "the registry has stopped");
    }

    private async Task<RegistryResponse> MetricsAsync()
    {
        Health health = await AskAsync<Health>(registry.Desk, new GetHealth()).ConfigureAwait(false);
        if (!health.IsUp)
            return Text(503, "the registry has stopped");
        RegistryStatistics statistics = await AskAsync<RegistryStatistics>(registry.Registry, new GetStatistics()).ConfigureAwait(false);
        PublishedParameters published = await AskAsync<PublishedParameters>(registry.Parameters, new GetPublished()).ConfigureAwait(false);
        SessionCount sessions = await AskAsync<SessionCount>(registry.Sessions, new CountSessions()).ConfigureAwait(false);
        AdvertiserCount advertisers = await AskAsync<AdvertiserCount>(registry.Bootstrap, new CountAdvertisers()).ConfigureAwait(false);
        string text = _metrics.Write(statistics, published, sessions, advertisers, health, _limit.RefusedCount);
        return new RegistryResponse(200, Encoding.UTF8.GetBytes(text)) { IsText = true };
    }

    private Task<T> AskAsync<T>(ActorRef actor, object message) => actor.Ask<T>(message, _askTimeout);

    private static async Task WriteAsync(IFeatureCollection context, RegistryResponse response)
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
            headers.ContentType = response.IsText ? "text/plain; charset=utf-8" : "application/octet-stream";
            headers.ContentLength = response.Body.Length;
        }

        IHttpResponseBodyFeature body = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        if (!response.Body.IsEmpty)
            _ = await body.Writer.WriteAsync(response.Body).ConfigureAwait(false);
        await body.CompleteAsync().ConfigureAwait(false);
    }

    private static string? Header(IHttpRequestFeature http, string name) =>
        http.Headers.TryGetValue(name, out StringValues values) ? values.ToString() : null;

    // Only names that exist: the access log and the metrics must not grow with what strangers send.
    private static string NameOf(string target)
    {
        int mark = target.IndexOf('?', StringComparison.Ordinal);
        string path = mark < 0 ? target : target[..mark];
        if (path is HealthPath or MetricsPath)
            return path;
        return path.Length > 1 && RegistryMethod.TryFind(path[1..], out _) ? path[1..] : OtherMethod;
    }

    private static RegistryResponse Text(int status, string text) => new(status, Encoding.UTF8.GetBytes(text + "\n")) { IsText = true };
}
