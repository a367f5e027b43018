using Mesh.Actors;
using Mesh.Node.Ports;

namespace Mesh.Node.PortMapping;

/// <summary>States of a <see cref="PortMappingActor"/>.</summary>
public enum PortMappingState
{
    /// <summary>The gateway is looked for.</summary>
    Searching,

    /// <summary>The gateway is asked, by one method after the other.</summary>
    Asking,

    /// <summary>The gateway has mapped something; it is renewed in time.</summary>
    Mapped,

    /// <summary>There is no gateway, or none that maps. It is tried again, more and more seldom.</summary>
    Resting,

    /// <summary>The node stops, and the gateway is told that the mappings end.</summary>
    Releasing,

    /// <summary>The mappings are ended. The last state.</summary>
    Released,
}

/// <summary>What goes with the state.</summary>
/// <param name="Gateway">The gateway, where there is one.</param>
/// <param name="Method">The method by which it is asked, or was last.</param>
/// <param name="Problem">Why there is no mapping: the end of a sentence.</param>
public sealed record PortMappingProgress(Gateway? Gateway, PortMappingMethod? Method, string? Problem)
{
    /// <summary>The declared transitions.</summary>
    internal static readonly IReadOnlyList<FsmTransition<PortMappingState>> Transitions =
    [
        new(PortMappingState.Searching, PortMappingState.Asking, "there is a gateway"),
        new(PortMappingState.Searching, PortMappingState.Resting, "there is none, or it is not needed"),
        new(PortMappingState.Asking, PortMappingState.Mapped, "a port is mapped"),
        new(PortMappingState.Asking, PortMappingState.Resting, "no method has led to a mapping"),
        new(PortMappingState.Asking, PortMappingState.Searching, "addresses or routes have changed"),
        new(PortMappingState.Mapped, PortMappingState.Searching, "there is another gateway"),
        new(PortMappingState.Mapped, PortMappingState.Resting, "the last mapping is lost"),
        new(PortMappingState.Resting, PortMappingState.Searching, "the delay is over, addresses or routes have changed, the gateway is heard"),
        new(PortMappingState.Searching, PortMappingState.Released, "told to release, and there is nothing"),
        new(PortMappingState.Resting, PortMappingState.Released, "told to release, and there is nothing"),
        new(PortMappingState.Asking, PortMappingState.Releasing, "told to release"),
        new(PortMappingState.Mapped, PortMappingState.Releasing, "told to release"),
        new(PortMappingState.Releasing, PortMappingState.Released, "the gateway has answered, or takes too long"),
    ];
}
