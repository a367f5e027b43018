using System.Buffers.Binary;
using System.Net;

namespace Mesh.Simulation.Underlay;

/// <summary>TCP as far as those who use it can tell: connections with a handshake of one round trip, bytes in order, resets.</summary>
/// <remarks>
/// Payload of a packet: <c>type u8 | number u32, big-endian | bytes</c>. Losses cost time and lose nothing, so there are no acknowledgements;
/// order is restored by the number. A machine that is off answers nothing, one whose process is gone answers with a reset. Who opens a connection to
/// a machine that is off asks again and again, as Linux does: 1, 3, 7, 15, 31 and 63 seconds after the first time.
/// </remarks>
public sealed class SimulatedTcp
{
    private const int HeaderLength = 5;
    private const int FirstPort = 40_000;
    private const int SynRetries = 6;   // tcp_syn_retries of Linux
    private static readonly TimeSpan FirstSynRetry = TimeSpan.FromSeconds(1);

    private readonly Machine _machine;
    private readonly Dictionary<(int LocalPort, IPEndPoint Remote), TcpConnection> _connections = [];
    private readonly Dictionary<int, Action<TcpConnection>> _listeners = [];
    private readonly Dictionary<(int LocalPort, IPEndPoint Remote), Packet> _asking = [];   // to be let in since the power was off
    private int _nextPort = FirstPort;

    internal SimulatedTcp(Machine machine) => _machine = machine;

    private enum SegmentType : byte
    {
        Syn = 1,
        SynAck = 2,
        Data = 3,
        Fin = 4,
        Reset = 5,
    }

    /// <summary>Accepts connections to a port.</summary>
    /// <returns>False where somebody listens there already.</returns>
    public bool Listen(int port, Action<TcpConnection> accepted) => _listeners.TryAdd(port, accepted);

    /// <summary>Opens a connection. Set its callbacks before the next event.</summary>
    public TcpConnection Connect(IPEndPoint remote)
    {
        ArgumentNullException.ThrowIfNull(remote);
        var connection = new TcpConnection(this, TakePort(remote), remote);
        _connections.Add((connection.LocalPort, remote), connection);
        Send(connection, SegmentType.Syn, default);
        return connection;
    }

    // After the last port the first one again, as on real machines; those to this remote that are still in use are passed over.
    private int TakePort(IPEndPoint remote)
    {
        for (int tried = FirstPort; tried <= IPEndPoint.MaxPort; tried++)
        {
            int port = _nextPort;
            _nextPort = port == IPEndPoint.MaxPort ? FirstPort : port + 1;
            if (!_connections.ContainsKey((port, remote)))
                return port;
        }

        throw new InvalidOperationException($"{_machine.Name} has no port left for another connection to {remote}");
    }

    /// <summary>The answer to a segment that cannot go anywhere.</summary>
    internal static Packet Refusal(Packet segment)
    {
        byte[] payload = new byte[HeaderLength];
        payload[0] = (byte)SegmentType.Reset;
        return new Packet(PacketProtocol.Tcp, segment.Destination, segment.Source, payload);
    }

    internal void SendData(TcpConnection connection, ReadOnlySpan<byte> bytes) => Send(connection, SegmentType.Data, bytes);

    internal void Close(TcpConnection connection)
    {
        if (_connections.Remove((connection.LocalPort, connection.Remote)))
            Send(connection, SegmentType.Fin, default);
    }

    internal void ResetAll()
    {
        foreach (TcpConnection connection in _connections.Values.ToArray())
            Send(connection, SegmentType.Reset, default);
        _connections.Clear();
        _listeners.Clear();
    }

    internal void Receive(Packet packet)
    {
        if (packet.Payload.Length < HeaderLength)
            return;
        var type = (SegmentType)packet.Payload.Span[0];
        uint number = BinaryPrimitives.ReadUInt32BigEndian(packet.Payload.Span[1..]);
        (int Port, IPEndPoint Source) key = (packet.Destination.Port, packet.Source);
        _asking.Remove(key);   // this is from the same, and newer
        if (type == SegmentType.Syn)
        {
            Accept(key.Port, key.Source, packet);
            return;
        }

        if (!_connections.TryGetValue(key, out TcpConnection? connection))
        {
            if (type != SegmentType.Reset)
                Reply(packet, SegmentType.Reset);
            return;
        }

        if (type == SegmentType.Reset)
        {
            _connections.Remove(key);
            connection.OnClosed(connection.IsOpen ? "reset by the peer" : "connection refused");
            return;
        }

        // Segments may overtake each other and come twice; what comes early waits.
        if (number < connection.NextReceived || !connection.Early.TryAdd(number, ((byte)type, packet.Payload[HeaderLength..])))
            return;
        while (connection.Early.Remove(connection.NextReceived, out (byte Type, ReadOnlyMemory<byte> Bytes) segment))
        {
            connection.NextReceived++;
            Handle(key, connection, (SegmentType)segment.Type, segment.Bytes);
        }
    }

    /// <summary>What comes while the power is off goes nowhere. Who wants to open a connection asks again, until he gives up or starts anew.</summary>
    internal void Miss(Packet packet, int attempt = 0)
    {
        _machine.Lane.Undelivered++;
        if (packet.Payload.Length < HeaderLength)
            return;
        (int Port, IPEndPoint Source) key = (packet.Destination.Port, packet.Source);
        _asking.Remove(key);
        if ((SegmentType)packet.Payload.Span[0] != SegmentType.Syn || attempt == SynRetries)
            return;
        _asking.Add(key, packet);
        _machine.Lane.After(_machine, FirstSynRetry * (1 << attempt), () =>
        {
            if (!ReferenceEquals(_asking.GetValueOrDefault(key), packet))
                return;
            if (_machine.IsOn)
                _machine.Receive(packet);
            else
                _machine.Tcp.Miss(packet, attempt + 1);   // it may have been on and off meanwhile
        });
    }

    private void Handle((int Port, IPEndPoint Source) key, TcpConnection connection, SegmentType type, ReadOnlyMemory<byte> bytes)
    {
        switch (type)
        {
            case SegmentType.SynAck:
                connection.IsOpen = true;
                connection.Opened?.Invoke();
                break;
            case SegmentType.Data:
                connection.Received?.Invoke(bytes);
                break;
            case SegmentType.Fin:
                _connections.Remove(key);
                connection.OnClosed("closed by the peer");
                break;
        }
    }

    private void Accept(int port, IPEndPoint source, Packet packet)
    {
        if (!_listeners.TryGetValue(port, out Action<TcpConnection>? accepted))
        {
            Reply(packet, SegmentType.Reset);
            return;
        }

        // The peer was switched off and on and takes the same port again: what we know of is half-open (RFC 9293 section 3.5.1), and closing it must not close the new one.
        if (_connections.Remove((port, source), out TcpConnection? forgotten))
            forgotten.OnClosed("reset by the peer");
        var connection = new TcpConnection(this, port, source) { IsOpen = true, NextReceived = 1 };
        _connections[(port, source)] = connection;
        Send(connection, SegmentType.SynAck, default);
        accepted(connection);
    }

    private void Reply(Packet packet, SegmentType type)
    {
        byte[] payload = new byte[HeaderLength];
        payload[0] = (byte)type;
        _machine.Send(new Packet(PacketProtocol.Tcp, new IPEndPoint(_machine.Address, packet.Destination.Port), packet.Source, payload));
    }

    private void Send(TcpConnection connection, SegmentType type, ReadOnlySpan<byte> bytes)
    {
        byte[] payload = new byte[HeaderLength + bytes.Length];
        payload[0] = (byte)type;
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(1), connection.NextSent++);
        bytes.CopyTo(payload.AsSpan(HeaderLength));
        _machine.Send(new Packet(PacketProtocol.Tcp, new IPEndPoint(_machine.Address, connection.LocalPort), connection.Remote, payload));
    }
}

/// <summary>One end of a simulated TCP connection.</summary>
public sealed class TcpConnection
{
    private readonly SimulatedTcp _tcp;
    private bool _isOver;

    internal TcpConnection(SimulatedTcp tcp, int localPort, IPEndPoint remote) => (_tcp, LocalPort, Remote) = (tcp, localPort, remote);

    /// <summary>Our port.</summary>
    public int LocalPort { get; }

    /// <summary>The other end, as we see it.</summary>
    public IPEndPoint Remote { get; }

    /// <summary>True once both ends agree.</summary>
    public bool IsOpen { get; internal set; }

    /// <summary>Called when a connection that we opened is open.</summary>
    public Action? Opened { get; set; }

    /// <summary>Called with bytes, in order, cut as they were sent.</summary>
    public Action<ReadOnlyMemory<byte>>? Received { get; set; }

    /// <summary>Called once, when the other end has closed or reset the connection.</summary>
    public Action<string>? Closed { get; set; }

    internal uint NextSent { get; set; }

    internal uint NextReceived { get; set; }

    internal Dictionary<uint, (byte Type, ReadOnlyMemory<byte> Bytes)> Early { get; } = [];

    /// <summary>Sends bytes.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (!_isOver)
            _tcp.SendData(this, bytes);
    }

    /// <summary>Closes; the other end gets what was sent before. <see cref="Closed"/> is not called.</summary>
    public void Close()
    {
        if (_isOver)
            return;
        _isOver = true;
        _tcp.Close(this);
    }

    internal void OnClosed(string reason)
    {
        if (_isOver)
            return;
        _isOver = true;
        Closed?.Invoke(reason);
    }
}
