using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.Peers;

/// <summary>UDP port 326 of this machine: at the node's overlay address, at the first address of its subnet, and at <c>::1</c>.</summary>
/// <remarks>
/// Each address has a socket of its own, so that what comes over another link is not taken, and nodes of several networks can live on one machine. Only one of them hears a registry
/// that runs there, too: the first one that took <c>::1</c>; the others go on without.
/// </remarks>
public sealed class PeerPort : IPeerPort, IAsyncDisposable
{
    /// <summary>Datagrams that may wait for the receiver; what comes beyond is dropped and counted.</summary>
    public const int MaxUnhandled = 4096;

    private const int MaxDatagramLength = 65_535;
    private const int BufferOctets = 1024 * 1024;   // peers answer all at once after news; the kernel may grant less

    private const int Ipv6Level = 41, FreeBind = 78;

    private readonly CancellationTokenSource _end = new();
    private readonly Socket _own;
    private readonly Socket? _first;
    private readonly Socket? _loopback;
    private readonly List<Task> _receiving = [];
    private ActorRef? _receiver;
    private long _dropped;
    private long _failed;
    private int _unhandled;
    private int _isDisposed;

    private PeerPort(Socket own, Socket? first, Socket? loopback) => (_own, _first, _loopback) = (own, first, loopback);

    /// <summary>Whether a registry on this machine can be heard. False where another program has <c>[::1]:326</c>.</summary>
    public bool HearsLocal => _loopback is not null;

    /// <summary>Datagrams that came faster than they were handled.</summary>
    public long DroppedCount => Interlocked.Read(ref _dropped);

    /// <summary>Datagrams that could not be sent: no room, no way there.</summary>
    public long FailedCount => Interlocked.Read(ref _failed);

    /// <summary>Opens the sockets in the network namespace of the calling thread.</summary>
    /// <param name="own">The node's address, which the machine has.</param>
    /// <param name="first">The first address of its subnet, which the machine takes for its own, too; may be the same.</param>
    /// <param name="port">UDP port.</param>
    /// <exception cref="SocketException">An address is not there, or the port is taken.</exception>
    public static PeerPort Open(Ipv6Address own, Ipv6Address first, ushort port)
    {
        Socket? one = null, two = null, three = null;
        try
        {
            one = Bind(own, port);
            two = first == own ? null : Bind(first, port, isRouteOnly: true);
            three = TryBindLoopback(port);
            return new PeerPort(one, two, three);
        }
        catch
        {
            one?.Dispose();
            two?.Dispose();
            three?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Attach(ActorRef receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        if (Interlocked.Exchange(ref _receiver, receiver) is not null)
            return;
        foreach (Socket? socket in (ReadOnlySpan<Socket?>)[_own, _first, _loopback])
        {
            if (socket is not null)
                _receiving.Add(Task.Run(() => ReceiveAsync(socket)));
        }
    }

    /// <inheritdoc/>
    public void Handled() => Interlocked.Decrement(ref _unhandled);

    /// <inheritdoc/>
    public void Send(Ipv6Address to, ushort port, ReadOnlyMemory<byte> datagram)
    {
        try
        {
            Socket socket = to == Ipv6Address.Loopback && _loopback is not null ? _loopback : _own;
            socket.SendTo(datagram.Span, SocketFlags.None, new IPEndPoint(to.ToIPAddress(), port));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Interlocked.Increment(ref _failed);   // a datagram may be lost at any time
        }
    }

    /// <summary>Closes the sockets; nothing arrives any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_receiving).ConfigureAwait(false);
        _own.Dispose();
        _first?.Dispose();
        _loopback?.Dispose();
        _end.Dispose();
    }

    private static Socket Bind(Ipv6Address address, ushort port, bool isRouteOnly = false)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // An address that is the machine's by a route, and on no link, is bound to only where that is asked for (linux/in6.h: IPV6_FREEBIND).
            if (isRouteOnly)
                socket.SetRawSocketOption(Ipv6Level, FreeBind, BitConverter.GetBytes(1));
            socket.ReceiveBufferSize = BufferOctets;
            socket.Blocking = false;   // a full send buffer drops, as a network does
            socket.Bind(new IPEndPoint(address.ToIPAddress(), port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Socket? TryBindLoopback(ushort port)
    {
        try
        {
            return Bind(Ipv6Address.Loopback, port);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private async Task ReceiveAsync(Socket socket)
    {
        byte[] buffer = new byte[MaxDatagramLength];
        var anybody = new IPEndPoint(IPAddress.IPv6Any, 0);
        while (!_end.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, anybody, _end.Token).ConfigureAwait(false);
                Deliver((IPEndPoint)received.RemoteEndPoint, buffer.AsSpan(0, received.ReceivedBytes));
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
                // An ICMP error that an earlier datagram of ours met; each comes once.
                Interlocked.Increment(ref _failed);
            }
        }
    }

    private void Deliver(IPEndPoint from, ReadOnlySpan<byte> datagram)
    {
        if (!Ipv6Address.TryFrom(from.Address, out Ipv6Address address))
            return;
        if (Interlocked.Increment(ref _unhandled) > MaxUnhandled)
        {
            Interlocked.Decrement(ref _unhandled);
            Interlocked.Increment(ref _dropped);
            return;
        }

        _receiver!.Tell(new PeerDatagramReceived(address, (ushort)from.Port, datagram.ToArray()), sender: null);
    }
}
