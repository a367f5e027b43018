using Mesh.Actors;
using Mesh.Node.Ports;

namespace Mesh.Node.Tests.Doubles;

/// <summary>Interfaces that only write down who watches them.</summary>
internal sealed class RecordingLinkWatch : ILinkWatchPort
{
    public Dictionary<string, ActorRef> Owners { get; } = new(StringComparer.Ordinal);

    public void Watch(string name, ActorRef owner) => Owners[name] = owner;

    public void Unwatch(string name, ActorRef owner)
    {
        if (Owners.GetValueOrDefault(name) == owner)
            Owners.Remove(name);
    }
}
