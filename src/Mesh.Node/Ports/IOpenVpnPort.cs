using System.Net;
using Mesh.Actors;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Ports;

/// <summary>OpenVPN processes on this machine. Each has a TAP device, which comes and goes with it.</summary>
/// <remarks>
/// Every call returns at once. What becomes of a process arrives at its owner, in order, as <see cref="OpenVpnEvent"/>s; what concerns a client that a server has let in arrives at
/// that client's owner. OpenVPN has checked that the network's authority issued a peer's certificate and that it is valid now; who the peer is and whether it is revoked is for the owner to judge.
/// </remarks>
public interface IOpenVpnPort
{
    /// <summary>Starts a server. The owner gets <see cref="OpenVpnUp"/>, then an <see cref="OpenVpnClientAsks"/> for each client that wants in; at last an <see cref="OpenVpnEnded"/>.</summary>
    OpenVpnProcessId StartServer(OpenVpnServerOrder order, ActorRef owner);

    /// <summary>Starts a client, which ends by itself where it does not get in and when the connection is lost. The owner gets <see cref="OpenVpnUp"/> when packets flow; at last an <see cref="OpenVpnEnded"/>.</summary>
    OpenVpnProcessId StartClient(OpenVpnClientOrder order, ActorRef owner);

    /// <summary>Lets a client in, or lets it stay. It is told the address at which we see it.</summary>
    /// <param name="asks">What it asked.</param>
    /// <param name="owner">Gets <see cref="OpenVpnClientIn"/>, further <see cref="OpenVpnClientAsks"/>, and at last an <see cref="OpenVpnClientGone"/>.</param>
    void Admit(OpenVpnClientAsks asks, ActorRef owner);

    /// <summary>Sends a client away.</summary>
    /// <param name="asks">What it asked.</param>
    /// <param name="reason">It is told.</param>
    void Refuse(OpenVpnClientAsks asks, string reason);

    /// <summary>Ends the connection of one client of a server; the others do not notice.</summary>
    void Kill(OpenVpnProcessId process, uint client);

    /// <summary>Ends a process: in order, and after five seconds by force.</summary>
    void Stop(OpenVpnProcessId process);
}

/// <summary>Names an OpenVPN process while and after it runs.</summary>
public readonly record struct OpenVpnProcessId(long Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"openvpn-{Value}";
}

/// <summary>What both ends of a tunnel have to know.</summary>
/// <param name="Device">Name of the TAP device.</param>
/// <param name="LinkLocal">The device's only address.</param>
/// <param name="Silence">After so long without a packet from the other end, the connection is given up: four times the network's hello.</param>
/// <param name="Encrypt">Whether the network wants its tunnels to be encrypted; otherwise both ends may leave it out.</param>
public sealed record OpenVpnLinkOptions(string Device, Ipv6Address LinkLocal, TimeSpan Silence, bool Encrypt);

/// <summary>A server to start.</summary>
/// <param name="Protocol">What it speaks; not <see cref="AddressProtocol.Mesh"/>.</param>
/// <param name="Port">Where it listens, on all addresses of the family.</param>
/// <param name="Link">The device, and what both ends agree on.</param>
public sealed record OpenVpnServerOrder(AddressProtocol Protocol, ushort Port, OpenVpnLinkOptions Link);

/// <summary>A client to start.</summary>
/// <param name="Peer">Whom to connect to; nobody else is accepted.</param>
/// <param name="Remote">Where; not <see cref="AddressProtocol.Mesh"/>.</param>
/// <param name="Link">The device, and what both ends agree on.</param>
public sealed record OpenVpnClientOrder(NodePrefix Peer, AdvertisedAddress Remote, OpenVpnLinkOptions Link);

/// <summary>Who is at the other end, as its certificate says.</summary>
/// <param name="CommonName">The common name, or empty where the certificate has more than one.</param>
/// <param name="SerialNumber">The certificate's serial number, or null where it is none that an authority gives.</param>
/// <param name="Remote">The other end's address as seen here, or null.</param>
public sealed record OpenVpnPeer(string CommonName, ulong? SerialNumber, IPEndPoint? Remote);

/// <summary>What an OpenVPN port tells.</summary>
/// <param name="Process">The process that it is about.</param>
public abstract record OpenVpnEvent(OpenVpnProcessId Process);

/// <summary>A server takes clients, or a client is in: the device has its address and is up.</summary>
/// <param name="Process">The process.</param>
/// <param name="Device">The device's name.</param>
/// <param name="Link">The device's index.</param>
/// <param name="Peer">The server that a client is connected to; null for a server.</param>
/// <param name="SeenAt">The address at which that server sees us, or null.</param>
public sealed record OpenVpnUp(OpenVpnProcessId Process, string Device, int Link, OpenVpnPeer? Peer, IPAddress? SeenAt) : OpenVpnEvent(Process);

/// <summary>A client wants in, or wants fresh keys; it waits for <see cref="IOpenVpnPort.Admit"/> or <see cref="IOpenVpnPort.Refuse"/>.</summary>
/// <param name="Process">The server.</param>
/// <param name="Client">Its number there, which is not used again while the process runs.</param>
/// <param name="Key">Number of the keys that it asks for.</param>
/// <param name="Peer">Who it is.</param>
public sealed record OpenVpnClientAsks(OpenVpnProcessId Process, uint Client, uint Key, OpenVpnPeer Peer) : OpenVpnEvent(Process);

/// <summary>A client's packets flow.</summary>
public sealed record OpenVpnClientIn(OpenVpnProcessId Process, uint Client) : OpenVpnEvent(Process);

/// <summary>A client is gone. The last event about it.</summary>
public sealed record OpenVpnClientGone(OpenVpnProcessId Process, uint Client) : OpenVpnEvent(Process);

/// <summary>A process has ended, and its device is gone. Its last event.</summary>
/// <param name="Process">The process.</param>
/// <param name="Reason">The end of a sentence.</param>
public sealed record OpenVpnEnded(OpenVpnProcessId Process, string Reason) : OpenVpnEvent(Process);
