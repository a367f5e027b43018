namespace Mesh.DataPlane;

/// <summary>Where the data plane puts packets. Called from forwarding threads, several at once where several forward.</summary>
/// <remarks>The octets are only lent: an implementation sends or copies them before it returns, and does not call back into the engine.
/// False means that the packet was not taken; the engine counts it as dropped.</remarks>
public interface IPacketOutput
{
    /// <summary>Hands an IPv6 packet to this machine's own network stack.</summary>
    bool WriteToHost(ReadOnlySpan<byte> packet);

    /// <summary>Sends a sealed datagram.</summary>
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
}
