using System.Net;
using System.Net.Sockets;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>UDP port 6696 of one link, multicast included (RFC 8966 section 4).</summary>
internal sealed class BabelSocket : IDisposable
{
    /// <summary>The group that every speaker on a link listens to.</summary>
    public static readonly IPAddress Group = IPAddress.Parse("ff02::1:6");

    private const int Port = 6696;
    private const int SocketLevel = 1, BindToLink = 62;   // SO_BINDTOIFINDEX, Linux 5.0
    private const int ReceiveBufferForce = 33, ReceiveBufferLength = 4 << 20;   // SO_RCVBUFFORCE; babeld sends its whole table in one burst, 200 packets for 10,000 routes
    private const int Ipv6Level = 41, UnicastHops = 16, MulticastLink = 17, MulticastHops = 18, MulticastLoop = 19, TrafficClass = 67;
    private const int NetworkControl = 0xC0;   // DSCP CS6, as babeld

    private readonly Socket _socket;
    private readonly int _link;

    private BabelSocket(Socket socket, int link) => (_socket, _link) = (socket, link);

    /// <summary>Opens it in the network namespace of the calling thread.</summary>
    /// <exception cref="SocketException">There is no such link, or somebody else has the port there.</exception>
    public static BabelSocket Open(int link)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);   // a routing daemon may have the port on other links
            Set(socket, SocketLevel, BindToLink, link);
            Set(socket, Ipv6Level, UnicastHops, 1);
            Set(socket, Ipv6Level, MulticastHops, 1);
            Set(socket, Ipv6Level, MulticastLoop, 0);
            Set(socket, Ipv6Level, MulticastLink, link);
            Set(socket, Ipv6Level, TrafficClass, NetworkControl);
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.PacketInformation, optionValue: true);
            Enlarge(socket);
            socket.Blocking = false;   // a full send buffer drops, as a network does
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, Port));
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(Group, link));
            return new BabelSocket(socket, link);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a packet from port 6696.</summary>
    /// <returns>Its source, its destination and its length.</returns>
    public async Task<(IPAddress From, IPAddress To, int Length)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var anybody = new IPEndPoint(IPAddress.IPv6Any, 0);
        while (true)
        {
            SocketReceiveMessageFromResult received = await _socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, anybody, cancellation).ConfigureAwait(false);
            if (received.RemoteEndPoint is IPEndPoint { Port: Port } from)
                return (from.Address, received.PacketInformation.Address, received.ReceivedBytes);
        }
    }

    /// <summary>Sends a packet.</summary>
    /// <exception cref="SocketException">It is not sent.</exception>
    public void Send(IPAddress to, ReadOnlySpan<byte> packet) =>
        _socket.SendTo(packet, SocketFlags.None, new IPEndPoint(new IPAddress(to.GetAddressBytes(), _link), Port));

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    // Beyond the machine's limit where that is allowed; the wish is no reason to fail.
    private static void Enlarge(Socket socket)
    {
        try
        {
            Set(socket, SocketLevel, ReceiveBufferForce, ReceiveBufferLength);
        }
        catch (SocketException)
        {
            socket.ReceiveBufferSize = ReceiveBufferLength;
        }
    }

    private static void Set(Socket socket, int level, int option, int value) => socket.SetRawSocketOption(level, option, BitConverter.GetBytes(value));
}
