using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Native;
using Mesh.Protocol.Tunnel;

namespace Mesh.Platform.Linux.Streams;

/// <summary>One stream from its beginning to its end.</summary>
/// <remarks><code>
///  connecting / shaking hands ──▶ (accepted: waiting for its owner) ──▶ open ──Close──▶ closing ──▶ ended
///        any of them ──End(reason)──▶ ended
/// </code>
/// Ending is closing the socket: whatever waits on it then fails, and the first reason given is the one that is told.</remarks>
internal sealed class TlsConnection(StreamId id, ActorRef owner, TlsStreamOptions options) : IDisposable
{
    private readonly SendQueue _queue = new(options.MaxQueuedOctets);
    private readonly TokenBucket _controlFrames = new(options.ControlFramesPerSecond, 2 * options.ControlFramesPerSecond);
    private readonly TaskCompletionSource _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();
    private ActorRef _owner = owner;
    private Socket? _socket;
    private SslStream? _tls;
    private string? _reason;
    private bool _isOpen;
    private bool _closing;

    public StreamId Id => id;

    public ActorRef Owner => Volatile.Read(ref _owner);

    /// <summary>Why it ended.</summary>
    public string Reason => Volatile.Read(ref _reason) ?? "the peer closed it";

    /// <summary>Ends when the stream has ended.</summary>
    public Task Completion { get; set; } = Task.CompletedTask;

    public void SetOwner(ActorRef owner)
    {
        Volatile.Write(ref _owner, owner);
        _handedOver.TrySetResult();
    }

    public SendResult Send(byte kind, ReadOnlySpan<byte> payload, int limit) => _queue.TryAdd(kind, payload, limit);

    /// <summary>Sends what is queued, then ends.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_closing || _ended.IsCancellationRequested)
                return;
            _closing = true;
            _reason ??= "it was closed here";
            if (!_isOpen)
            {
                End("it was closed here");
                return;
            }
        }
        _queue.Complete();
        _handedOver.TrySetResult();
    }

    /// <summary>Ends now.</summary>
    public void End(string reason)
    {
        lock (_lock)
        {
            if (_ended.IsCancellationRequested)
                return;
            _reason ??= reason;
            _ended.Cancel();
            _socket?.Dispose();
        }
        _queue.Complete();
        _handedOver.TrySetResult();
    }

    /// <summary>Connects and shakes hands.</summary>
    /// <returns>The peer's certificate, or null where it came to nothing; <see cref="Reason"/> says why.</returns>
    public async Task<ReadOnlyMemory<byte>?> ConnectAsync(IPEndPoint remote, TimeSpan timeout)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        late.CancelAfter(timeout);
        try
        {
            AddressFamily family = options.Proxy is { } first ? ProxyDialer.EndPointOf(first).AddressFamily : remote.AddressFamily;
            var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
            if (!Own(socket))
                return null;
            SocketMarks.Apply(socket.SafeHandle, options.Mark, options.UnderlayDevice);
            if (options.Proxy is { } proxy)
                await ProxyDialer.ConnectAsync(socket, proxy, remote, late.Token).ConfigureAwait(false);
            else
                await socket.ConnectAsync(remote, late.Token).ConfigureAwait(false);
            return await ShakeAsync(socket, accepted: false, late.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            End(e is OperationCanceledException ? $"{remote} did not answer within {timeout.TotalSeconds:0.###} s" : $"{remote}: {Words(e)}");
            return null;
        }
    }

    /// <summary>Shakes hands with a peer that connected.</summary>
    public async Task<ReadOnlyMemory<byte>?> AcceptAsync(Socket socket)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        late.CancelAfter(options.HandshakeTimeout);
        try
        {
            return Own(socket) ? await ShakeAsync(socket, accepted: true, late.Token).ConfigureAwait(false) : null;
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            End(Words(e));
            return null;
        }
    }

    /// <summary>Carries frames until the stream ends.</summary>
    public async Task CarryAsync(bool accepted, Func<IStreamPacketSink?> packets)
    {
        Task writing = WriteAsync();
        try
        {
            if (accepted)
                await _handedOver.Task.WaitAsync(options.HandoverTimeout).ConfigureAwait(false);
            await ReadAsync(packets).ConfigureAwait(false);
            End("the peer closed it");
        }
        catch (TimeoutException)
        {
            End("nobody took it over");
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            End(Words(e));
        }
        finally
        {
            End("a frame could not be handled here");   // says nothing where a reason was given
            await writing.ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _tls?.Dispose();
        _socket?.Dispose();
        _ended.Dispose();
        _queue.Dispose();
    }

    private bool Own(Socket socket)
    {
        lock (_lock)
        {
            if (_ended.IsCancellationRequested)
            {
                socket.Dispose();
                return false;
            }
            _socket = socket;
        }
        socket.NoDelay = true;   // frames are gathered here already
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, optionValue: true);
        const int TcpLevel = 6, UserTimeout = 18;
        socket.SetRawSocketOption(TcpLevel, UserTimeout, BitConverter.GetBytes((int)options.UnacknowledgedTimeout.TotalMilliseconds));
        return true;
    }

    private async Task<ReadOnlyMemory<byte>?> ShakeAsync(Socket socket, bool accepted, CancellationToken cancelled)
    {
        _tls = new SslStream(new NetworkStream(socket, ownsSocket: false));
        var handshake = new TlsHandshake(options);
        await handshake.ShakeAsync(_tls, accepted, cancelled).ConfigureAwait(false);
        lock (_lock)
        {
            if (_ended.IsCancellationRequested)
                return null;
            _isOpen = true;
            return handshake.PeerCertificate;
        }
    }

    private async Task ReadAsync(Func<IStreamPacketSink?> packets)
    {
        var buffer = new FrameBuffer();
        while (await _tls!.ReadAsync(buffer.Free()).ConfigureAwait(false) is var length and > 0)
        {
            buffer.Filled(length);
            while (buffer.TryTake(out byte kind, out Memory<byte> payload))
            {
                if (Volatile.Read(ref _closing))
                    continue;   // read on only to see the peer's end
                if (kind == Frame.Packet)
                {
                    packets()?.PacketReceived(id, payload.Span);
                    continue;
                }
                while (!_controlFrames.TryTake(Stopwatch.GetElapsedTime(0)))
                    await Task.Delay(TimeSpan.FromMilliseconds(10), _ended.Token).ConfigureAwait(false);
                Owner.Tell(new FrameReceived(id, kind, payload.ToArray()));
            }
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            while (await _queue.TakeAsync().ConfigureAwait(false) is { IsEmpty: false } frames)
                await _tls!.WriteAsync(frames).ConfigureAwait(false);
            if (_ended.IsCancellationRequested)
                return;
            // An orderly close: our end is told, and the peer's awaited, since closing with octets unread would destroy those under way.
            await _tls!.ShutdownAsync().ConfigureAwait(false);
            _socket!.Shutdown(SocketShutdown.Send);
            await Task.Delay(options.CloseTimeout, _ended.Token).ConfigureAwait(false);
            End("the peer did not close its end");
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            End(Words(e));
        }
    }

    private static bool IsEndOfStream(Exception e) =>
        e is IOException or SocketException or AuthenticationException or ObjectDisposedException or OperationCanceledException;

    private static string Words(Exception e) => e switch
    {
        OperationCanceledException => "it took too long",
        CertificateRefusedException => e.Message,
        AuthenticationException { InnerException: { } inner } => inner.Message,
        { InnerException: SocketException socket } => socket.Message,
        _ => e.Message,
    };
}
