namespace Mesh.DataPlane.Tests;

/// <summary>Collects what an engine puts out.</summary>
internal sealed class RecordingOutput : IPacketOutput, IControlSink
{
    public List<byte[]> ToHost { get; } = [];

    public List<(DatagramEndpoint To, byte[] Datagram)> Datagrams { get; } = [];

    public List<(StreamId Stream, byte[] Packet)> OnStream { get; } = [];

    public List<(TunnelIndex Tunnel, InnerKind Kind, byte[] Payload, DatagramEndpoint From)> Control { get; } = [];

    public List<(TunnelIndex Tunnel, DatagramEndpoint From)> Moves { get; } = [];

    public List<TunnelIndex> Silences { get; } = [];

    public List<TunnelIndex> WornKeys { get; } = [];

    public bool Full { get; set; }

    public bool WriteToHost(ReadOnlySpan<byte> packet) => Add(ToHost, packet.ToArray());

    public bool SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram) => Add(Datagrams, (to, datagram.ToArray()));

    public bool SendOnStream(StreamId stream, ReadOnlySpan<byte> packet) => Add(OnStream, (stream, packet.ToArray()));

    public void ControlReceived(TunnelIndex tunnel, InnerKind kind, ReadOnlySpan<byte> payload, in DatagramEndpoint from) =>
        Control.Add((tunnel, kind, payload.ToArray(), from));

    public void PeerMoved(TunnelIndex tunnel, in DatagramEndpoint from) => Moves.Add((tunnel, from));

    public void PathSilent(TunnelIndex tunnel) => Silences.Add(tunnel);

    public void KeyWorn(TunnelIndex tunnel) => WornKeys.Add(tunnel);

    private bool Add<T>(List<T> list, T item)
    {
        if (!Full)
            list.Add(item);
        return !Full;
    }
}
