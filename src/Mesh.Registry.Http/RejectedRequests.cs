using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Mesh.Registry.Http;

/// <summary>Hears of requests that the HTTP server refuses by itself because it cannot read them, so that these are counted and logged as well.</summary>
internal sealed class RejectedRequests(Action<IFeatureCollection, int> rejected) : IObserver<KeyValuePair<string, object?>>
{
    private const string EventName = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public static void Watch(DiagnosticListener source, Action<IFeatureCollection, int> rejected) =>
        _ = source.Subscribe(new RejectedRequests(rejected), static name => string.Equals(name, EventName, StringComparison.Ordinal));

    /// <summary>What is wrong, by status. The server's own words may quote the request, and that may hold a token.</summary>
    public static string Reason(int status) => status switch
    {
        StatusCodes.Status408RequestTimeout => "the head of the request did not come in time",
        StatusCodes.Status413PayloadTooLarge => "no method takes a body",
        StatusCodes.Status414UriTooLong => "the request line is too long",
        StatusCodes.Status431RequestHeaderFieldsTooLarge => "the head of the request is too long",
        StatusCodes.Status505HttpVersionNotsupported => "only HTTP/1.0 and HTTP/1.1 are spoken",
        _ => "this is not HTTP, or malformed",
    };

    public void OnNext(KeyValuePair<string, object?> value)
    {
        // Where an answer has begun, the request was counted already; what was wrong came after it.
        if (value.Value is IFeatureCollection features
            && features.Get<IBadRequestExceptionFeature>()?.Error is BadHttpRequestException error
            && features.Get<IHttpResponseFeature>() is not { HasStarted: true })
        {
            rejected(features, error.StatusCode);
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }
}
