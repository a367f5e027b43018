using Mesh.DataPlane;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>A link of the kernel on which the routing protocol may speak. One that there is already begins anew.</summary>
/// <param name="Link">The link's index.</param>
/// <param name="IsShared">True where several nodes may be on it; otherwise whoever is heard there is the one peer.</param>
public sealed record KernelLinkUp(int Link, bool IsShared)
{
    /// <summary>What it is where it is an interface of the LAN, whose sender is told of a <see cref="Ports.KernelLinkFailed"/>; null where it is made for tunnels, and our only address there is
    /// <see cref="LinkLocalAddress.Of"/> this node.</summary>
    public LanLink? Lan { get; init; }
}

/// <summary>An interface of the LAN. Its nodes reach each other without tunnels, so nothing is known of them but what they say themselves.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Address">The link-local address on it from which we speak.</param>
public sealed record LanLink(string Name, Ipv6Address Address);

/// <summary>The link is gone.</summary>
/// <param name="Link">The link's index.</param>
public sealed record KernelLinkDown(int Link)
{
    /// <summary>The name of an interface of the LAN. Where the link has got another one meanwhile it is not gone.</summary>
    public string? Name { get; init; }
}

/// <summary>A node is on a link, behind a tunnel.</summary>
public sealed record KernelPeerUp(int Link, NodePrefix Peer, TunnelIndex Tunnel);

/// <summary>That tunnel is gone: nothing is sent through it any more. The node may have come back by another one meanwhile.</summary>
public sealed record KernelPeerDown(int Link, NodePrefix Peer, TunnelIndex Tunnel);

/// <summary>The link-local addresses of nodes.</summary>
public static class LinkLocalAddress
{
    /// <summary>The address that a node has on its links in the overlay. It follows from the node's prefix, so both ends of a tunnel know it.</summary>
    public static Ipv6Address Of(NodePrefix node) => new(((UInt128)0xFE80 << 112) | ((ulong)node.Value ^ ((ulong)node.Length << 56)) | (1UL << 63));
}
