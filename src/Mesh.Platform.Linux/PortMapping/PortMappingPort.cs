using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.PortMapping;

namespace Mesh.Platform.Linux.PortMapping;

/// <summary>The gateway of the network namespace in which this was made, where it stays.</summary>
/// <remarks>Questions to the kernel, sockets and the tool are the business of one thread, <c>mesh-gateway</c>; what waits there is done in order.</remarks>
[SupportedOSPlatform("linux")]
public sealed class PortMappingPort : IPortMappingPort, IDisposable
{
    /// <summary>Datagrams that may wait for the receiver; what comes beyond is dropped and counted.</summary>
    public const int MaxUnhandled = 64;

    private const int MaxWaiting = 256;
    private const int MaxDatagram = 2048;   // PCP has 1,100 at the most
    private const int IpLevel = 0, ReceiveErrors = 11;   // linux/in.h: IP_RECVERR, so that a port where nobody listens is told to a socket that is not connected
    private static readonly IPAddress AllHosts = IPAddress.Parse("224.0.0.1");

    private readonly PortMappingPortOptions _options;
    private readonly BlockingCollection<Action> _work = new(MaxWaiting);
    private readonly Thread _thread;
    private readonly CancellationTokenSource _stop = new();
    private Attachment? _attached;
    private long _dropped;
    private int _unhandled;
    private bool _disposed;

    /// <summary>Makes one for the network namespace of the calling thread.</summary>
    public PortMappingPort(PortMappingPortOptions options)
    {
        _options = options;
        _thread = new Thread(Work) { IsBackground = true, Name = "mesh-gateway" };
        _thread.Start();
    }

    /// <summary>Datagrams that came faster than they were handled.</summary>
    public long DroppedCount => Interlocked.Read(ref _dropped);

    /// <inheritdoc/>
    public void FindGateway(ActorRef replyTo)
    {
        ArgumentNullException.ThrowIfNull(replyTo);
        Do(() => replyTo.Tell(Find()));
    }

    /// <inheritdoc/>
    public void Attach(Gateway gateway, ActorRef receiver)
    {
        ArgumentNullException.ThrowIfNull(gateway);
        ArgumentNullException.ThrowIfNull(receiver);
        Do(() => AttachNow(gateway, receiver));
    }

    /// <inheritdoc/>
    public void Send(ReadOnlyMemory<byte> datagram) => Do(() => Volatile.Read(ref _attached)?.Send(datagram));

    /// <inheritdoc/>
    public void Handled() => Interlocked.Decrement(ref _unhandled);

    /// <inheritdoc/>
    public void Run(UpnpCommand command, ActorRef replyTo)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(replyTo);
        Do(() => RunNow(command, replyTo));
    }

    /// <summary>Kills the tool where it runs, and closes the sockets.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        _stop.Cancel();
        _work.CompleteAdding();
        _thread.Join();
        _attached?.Dispose();
        _work.Dispose();
        _stop.Dispose();
    }

    private void Do(Action work)
    {
        // What does not fit, or comes when we are gone, is lost like a datagram; whoever waits for an outcome has a timer.
        try
        {
            if (!Volatile.Read(ref _disposed) && _work.TryAdd(work))
                return;
        }
        catch (InvalidOperationException)
        {
            // Gone just now.
        }

        Interlocked.Increment(ref _dropped);
    }

    private void Work()
    {
        foreach (Action work in _work.GetConsumingEnumerable())
            work();
    }

    private object Find()
    {
        try
        {
            IPAddress? gateway = _options.Gateway ?? DefaultGateway();
            if (gateway is null)
                return new GatewayMissing("there is no default route to a gateway");
            // The kernel says which address it would send from; nothing is sent.
            using Socket probe = MakeSocket();
            probe.Bind(new IPEndPoint(_options.Local ?? IPAddress.Any, 0));
            probe.Connect(gateway, PcpMessage.ServerPort);
            return new GatewayFound(new Gateway(gateway, ((IPEndPoint)probe.LocalEndPoint!).Address));
        }
        catch (Exception e) when (e is SocketException or LinuxException or InvalidDataException)
        {
            return new GatewayMissing($"the gateway cannot be found: {e.Message.TrimEnd('.')}");
        }
    }

    private IPAddress? DefaultGateway()
    {
        using var netlink = RouteNetlink.Open();
        int? device = string.IsNullOrEmpty(_options.UnderlayDevice) ? null : netlink.GetLink(_options.UnderlayDevice).Index;
        return netlink.Ipv4Routes()
            .Where(route => route is { Kind: KernelRouteKind.Unicast, Length: 0, Table: KernelRoute.MainTable, Gateway: not null } && (device is null || route.Link == device))
            .MinBy(static route => route.Metric)?.Gateway;
    }

    private Socket MakeSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            SocketMarks.Apply(socket.SafeHandle, _options.Mark, _options.UnderlayDevice);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void AttachNow(Gateway gateway, ActorRef receiver)
    {
        _attached?.Dispose();
        Volatile.Write(ref _attached, null);
        Socket? own = null;
        try
        {
            own = MakeSocket();
            own.Blocking = false;
            own.SetRawSocketOption(IpLevel, ReceiveErrors, BitConverter.GetBytes(1));
            own.Bind(new IPEndPoint(gateway.Local, 0));
            Volatile.Write(ref _attached, new Attachment(this, gateway, receiver, own, TryHearAnnouncements()));
        }
        catch (Exception e) when (e is SocketException or LinuxException)
        {
            own?.Dispose();
            receiver.Tell(new GatewayRefused($"{gateway.Local} cannot be used: {e.Message.TrimEnd('.')}"));
        }
    }

    // Without it, a restart of the gateway is noticed at the next question.
    private Socket? TryHearAnnouncements()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);   // other programs listen there, too
            socket.Bind(new IPEndPoint(AllHosts, PcpMessage.ClientPort));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    private void RunNow(UpnpCommand command, ActorRef replyTo)
    {
        try
        {
            replyTo.Tell(new UpnpRan(command, UpnpcTool.Run(_options.Program, command, _options.Patience, _stop.Token)));
        }
        catch (Exception e)   // whatever it is, whoever asked has to hear of the end
        {
            replyTo.Tell(new UpnpFailed(command, e.Message.TrimEnd('.')));
        }
    }

    private void Deliver(ActorRef receiver, IPEndPoint from, ReadOnlySpan<byte> datagram, bool isAnnouncement)
    {
        if (Interlocked.Increment(ref _unhandled) > MaxUnhandled)
        {
            Interlocked.Decrement(ref _unhandled);
            Interlocked.Increment(ref _dropped);
            return;
        }

        receiver.Tell(new GatewayDatagram(from, datagram.ToArray(), isAnnouncement));
    }

    /// <summary>The sockets towards one gateway, and who hears what comes in.</summary>
    private sealed class Attachment : IDisposable
    {
        private readonly PortMappingPort _port;
        private readonly IPEndPoint _gateway;
        private readonly ActorRef _receiver;
        private readonly Socket _own;
        private readonly Socket? _announcements;
        private readonly CancellationTokenSource _end = new();

        public Attachment(PortMappingPort port, Gateway gateway, ActorRef receiver, Socket own, Socket? announcements)
        {
            (_port, _gateway, _receiver, _own, _announcements) = (port, new IPEndPoint(gateway.Address, PcpMessage.ServerPort), receiver, own, announcements);
            _ = ReceiveAsync(own, isAnnouncement: false);
            if (announcements is not null)
                _ = ReceiveAsync(announcements, isAnnouncement: true);
        }

        public void Send(ReadOnlyMemory<byte> datagram)
        {
            try
            {
                _own.SendTo(datagram.Span, SocketFlags.None, _gateway);
            }
            catch (SocketException e)
            {
                Refused(e);
            }
        }

        public void Dispose()
        {
            _end.Cancel();
            _own.Dispose();
            _announcements?.Dispose();
            _end.Dispose();
        }

        private void Refused(SocketException e) => _receiver.Tell(new GatewayRefused(e.SocketErrorCode == SocketError.ConnectionRefused
            ? $"nobody listens at {_gateway}" : $"nothing can be sent to {_gateway}: {e.Message.TrimEnd('.')}"));

        private async Task ReceiveAsync(Socket socket, bool isAnnouncement)
        {
            CancellationToken end = _end.Token;
            byte[] buffer = new byte[MaxDatagram];
            var anybody = new IPEndPoint(IPAddress.Any, 0);
            while (!end.IsCancellationRequested)
            {
                try
                {
                    SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, anybody, end).ConfigureAwait(false);
                    _port.Deliver(_receiver, (IPEndPoint)received.RemoteEndPoint, buffer.AsSpan(0, received.ReceivedBytes), isAnnouncement);
                }
                catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
                {
                    return;
                }
                catch (SocketException e)
                {
                    if (end.IsCancellationRequested)
                        return;
                    Refused(e);
                    // An error that stays must not keep a processor busy.
                    await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None).ConfigureAwait(false);
                }
            }
        }
    }
}
