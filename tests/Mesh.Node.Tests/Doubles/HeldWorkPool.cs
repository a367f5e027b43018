using Mesh.Actors;
using Mesh.Actors.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>A work pool that does nothing until the test says what came of a piece of work.</summary>
internal sealed class HeldWorkPool : IWorkPool
{
    public List<(object Tag, Func<object> Work, ActorRef ReplyTo)> Pieces { get; } = [];

    public void Run(object tag, Func<object> work, ActorRef replyTo) => Pieces.Add((tag, work, replyTo));
}
