using System.Web;
using Mesh.Actors.TestKit;
using Mesh.Node.Tests.Doubles;
using Mesh.Protocol.Registry;
using Mesh.Security.Sessions;

namespace Mesh.Node.Tests.RegistryClient;

/// <summary>The registry's end of the session with node A, played by hand.</summary>
internal sealed class PlayedRegistry
{
    private readonly CountingEntropy _entropy = new();
    private RegistrySession _session = new();

    public PlayedRegistry(ActorTestKit kit) => Http.Attach(kit);

    public ScriptedHttp Http { get; } = new();

    public string LastMethod => Http.LastTarget[1..Http.LastTarget.IndexOf('?', StringComparison.Ordinal)];

    public string? LastArgument(string name) => HttpUtility.ParseQueryString(Http.LastTarget[(Http.LastTarget.IndexOf('?', StringComparison.Ordinal) + 1)..])[name];

    /// <summary>The registry has been restarted.</summary>
    public void Forget() => _session = new RegistrySession();

    public void AnswerHello() => Http.Answer(200, Hello());

    /// <summary>A good answer to the last hello.</summary>
    public byte[] Hello()
    {
        Assert.Equal("hello", LastMethod);
        var key = SessionKey.ForRegistry(_entropy);
        _session.Offer(key, 10);
        return SecretEnvelope.Create(key, Identities.A.Key.PublicKey, Identities.Authority.Key, _entropy);
    }

    /// <summary>Answers the last call if its MAC is right; 400 otherwise, as a registry does.</summary>
    public void Answer(byte[] body, int status = 200)
    {
        if (_session.TryAccept(Http.LastTarget, Http.LastHeader(RegistryHeaders.Hmac), out AcceptedRequest? accepted))
            Http.Answer(status, body, accepted.AnswerKey.HeaderFor(body));
        else
            Http.Answer(400);
    }

    /// <summary>Whether the last call was authentic; its key is used up then.</summary>
    public bool Accept() => _session.TryAccept(Http.LastTarget, Http.LastHeader(RegistryHeaders.Hmac), out _);
}
