using Mesh.Actors;

namespace Mesh.Node.Ports;

/// <summary>GET requests to a registry.</summary>
public interface IHttpPort
{
    /// <summary>Sends a request. The outcome arrives at <paramref name="replyTo"/> as <see cref="HttpAnswered"/> or <see cref="HttpFailed"/>.</summary>
    /// <param name="tag">Comes back with the outcome.</param>
    /// <param name="request">What to ask.</param>
    /// <param name="replyTo">Who gets the outcome.</param>
    void Get(object tag, HttpGet request, ActorRef replyTo);
}

/// <summary>A GET request.</summary>
/// <param name="BaseUrl">Scheme, host, port and an optional path prefix, without a slash at its end.</param>
/// <param name="PathAndQuery">Exactly what to send after the base, starting with a slash; it may be covered by a MAC, so it is not changed.</param>
/// <param name="Headers">Extra header fields.</param>
/// <param name="Timeout">For the whole exchange.</param>
public sealed record HttpGet(string BaseUrl, string PathAndQuery, IReadOnlyList<KeyValuePair<string, string>> Headers, TimeSpan Timeout);

/// <summary>An answer came.</summary>
/// <param name="Tag">The request's.</param>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Mac">The value of the Re6stHMAC header field, or null.</param>
/// <param name="Body">At most 1 MiB; a longer answer is an <see cref="HttpFailed"/>.</param>
public sealed record HttpAnswered(object Tag, int Status, string? Mac, ReadOnlyMemory<byte> Body);

/// <summary>No answer: <paramref name="Reason"/> is a sentence for a person.</summary>
public sealed record HttpFailed(object Tag, string Reason);
