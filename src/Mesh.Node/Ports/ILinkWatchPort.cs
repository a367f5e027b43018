using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Ports;

/// <summary>Watches interfaces of this machine that others make, configure and remove. It changes nothing about them.</summary>
/// <remarks>Every call returns at once.</remarks>
public interface ILinkWatchPort
{
    /// <summary>Begins to watch. The owner gets a <see cref="LinkSeen"/> now, and after each change of what it says.</summary>
    /// <param name="name">The interface's name. It need not exist; one that is renamed is another one.</param>
    /// <param name="owner">Who is told. One that watched the same name before is told no more.</param>
    void Watch(string name, ActorRef owner);

    /// <summary>Ends it, unless another owner has begun meanwhile.</summary>
    void Unwatch(string name, ActorRef owner);
}

/// <summary>An interface as it is now.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Link">What it is; null where there is none of that name.</param>
public sealed record LinkSeen(string Name, LinkView? Link);

/// <summary>What counts about an interface.</summary>
/// <param name="Index">Its index. Another one is another interface.</param>
/// <param name="IsRunning">Whether packets can pass: it is up and has a carrier.</param>
/// <param name="LinkLocals">Its link-local addresses that can be used, in the kernel's order.</param>
public sealed record LinkView(int Index, bool IsRunning, ImmutableArray<Ipv6Address> LinkLocals)
{
    /// <summary>How often it has stopped running or lost a link-local address since it is watched, be it for a moment: the kernel has no routes over it any more then.</summary>
    public int Losses { get; init; }

    /// <inheritdoc/>
    public bool Equals(LinkView? other) => other is not null && (Index, IsRunning, Losses) == (other.Index, other.IsRunning, other.Losses) && LinkLocals.AsSpan().SequenceEqual(other.LinkLocals.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Index;
}
