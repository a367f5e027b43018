using Mesh.DataPlane;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>The packet frames of control streams, as the data plane sees them.</summary>
public interface IStreamPackets
{
    /// <summary>Sets who gets packets, on the streams' threads. Packets that come before this is set are dropped.</summary>
    void Attach(IStreamPacketSink sink);

    /// <summary>Queues a packet as a packet frame.</summary>
    /// <returns>False where the stream is closed or its queue full; the packet is dropped.</returns>
    bool TrySendPacket(StreamId stream, ReadOnlySpan<byte> packet);
}

/// <summary>Who gets what packet frames carry.</summary>
public interface IStreamPacketSink
{
    /// <summary>A packet came in a packet frame. It is only lent, and may be changed.</summary>
    void PacketReceived(StreamId stream, Span<byte> packet);

    /// <summary>A stream is over; nothing more comes from it.</summary>
    void StreamEnded(StreamId stream);
}
