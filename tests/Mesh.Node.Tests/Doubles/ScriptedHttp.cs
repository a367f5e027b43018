using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Node.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>An HTTP port whose answers the test gives.</summary>
internal sealed class ScriptedHttp : IHttpPort
{
    private readonly List<(object Tag, HttpGet Request, ActorRef ReplyTo)> _requests = [];
    private ActorTestKit? _kit;

    /// <summary>All requests so far.</summary>
    public IReadOnlyList<HttpGet> Requests => [.. _requests.Select(r => r.Request)];

    public void Attach(ActorTestKit kit) => _kit = kit;

    public void Get(object tag, HttpGet request, ActorRef replyTo) => _requests.Add((tag, request, replyTo));

    /// <summary>The last request's path and query.</summary>
    public string LastTarget => _requests[^1].Request.PathAndQuery;

    /// <summary>Value of a header field of the last request, or null.</summary>
    public string? LastHeader(string name) => _requests[^1].Request.Headers.FirstOrDefault(h => h.Key == name).Value;

    /// <summary>Answers request number <paramref name="index"/>, by default the last one.</summary>
    public void Answer(int status, ReadOnlyMemory<byte> body = default, string? mac = null, int? index = null)
    {
        (object tag, _, ActorRef replyTo) = _requests[index ?? (_requests.Count - 1)];
        replyTo.Tell(new HttpAnswered(tag, status, mac, body));
        _kit!.Settle();
    }

    /// <summary>Fails the last request.</summary>
    public void Fail(string reason)
    {
        (object tag, _, ActorRef replyTo) = _requests[^1];
        replyTo.Tell(new HttpFailed(tag, reason));
        _kit!.Settle();
    }
}
