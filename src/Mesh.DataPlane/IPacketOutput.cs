namespace Mesh.DataPlane;

/// <summary>Where the data plane puts packets. One that is used by several threads has to be safe for them.</summary>
/// <remarks>The octets are only lent: an implementation sends or copies them before it returns, and does not call back into the engine.
/// False means that the packet was not taken; the engine counts it as dropped. One that collects packets, and learns only later that they were not taken, says so with
/// <see cref="DataPlaneEngine.CountDropped"/>.</remarks>
public interface IPacketOutput
{
    /// <summary>Hands an IPv6 packet to this machine's own network stack.</summary>
    bool WriteToHost(ReadOnlySpan<byte> packet);

    /// <summary>The same for a packet that lies where the caller of the engine gave it: it may be changed and need not be copied as long as the caller leaves it there.</summary>
    bool DeliverToHost(Span<byte> packet) => WriteToHost(packet);

    /// <summary>Room in which a datagram is built that is then sent with <see cref="SendDatagram"/>, so that it need not be copied there.</summary>
    /// <param name="to">Where it will be sent.</param>
    /// <param name="length">Its length, at most <see cref="Sealing.SealedDatagram.MaxPlaintextLength"/> and <see cref="Sealing.SealedDatagram.Overhead"/>.</param>
    Span<byte> RoomFor(in DatagramEndpoint to, int length) => Scratch.ForSealing(length);

    /// <summary>Sends a sealed datagram.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="datagram">The datagram, all of the last <see cref="RoomFor"/>.</param>
    bool SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram);

    /// <summary>Sends an IPv6 packet as the payload of a packet frame on a control stream.</summary>
    bool SendOnStream(StreamId stream, ReadOnlySpan<byte> packet);
}

/// <summary>Who is told what forwarding learns about tunnels. Called from forwarding threads.</summary>
public interface IControlSink
{
    /// <summary>A control payload arrived in a sealed datagram and was authentic and fresh. The payload is only lent.</summary>
    void ControlReceived(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint from);

    /// <summary>An authentic datagram, newer than all before, came from another address than the path's.
    /// Said again, at most ten times a second, until the path is changed.</summary>
    void PeerMoved(TunnelIndex tunnel, in DatagramEndpoint from);

    /// <summary>Packets were sent in datagrams and nothing has come back for a second. Said again each second while more are sent.</summary>
    void PathSilent(TunnelIndex tunnel);

    /// <summary>More than <see cref="DataPlaneOptions.WornAfter"/> datagrams came that were sealed with one key. Said again each second while more come.</summary>
    void KeyWorn(TunnelIndex tunnel);
}
