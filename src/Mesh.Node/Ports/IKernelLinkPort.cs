using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Ports;

/// <summary>Links of this machine's kernel on which the routing protocol speaks, such as TAP devices, and the kernel's routes over them.</summary>
/// <remarks>Every call returns at once.</remarks>
public interface IKernelLinkPort
{
    /// <summary>Begins to receive on a link: UDP port 6696, multicast to ff02::1:6 included. The owner gets <see cref="KernelLinkPacket"/>s, or a <see cref="KernelLinkFailed"/>.</summary>
    /// <param name="link">The link's index.</param>
    /// <param name="address">Our link-local address there, from which is sent; the link may have others.</param>
    /// <param name="owner">Who gets what comes.</param>
    void Open(int link, Ipv6Address address, ActorRef owner);

    /// <summary>Sends from our address on the link, port 6696 to port 6696, hop limit 1; or drops the packet.</summary>
    /// <param name="link">The link's index.</param>
    /// <param name="to">A link-local address there, or the group.</param>
    /// <param name="packet">The UDP payload. Must not be changed afterwards.</param>
    void Send(int link, Ipv6Address to, ReadOnlyMemory<byte> packet);

    /// <summary>Ends it. Nothing more is received on the link.</summary>
    void Close(int link);

    /// <summary>Replaces all routes that the kernel has of us. Those that are the same are not touched.</summary>
    void Publish(ImmutableArray<KernelHopRoute> routes);
}

/// <summary>A neighbour on a link of the kernel.</summary>
/// <param name="Link">The link's index.</param>
/// <param name="Address">The neighbour's link-local address.</param>
public sealed record KernelHop(int Link, Ipv6Address Address);

/// <summary>A route for the kernel.</summary>
/// <param name="Destination">Where it leads.</param>
/// <param name="Hop">The neighbour that packets are sent to; null where the data plane takes them.</param>
public sealed record KernelHopRoute(Ipv6Prefix Destination, KernelHop? Hop)
{
    /// <summary>The prefix that a packet's source has to lie in (RFC 9079), or null for any source.</summary>
    public Ipv6Prefix? From { get; init; }
}

/// <summary>A packet of the routing protocol came over a link of the kernel, from port 6696.</summary>
/// <param name="Link">The link's index.</param>
/// <param name="From">Its source address.</param>
/// <param name="To">Its destination address: ours on that link, or the group.</param>
/// <param name="Packet">The UDP payload; nothing about it is checked.</param>
public sealed record KernelLinkPacket(int Link, Ipv6Address From, Ipv6Address To, ReadOnlyMemory<byte> Packet);

/// <summary>Nothing is received on a link: it cannot be used, or is gone.</summary>
/// <param name="Link">The link's index.</param>
/// <param name="Reason">A sentence.</param>
public sealed record KernelLinkFailed(int Link, string Reason);
