using Mesh.Actors;
using Mesh.Node.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>A credential port that stores nothing until the test says what came of it.</summary>
internal sealed class HeldCredentials : ICredentialPort
{
    public List<(object Tag, NodeIdentity Identity, ActorRef ReplyTo)> Requests { get; } = [];

    public void Store(object tag, NodeIdentity identity, ActorRef replyTo) => Requests.Add((tag, identity, replyTo));
}
