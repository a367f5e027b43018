using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Native;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>The routing protocol's sockets on links of this machine, and the kernel's routes over them, in the network namespace of this process.</summary>
public sealed class KernelLinkPort : IKernelLinkPort, IDisposable
{
    /// <summary>Packets of one link that are taken in a second; what comes beyond is dropped and counted.</summary>
    public const int MaxPacketsPerSecond = 2000;

    private const int MaxPacketLength = 65_535;

    private readonly ConcurrentDictionary<int, (BabelSocket Socket, CancellationTokenSource End)> _links = new();
    private readonly KernelRoutes _routes;
    private long _dropped;
    private long _failed;

    /// <summary>Makes a port without links.</summary>
    /// <param name="dataPlane">The index of the data plane's TUN device.</param>
    /// <param name="source">The node's address, which its own packets have.</param>
    /// <param name="log">Gets what goes wrong with routes.</param>
    public KernelLinkPort(int dataPlane, IPAddress source, Action<LogLevel, string> log) => _routes = new KernelRoutes(dataPlane, source, log);

    /// <summary>Packets that came faster than they are taken.</summary>
    public long DroppedCount => Interlocked.Read(ref _dropped);

    /// <summary>Packets that could not be sent.</summary>
    public long FailedCount => Interlocked.Read(ref _failed);

    /// <inheritdoc/>
    public void Open(int link, Ipv6Address address, ActorRef owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        Close(link);
        try
        {
            var socket = BabelSocket.Open(link, address);
            var end = new CancellationTokenSource();
            _links[link] = (socket, end);
            _ = Task.Run(() => ReceiveAsync(link, socket, owner, end.Token));
        }
        catch (SocketException e)
        {
            owner.Tell(new KernelLinkFailed(link, $"routing packets cannot be exchanged on link {link}: {e.Message.TrimEnd('.')}"));
        }
    }

    /// <inheritdoc/>
    public void Send(int link, Ipv6Address to, ReadOnlyMemory<byte> packet)
    {
        try
        {
            if (_links.TryGetValue(link, out (BabelSocket Socket, CancellationTokenSource End) open))
                open.Socket.Send(to, packet.Span);
        }
        catch (Exception e) when (e is LinuxException or ObjectDisposedException)
        {
            Interlocked.Increment(ref _failed);   // a packet may be lost at any time
        }
    }

    /// <inheritdoc/>
    public void Close(int link)
    {
        if (!_links.TryRemove(link, out (BabelSocket Socket, CancellationTokenSource End) open))
            return;
        open.End.Cancel();
        open.Socket.Dispose();
        open.End.Dispose();
    }

    /// <inheritdoc/>
    public void Publish(ImmutableArray<KernelHopRoute> routes) => _routes.Want(routes);

    /// <summary>Closes the sockets and removes the routes.</summary>
    public void Dispose()
    {
        foreach (int link in _links.Keys)
            Close(link);
        _routes.Dispose();
    }

    private async Task ReceiveAsync(int link, BabelSocket socket, ActorRef owner, CancellationToken end)
    {
        byte[] buffer = new byte[MaxPacketLength];
        long second = 0;
        int taken = 0;
        while (!end.IsCancellationRequested)
        {
            try
            {
                (IPAddress from, IPAddress to, int length) = await socket.ReceiveAsync(buffer, end).ConfigureAwait(false);
                if (Stopwatch.GetTimestamp() / Stopwatch.Frequency is var now && now != second)
                    (second, taken) = (now, 0);
                if (++taken > MaxPacketsPerSecond)
                    Interlocked.Increment(ref _dropped);
                else if (Ipv6Address.TryFrom(from, out Ipv6Address source) && Ipv6Address.TryFrom(to, out Ipv6Address destination))
                    owner.Tell(new KernelLinkPacket(link, source, destination, buffer.AsSpan(0, length).ToArray()));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (end.IsCancellationRequested || e.SocketErrorCode is SocketError.OperationAborted)
            {
                return;
            }
            catch (SocketException e)
            {
                owner.Tell(new KernelLinkFailed(link, $"routing packets are not received on link {link} any more: {e.Message.TrimEnd('.')}"));
                return;
            }
        }
    }
}
