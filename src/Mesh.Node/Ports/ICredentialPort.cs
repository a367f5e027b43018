using Mesh.Actors;

namespace Mesh.Node.Ports;

/// <summary>Where this node's certificate and its authority's are kept, and what its streams show to peers.</summary>
public interface ICredentialPort
{
    /// <summary>Replaces what is kept, so that a crash leaves the old or the new one. Streams that are opened from then on use the new one. Outcome at <paramref name="replyTo"/>:
    /// <see cref="CredentialsStored"/> or <see cref="CredentialsNotStored"/>.</summary>
    /// <param name="tag">Comes back with the outcome.</param>
    /// <param name="identity">Our new self: the same key and prefix.</param>
    /// <param name="replyTo">Who gets the outcome.</param>
    void Store(object tag, NodeIdentity identity, ActorRef replyTo);
}

/// <summary>The credentials are durable.</summary>
public sealed record CredentialsStored(object Tag);

/// <summary>The new certificate is not kept, and streams show the old one. The authority's may be replaced already: both fit it.</summary>
/// <param name="Tag">The request's.</param>
/// <param name="Reason">A sentence for the operator.</param>
public sealed record CredentialsNotStored(object Tag, string Reason);
