using Mesh.Actors;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Parameters;

/// <summary>Published on the event stream when the network's parameters are first known and whenever they change.</summary>
/// <param name="Parameters">All of them; whoever hears it looks at what is its own, and does nothing where that is as before.</param>
public sealed record NetworkParametersChanged(NetworkParameters Parameters)
{
    /// <summary>The keys of routing, decrypted.</summary>
    public RoutingKeys Keys { get; init; } = RoutingKeys.None;
}

/// <summary>Published by an actor that was restarted and has to know the parameters: it is told them, and the newest version that is known to exist, where there are any.</summary>
/// <param name="By">Who wants to know.</param>
public sealed record NetworkParametersWanted(ActorRef By);

/// <summary>Published on the event stream when a newer version of the parameters is known to exist. It is signed by the authority; the parameters themselves may still have to be fetched.</summary>
public sealed record VersionLearned(NetworkVersion Version);
