using Mesh.Actors;

namespace Mesh.Registry.LocalNode;

/// <summary>Datagrams from and to the node on the same machine, UDP <c>[::1]:326</c>.</summary>
/// <remarks>Datagrams get lost, and silence says little. Only where nobody listens at all the machine says so.</remarks>
public interface ILocalNodePort
{
    /// <summary>From now on what the node sends arrives at <paramref name="receiver"/> as <see cref="LocalDatagramReceived"/>, and <see cref="LocalNodeAbsent"/> where there is none; at nobody else.</summary>
    void Attach(ActorRef receiver);

    /// <summary>Sends a datagram, or drops it. Returns at once.</summary>
    void Send(ReadOnlyMemory<byte> datagram);
}

/// <summary>The node sent something. It is not checked.</summary>
/// <param name="Datagram">Octets that nobody changes any more.</param>
public sealed record LocalDatagramReceived(ReadOnlyMemory<byte> Datagram);

/// <summary>Nobody listens where the node would.</summary>
public sealed record LocalNodeAbsent;
