using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Protocol.Registry;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Http.LocalNode;

/// <summary>The node on the same machine, over UDP from a port that the system chose.</summary>
/// <remarks>The socket is connected: what comes from anywhere but the node's own port, the kernel drops. A node that is not there shows as refused datagrams only.</remarks>
public sealed class UdpLocalNode : ILocalNodePort, IAsyncDisposable
{
    private const int MaxDatagramLength = 65_535;
    private const int BufferLength = 1024 * 1024;   // answers of many nodes come at once; the kernel may grant less

    private readonly Socket _socket = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _receiving;
    private volatile ActorRef? _receiver;
    private long _failed;
    private int _isDisposed;

    private UdpLocalNode(int port)
    {
        _socket.ReceiveBufferSize = BufferLength;
        _socket.Connect(IPAddress.IPv6Loopback, port);
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Opens the socket. Whether there is a node does not matter.</summary>
    /// <param name="port">The node's port at <c>::1</c>.</param>
    /// <exception cref="SocketException">This machine has no IPv6.</exception>
    public static UdpLocalNode Open(int port = LocalDatagram.NodePort)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        return new UdpLocalNode(port);
    }

    /// <summary>Datagrams that could not be sent, or that the machine refused because nobody listens.</summary>
    public long FailedCount => Interlocked.Read(ref _failed);

    /// <inheritdoc/>
    public void Attach(ActorRef receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        _receiver = receiver;
    }

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> datagram)
    {
        try
        {
            _ = _socket.Send(datagram.Span, SocketFlags.None);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Refused is what the datagram before this one met; this one was not sent.
            _ = Interlocked.Increment(ref _failed);
            _receiver?.Tell(new LocalNodeAbsent(), sender: null);
        }
    }

    /// <summary>Closes the socket; nothing arrives any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _end.CancelAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _socket.Dispose();
        _end.Dispose();
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[MaxDatagramLength];
        while (!_end.IsCancellationRequested)
        {
            try
            {
                int length = await _socket.ReceiveAsync(buffer.AsMemory(), _end.Token).ConfigureAwait(false);
                _receiver?.Tell(new LocalDatagramReceived(buffer.AsMemory(0, length).ToArray()), sender: null);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Nobody listens; each datagram brings at most one such answer, so this does not spin.
                _ = Interlocked.Increment(ref _failed);
                _receiver?.Tell(new LocalNodeAbsent(), sender: null);
            }
        }
    }
}
