using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing.Lan;

/// <summary>States of a <see cref="LanInterfaceActor"/>.</summary>
public enum LanInterfaceState
{
    /// <summary>There is no interface of that name.</summary>
    Absent,

    /// <summary>It is there, and cannot be used: it is down, or has no address, or this node does not know what it has to.</summary>
    Waiting,

    /// <summary>The routing protocol speaks on it.</summary>
    Speaking,

    /// <summary>Its port could not be used, because another program has it for itself. It is tried again after a while.</summary>
    Refused,
}

/// <summary>An interface of the LAN at one moment. Published on the event stream whenever something about it changes.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="State">Its state.</param>
/// <param name="Link">Its index, or null where it is not there.</param>
/// <param name="Address">The link-local address from which the routing protocol speaks, or null where it does not.</param>
/// <param name="Problem">Why it does not, the end of a sentence; or null.</param>
public sealed record LanInterfaceStatus(string Name, LanInterfaceState State, int? Link, Ipv6Address? Address, string? Problem)
{
    /// <summary>How often the routing protocol has begun to speak on it, because it came back or has another address.</summary>
    public int Starts { get; init; }
}
