using Mesh.DataPlane;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <summary>A link of the kernel on which the routing protocol may speak; our only address there is <see cref="LinkLocalAddress.Of"/> this node.</summary>
/// <param name="Link">The link's index.</param>
/// <param name="IsShared">True where several nodes may be on it; otherwise whoever is heard there is the one peer.</param>
public sealed record KernelLinkUp(int Link, bool IsShared);

/// <summary>The link is gone.</summary>
public sealed record KernelLinkDown(int Link);

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
