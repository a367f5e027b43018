using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Ports;

/// <summary>Datagrams between nodes: UDP port 326 of the overlay, and of this machine's loopback address for the registry beside us.</summary>
/// <remarks>
/// Datagrams get lost, are repeated and come in any order, and nothing about them is checked; in the overlay a node cannot be kept from sending with foreign source addresses.
/// A node receives at its address and at the first address of its subnet, where others send to (protocol reference 1.2).
/// </remarks>
public interface IPeerPort
{
    /// <summary>From now on what comes in arrives at <paramref name="receiver"/> as <see cref="PeerDatagramReceived"/>, or once a <see cref="PeerPortFailed"/>; at nobody else.</summary>
    void Attach(ActorRef receiver);

    /// <summary>The receiver has handled one more <see cref="PeerDatagramReceived"/>. A port holds back, and in the end drops and counts, what comes faster than it is handled.</summary>
    void Handled();

    /// <summary>Sends a datagram from this node's own address, or drops it. Returns at once.</summary>
    /// <param name="to">A node, or the loopback address.</param>
    /// <param name="port">Where the receiver listens: 326 for nodes.</param>
    /// <param name="datagram">Octets that nobody changes any more.</param>
    void Send(Ipv6Address to, ushort port, ReadOnlyMemory<byte> datagram);
}

/// <summary>A datagram came in.</summary>
/// <param name="From">Who says to have sent it; the loopback address for programs of this machine.</param>
/// <param name="Port">The port it came from.</param>
/// <param name="Datagram">Octets that nobody changes any more, 0..65,527 of them.</param>
public sealed record PeerDatagramReceived(Ipv6Address From, ushort Port, ReadOnlyMemory<byte> Datagram);

/// <summary>No datagrams will come: the port cannot be had.</summary>
/// <param name="Reason">A sentence for the operator.</param>
public sealed record PeerPortFailed(string Reason);
