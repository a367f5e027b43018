namespace Mesh.Actors;

/// <summary>A handle to an actor. It stays valid after the actor is gone: what is told to it then goes to the dead letters.</summary>
/// <remarks>References compare by identity. <see cref="Tell(object)"/> may be called from any thread.</remarks>
public abstract class ActorRef
{
    /// <summary>Where the actor stands in its system, for example <c>/user/tunnels/tunnel-3</c>.</summary>
    public abstract string Path { get; }

    /// <summary>Sends a message and returns at once. The sender is the actor that is running, if one is.</summary>
    /// <param name="message">An immutable object; it may be shared between receivers.</param>
    public abstract void Tell(object message);

    /// <summary>Sends a message on behalf of <paramref name="sender"/>, whom the receiver may answer.</summary>
    public abstract void Tell(object message, ActorRef? sender);

    /// <inheritdoc/>
    public override string ToString() => Path;
}
