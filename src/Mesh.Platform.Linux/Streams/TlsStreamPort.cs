using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Native;
using Mesh.Protocol.Tunnel;

namespace Mesh.Platform.Linux.Streams;

/// <summary>Streams over TLS 1.3 and TCP, with certificates on both sides.</summary>
/// <remarks>With TLS 1.3 the connecting end may see its stream open before the accepting end has judged its certificate; where that is refused, the
/// stream closes at once.</remarks>
public sealed class TlsStreamPort(TlsStreamOptions options) : IStreamPort, IStreamPackets, IAsyncDisposable
{
    private const int Backlog = 256;
    private static long _lastId;

    private readonly ConcurrentDictionary<StreamId, TlsConnection> _streams = new();
    private readonly ConcurrentDictionary<Socket, Task> _listeners = new();
    private readonly SemaphoreSlim _handshakes = new(options.MaxHandshakes);
    private readonly CancellationTokenSource _stopped = new();
    private IStreamPacketSink? _packets;
    private bool _disposed;
    private long _open, _accepted, _refused, _overflowed, _packetsDropped;

    /// <summary>What was done so far.</summary>
    public TlsStreamCounters Counters =>
        new(Volatile.Read(ref _accepted), Volatile.Read(ref _refused), Volatile.Read(ref _overflowed), Volatile.Read(ref _packetsDropped));

    /// <inheritdoc/>
    public void Listen(IPEndPoint local, ActorRef owner)
    {
        var listener = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (local.Address.Equals(IPAddress.IPv6Any))
                listener.DualMode = true;
            SocketMarks.Apply(listener.SafeHandle, options.Mark, options.UnderlayDevice);
            listener.Bind(local);
            listener.Listen(Backlog);
        }
        catch (Exception e) when (e is SocketException or LinuxException)
        {
            listener.Dispose();
            owner.Tell(new StreamListenFailed(local, $"Cannot accept streams at {local}: {e.Message}."));
            return;
        }
        owner.Tell(new StreamListening((IPEndPoint)listener.LocalEndPoint!));
        _listeners[listener] = Task.Run(() => AcceptAllAsync(listener, owner));
    }

    /// <inheritdoc/>
    public StreamId Connect(IPEndPoint remote, TimeSpan timeout, ActorRef owner)
    {
        TlsConnection connection = Add(owner);
        connection.Completion = Task.Run(async () =>
        {
            try
            {
                if (await connection.ConnectAsync(remote, timeout).ConfigureAwait(false) is { } certificate)
                    await CarryAsync(connection, certificate, remote, accepted: false).ConfigureAwait(false);
            }
            finally
            {
                Remove(connection);
                connection.Owner.Tell(new StreamClosed(connection.Id, connection.Reason));
            }
        });
        return connection.Id;
    }

    /// <inheritdoc/>
    public void SetOwner(StreamId stream, ActorRef owner)
    {
        if (_streams.TryGetValue(stream, out TlsConnection? connection))
            connection.SetOwner(owner);
        else
            owner.Tell(new StreamClosed(stream, "it ended before it was taken over"));
    }

    /// <inheritdoc/>
    public void Send(StreamId stream, byte kind, ReadOnlyMemory<byte> payload)
    {
        if (kind == Frame.Packet)
            throw new ArgumentException("Packets go through the data plane.", nameof(kind));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, Frame.MaxPayloadLength, nameof(payload));
        if (!_streams.TryGetValue(stream, out TlsConnection? connection))
            return;
        if (connection.Send(kind, payload.Span, options.MaxQueuedOctets) == SendResult.Full)
        {
            Interlocked.Increment(ref _overflowed);
            connection.End($"the peer is too slow: more than {options.MaxQueuedOctets} octets are waiting for it");
        }
    }

    /// <inheritdoc/>
    public void Close(StreamId stream)
    {
        if (_streams.TryGetValue(stream, out TlsConnection? connection))
            connection.Close();
    }

    /// <inheritdoc/>
    public void Attach(IStreamPacketSink sink) => Volatile.Write(ref _packets, sink);

    /// <inheritdoc/>
    public bool TrySendPacket(StreamId stream, ReadOnlySpan<byte> packet)
    {
        if (_streams.TryGetValue(stream, out TlsConnection? connection)
            && connection.Send(Frame.Packet, packet, options.MaxQueuedBeforePacket) == SendResult.Queued)
            return true;
        Interlocked.Increment(ref _packetsDropped);
        return false;
    }

    /// <summary>Accepts no more and ends all streams; their owners are told.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        await _stopped.CancelAsync().ConfigureAwait(false);
        foreach ((Socket listener, Task accepting) in _listeners)
        {
            listener.Dispose();
            await accepting.ConfigureAwait(false);
        }
        foreach (TlsConnection connection in _streams.Values)
            connection.End("this node is stopping");
        await Task.WhenAll(_streams.Values.Select(connection => connection.Completion)).ConfigureAwait(false);
        _stopped.Dispose();
        _handshakes.Dispose();
    }

    private async Task AcceptAllAsync(Socket listener, ActorRef owner)
    {
        while (!_stopped.IsCancellationRequested)
        {
            try
            {
                await _handshakes.WaitAsync(_stopped.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            try
            {
                Socket socket = await listener.AcceptAsync(_stopped.Token).ConfigureAwait(false);
                TlsConnection connection = Add(owner);
                connection.Completion = Task.Run(() => ServeAsync(connection, socket));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The peer gave up while it waited in the backlog, or this process has no descriptor free: others may fare better, a little later.
                _handshakes.Release();
                Interlocked.Increment(ref _refused);
                await Task.Delay(TimeSpan.FromMilliseconds(50)).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(TlsConnection connection, Socket socket)
    {
        bool announced = false;
        try
        {
            if (await ShakeAsync(connection, socket).ConfigureAwait(false) is var (certificate, remote))
            {
                announced = true;
                Interlocked.Increment(ref _accepted);
                await CarryAsync(connection, certificate, remote, accepted: true).ConfigureAwait(false);
            }
            else
                Interlocked.Increment(ref _refused);
        }
        finally
        {
            // Room is made before anybody can see that the stream is over.
            Interlocked.Decrement(ref _open);
            connection.End("it was refused");
            socket.Dispose();
            Remove(connection);
            if (announced)
                connection.Owner.Tell(new StreamClosed(connection.Id, connection.Reason));
        }
    }

    private async Task<(ReadOnlyMemory<byte> Certificate, IPEndPoint Remote)?> ShakeAsync(TlsConnection connection, Socket socket)
    {
        try
        {
            if (Interlocked.Increment(ref _open) <= options.MaxAccepted
                && socket.RemoteEndPoint is IPEndPoint remote
                && await connection.AcceptAsync(socket).ConfigureAwait(false) is { } certificate)
                return (certificate, Unmapped(remote));
        }
        catch (SocketException)
        {
            // Gone before it could be asked for its address.
        }
        finally
        {
            _handshakes.Release();
        }
        return null;
    }

    private Task CarryAsync(TlsConnection connection, ReadOnlyMemory<byte> certificate, IPEndPoint remote, bool accepted)
    {
        connection.Owner.Tell(new StreamOpened(connection.Id, certificate, remote, accepted));
        return connection.CarryAsync(accepted, () => Volatile.Read(ref _packets));
    }

    private TlsConnection Add(ActorRef owner)
    {
        var connection = new TlsConnection(new StreamId(Interlocked.Increment(ref _lastId)), owner, options);
        _streams[connection.Id] = connection;
        return connection;
    }

    private void Remove(TlsConnection connection)
    {
        _streams.TryRemove(connection.Id, out _);
        Volatile.Read(ref _packets)?.StreamEnded(connection.Id);
        connection.Dispose();
    }

    private static IPEndPoint Unmapped(IPEndPoint endpoint) =>
        endpoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endpoint.Address.MapToIPv4(), endpoint.Port) : endpoint;
}
