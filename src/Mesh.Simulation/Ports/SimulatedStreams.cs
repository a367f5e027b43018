using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Protocol.Tunnel;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Ports;

/// <summary>Control streams over simulated TCP. TLS is modelled: its round trips and the check of both certificates are real, its encryption is left out.</summary>
/// <remarks>
/// Records: <c>type u8 | bytes</c> with the types of TLS (22 handshake, 23 data). As in TLS 1.3 the server's certificate comes first, and the client may
/// send data together with its own.
/// </remarks>
/// <param name="machine">Where the streams end.</param>
/// <param name="certificate">This node's certificate at present, DER.</param>
/// <param name="verify">Why a peer's certificate is refused, or null.</param>
public sealed class SimulatedStreams(Machine machine, Func<ReadOnlyMemory<byte>> certificate, Func<ReadOnlyMemory<byte>, string?> verify) : IStreamPort
{
    private const byte Handshake = 22;
    private const byte ApplicationData = 23;

    private readonly Dictionary<StreamId, Stream> _streams = [];
    private long _lastId;

    /// <summary>Gets the packets that came inside a stream.</summary>
    public Action<StreamId, ReadOnlyMemory<byte>>? PacketReceived { get; set; }

    /// <summary>Streams that are open or being opened.</summary>
    public int Count => _streams.Count;

    /// <inheritdoc/>
    public void Listen(IPEndPoint local, ActorRef owner)
    {
        ArgumentNullException.ThrowIfNull(local);
        bool isListening = machine.Tcp.Listen(local.Port, connection =>
        {
            var stream = new Stream(new StreamId(++_lastId), connection, owner, IsAccepted: true);
            Attach(stream);
            connection.Received = bytes => OnRecord(stream, bytes);
            Send(stream, Handshake, certificate().Span);
        });
        Tell(owner, isListening
            ? new StreamListening(new IPEndPoint(machine.Address, local.Port))
            : new StreamListenFailed(local, "another program listens there"));
    }

    /// <inheritdoc/>
    public StreamId Connect(IPEndPoint remote, TimeSpan timeout, ActorRef owner)
    {
        TcpConnection connection = machine.Tcp.Connect(remote);
        var stream = new Stream(new StreamId(++_lastId), connection, owner, IsAccepted: false);
        Attach(stream);
        connection.Received = bytes => OnRecord(stream, bytes);
        machine.After(timeout, () =>
        {
            if (!stream.IsOpen)
                Fail(stream, "the connection timed out");
        });
        return stream.Id;
    }

    /// <inheritdoc/>
    public void SetOwner(StreamId stream, ActorRef owner)
    {
        if (!_streams.TryGetValue(stream, out Stream? found))
            return;
        found.Owner = owner;
        found.IsOwned = true;
        while (found.Early.TryDequeue(out ReadOnlyMemory<byte> record))
            OnData(found, record);
        if (found.EndedBecause is { } reason)
            End(found, reason);
    }

    /// <inheritdoc/>
    public void Send(StreamId stream, byte kind, ReadOnlyMemory<byte> payload) => SendFrame(stream, kind, payload.Span);

    /// <inheritdoc/>
    public void Close(StreamId stream)
    {
        if (!_streams.TryGetValue(stream, out Stream? found))
            return;
        found.Connection.Close();
        End(found, "closed");
    }

    /// <summary>Sends an IP packet inside a stream.</summary>
    /// <returns>False where there is no such stream.</returns>
    public bool SendPacket(StreamId stream, ReadOnlySpan<byte> packet) => SendFrame(stream, Frame.Packet, packet);

    private bool SendFrame(StreamId stream, byte kind, ReadOnlySpan<byte> payload)
    {
        if (!_streams.TryGetValue(stream, out Stream? found))
            return false;
        byte[] frame = new byte[Frame.HeaderLength + payload.Length];
        Frame.WriteHeader(frame, kind, payload.Length);
        payload.CopyTo(frame.AsSpan(Frame.HeaderLength));
        Send(found, ApplicationData, frame);
        return true;
    }

    private void Attach(Stream stream)
    {
        _streams.Add(stream.Id, stream);
        stream.Connection.Closed = reason => OnClosed(stream, reason);
    }

    private void OnRecord(Stream stream, ReadOnlyMemory<byte> record)
    {
        if (record.Length > 0 && record.Span[0] == Handshake && !stream.IsOpen)
            OnCertificate(stream, record[1..]);
        else if (record.Length > 0 && record.Span[0] == ApplicationData && stream.IsOpen)
            OnData(stream, record[1..]);
        else
            Fail(stream, "the peer broke the protocol");
    }

    private void OnCertificate(Stream stream, ReadOnlyMemory<byte> peer)
    {
        if (verify(peer) is { } problem)
        {
            Fail(stream, $"the peer's certificate is refused: {problem}");
            return;
        }

        stream.IsOpen = true;
        if (!stream.IsAccepted)
        {
            stream.IsOwned = true;
            Send(stream, Handshake, certificate().Span);
        }

        Tell(stream.Owner, new StreamOpened(stream.Id, peer, stream.Connection.Remote, stream.IsAccepted));
    }

    private void OnData(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        if (!stream.IsOwned)
        {
            stream.Early.Enqueue(bytes);
            return;
        }

        if (!Frame.TryRead(bytes.Span, out byte kind, out ReadOnlySpan<byte> payload, out int consumed) || consumed != bytes.Length)
            Fail(stream, "the peer sent a broken frame");
        else if (kind == Frame.Packet)
            PacketReceived?.Invoke(stream.Id, bytes.Slice(Frame.HeaderLength, payload.Length));
        else
            Tell(stream.Owner, new FrameReceived(stream.Id, kind, bytes.Slice(Frame.HeaderLength, payload.Length)));
    }

    private void OnClosed(Stream stream, string reason)
    {
        if (stream is { IsOpen: true, IsOwned: false })
            stream.EndedBecause = reason;   // its future owner is to know, after what came before
        else
            End(stream, reason);
    }

    private void Fail(Stream stream, string reason)
    {
        stream.Connection.Close();
        End(stream, reason);
    }

    private void End(Stream stream, string reason)
    {
        if (_streams.Remove(stream.Id) && (stream.IsOpen || !stream.IsAccepted))
            Tell(stream.Owner, new StreamClosed(stream.Id, reason));
    }

    private void Send(Stream stream, byte type, ReadOnlySpan<byte> bytes)
    {
        byte[] record = new byte[1 + bytes.Length];
        record[0] = type;
        bytes.CopyTo(record.AsSpan(1));
        stream.Connection.Send(record);
    }

    private void Tell(ActorRef owner, object message) => machine.System?.Loop.Inject(owner, message);

    private sealed record Stream(StreamId Id, TcpConnection Connection, ActorRef Owner, bool IsAccepted)
    {
        public ActorRef Owner { get; set; } = Owner;

        public bool IsOpen { get; set; }

        public bool IsOwned { get; set; }

        public string? EndedBecause { get; set; }

        public Queue<ReadOnlyMemory<byte>> Early { get; } = new();
    }
}
