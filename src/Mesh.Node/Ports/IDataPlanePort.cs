using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;

namespace Mesh.Node.Ports;

/// <summary>The control plane's door to the packet forwarding of this machine.</summary>
/// <remarks>Calls return at once and take effect in order. What the data plane has to say arrives at the tunnel's owner as
/// <see cref="DataPlaneEvent"/>s.</remarks>
public interface IDataPlanePort
{
    /// <summary>Where this machine's data datagrams are received, or null where it has no datagram socket.</summary>
    IPEndPoint? LocalEndpoint { get; }

    /// <summary>Makes a tunnel known. It carries nothing until its keys and a path are set.</summary>
    /// <param name="tunnel">Chosen by the caller, unique while the tunnel lives, 1..<see cref="DataPlaneEngine.MaxTunnels"/>.</param>
    /// <param name="owner">Who gets the tunnel's events.</param>
    void AddTunnel(TunnelIndex tunnel, ActorRef owner);

    /// <summary>Sets the keys for datagrams in both directions.</summary>
    void SetKeys(TunnelIndex tunnel, DataKeys keys);

    /// <summary>Says how packets leave: sealed in datagrams, or inside the control stream.</summary>
    void SetPath(TunnelIndex tunnel, DataPath path);

    /// <summary>Forgets a tunnel. Its packets in flight are dropped and counted.</summary>
    void RemoveTunnel(TunnelIndex tunnel);

    /// <summary>Sends a control payload (a probe, a routing packet) sealed in one datagram to <paramref name="to"/>.</summary>
    void SendControl(TunnelIndex tunnel, InnerKind kind, ReadOnlyMemory<byte> payload, IPEndPoint to);

    /// <summary>Packets that arrive inside <paramref name="stream"/> belong to <paramref name="tunnel"/> from now on.</summary>
    void BindStream(TunnelIndex tunnel, StreamId stream);

    /// <summary>Asks how many packets a tunnel has carried. <paramref name="asker"/> gets a <see cref="TunnelTraffic"/>, or nothing where there is no such tunnel.</summary>
    void AskTraffic(TunnelIndex tunnel, ActorRef asker);

    /// <summary>Replaces the forwarding table. Packets see the old one or the new one, nothing between.</summary>
    void Publish(ForwardingTable table);
}

/// <summary>What the data plane tells the owner of a tunnel.</summary>
public abstract record DataPlaneEvent { private protected DataPlaneEvent() { } }

/// <summary>A control payload arrived in a sealed datagram and was authentic and fresh.</summary>
public sealed record ControlReceived(TunnelIndex Tunnel, InnerKind Kind, ReadOnlyMemory<byte> Payload, IPEndPoint From) : DataPlaneEvent;

/// <summary>How many packets a tunnel has carried so far, both ways; control payloads are not counted.</summary>
public sealed record TunnelTraffic(TunnelIndex Tunnel, long Packets) : DataPlaneEvent;

/// <summary>An authentic, fresh datagram came from another address than the path's: the peer has moved.</summary>
public sealed record PeerMoved(TunnelIndex Tunnel, IPEndPoint From) : DataPlaneEvent;

/// <summary>Packets were sent in datagrams and nothing has come back for a second. Said again each second while more are sent.</summary>
public sealed record PathSilent(TunnelIndex Tunnel) : DataPlaneEvent;

/// <summary>So much came that was sealed with the receive key that it is time for another one. Said again each second while more comes.</summary>
public sealed record KeyWorn(TunnelIndex Tunnel) : DataPlaneEvent;
