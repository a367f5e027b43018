using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;

namespace Mesh.Node.Ports;

/// <summary>Reliable, mutually authenticated streams of frames between nodes: TLS 1.3 over TCP on real machines.</summary>
/// <remarks>
/// A frame is <c>kind u8 | length u16, big-endian | payload</c> (<see cref="Mesh.Protocol.Tunnel.Frame"/>). Frames of kind
/// <see cref="Mesh.Protocol.Tunnel.Frame.Packet"/> carry an IP packet and never pass through an actor: they go to the data plane's tunnel that is
/// bound to the stream (<see cref="IDataPlanePort.BindStream"/>), all others to the owner.
/// Both ends present their node certificate and the port checks the peer's against the network's certificate authority and the clock
/// before it reports the stream as open; who the peer is and whether it is revoked is for the owner to judge.
/// Every call returns at once. Outcomes arrive at the owner, in order, as <see cref="StreamEvent"/>s.
/// </remarks>
public interface IStreamPort
{
    /// <summary>Starts to accept streams. <paramref name="owner"/> gets <see cref="StreamListening"/> or
    /// <see cref="StreamListenFailed"/>, then a <see cref="StreamOpened"/> for each stream accepted.</summary>
    void Listen(IPEndPoint local, ActorRef owner);

    /// <summary>Opens a stream. <paramref name="owner"/> gets <see cref="StreamOpened"/> or <see cref="StreamClosed"/>.</summary>
    /// <param name="remote">Where to connect to.</param>
    /// <param name="timeout">How long TCP and TLS together may take.</param>
    /// <param name="owner">Who gets this stream's events.</param>
    /// <returns>The identity that the events will carry.</returns>
    StreamId Connect(IPEndPoint remote, TimeSpan timeout, ActorRef owner);

    /// <summary>Hands the stream's later events to another actor. Nothing is read before an accepted stream has been handed over.</summary>
    void SetOwner(StreamId stream, ActorRef owner);

    /// <summary>Queues a frame. Silently does nothing when the stream is closed: its <see cref="StreamClosed"/> is on the way.</summary>
    /// <param name="stream">Which stream.</param>
    /// <param name="kind">The frame's kind, not <see cref="Mesh.Protocol.Tunnel.Frame.Packet"/>.</param>
    /// <param name="payload">At most 65,535 octets. Must not be changed afterwards.</param>
    void Send(StreamId stream, byte kind, ReadOnlyMemory<byte> payload);

    /// <summary>Sends what is queued and closes. The owner gets a last <see cref="StreamClosed"/>.</summary>
    void Close(StreamId stream);
}

/// <summary>What a stream port tells the owner of a stream.</summary>
public abstract record StreamEvent { private protected StreamEvent() { } }

/// <summary>The port accepts streams at <paramref name="Local"/>.</summary>
public sealed record StreamListening(IPEndPoint Local) : StreamEvent;

/// <summary>The port cannot accept streams at <paramref name="Local"/>, for example because another process does.</summary>
public sealed record StreamListenFailed(IPEndPoint Local, string Reason) : StreamEvent;

/// <summary>A stream is open and its peer's certificate is one of the network's.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="PeerCertificate">The peer's certificate, DER.</param>
/// <param name="Remote">The peer's address as seen here.</param>
/// <param name="Accepted">True where the peer connected to us.</param>
public sealed record StreamOpened(StreamId Stream, ReadOnlyMemory<byte> PeerCertificate, IPEndPoint Remote, bool Accepted) : StreamEvent;

/// <summary>A frame came in.</summary>
public sealed record FrameReceived(StreamId Stream, byte Kind, ReadOnlyMemory<byte> Payload) : StreamEvent;

/// <summary>The stream is over, or never came to be. The last event of a stream.</summary>
public sealed record StreamClosed(StreamId Stream, string Reason) : StreamEvent;
