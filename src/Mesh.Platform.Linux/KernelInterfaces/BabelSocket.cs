using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mesh.DataPlane;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Native;
using Mesh.Protocol.Addressing;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>UDP port 6696 of one link, multicast included (RFC 8966 section 4).</summary>
internal sealed class BabelSocket : IDisposable
{
    /// <summary>The group that every speaker on a link listens to.</summary>
    public static readonly IPAddress Group = IPAddress.Parse("ff02::1:6");

    private const int Port = 6696;
    private const int SocketLevel = 1, BindToLink = 62;   // SO_BINDTOIFINDEX, Linux 5.0
    private const int ReceiveBufferForce = 33, ReceiveBufferLength = 4 << 20;   // SO_RCVBUFFORCE; babeld sends its whole table in one burst, 200 packets for 10,000 routes
    private const int Ipv6Level = 41, UnicastHops = 16, MulticastLink = 17, MulticastHops = 18, MulticastLoop = 19, PacketInformation = 50, TrafficClass = 67;
    private const int NetworkControl = 0xC0;   // DSCP CS6, as babeld

    private readonly Socket _socket;
    private readonly int _link;
    private readonly Ipv6Address _address;

    private BabelSocket(Socket socket, int link, Ipv6Address address) => (_socket, _link, _address) = (socket, link, address);

    /// <summary>Opens it in the network namespace of the calling thread.</summary>
    /// <param name="link">The link's index.</param>
    /// <param name="address">From which is sent.</param>
    /// <exception cref="SocketException">There is no such link, or somebody else has the port there.</exception>
    public static BabelSocket Open(int link, Ipv6Address address)
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
            return new BabelSocket(socket, link, address);
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

    /// <summary>Sends a packet. Its source is said each time: a MAC covers it, and the kernel would choose among the link's addresses (IPV6_PKTINFO, RFC 3542 section 6.1).</summary>
    /// <exception cref="LinuxException">It is not sent.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public unsafe void Send(Ipv6Address to, ReadOnlySpan<byte> packet)
    {
        const int InformationLength = Ipv6Address.Length + sizeof(int);   // struct in6_pktinfo: the address, and the link's index
        const int ControlLength = 40;   // CMSG_SPACE of that
        byte* name = stackalloc byte[SocketAddress6.Length];
        byte* control = stackalloc byte[ControlLength];
        new Span<byte>(control, ControlLength).Clear();
        SocketAddress6.Write(name, new DatagramEndpoint(to.Value, Port, (uint)_link));
        *(Libc.ControlHeader*)control = new Libc.ControlHeader { Length = (nuint)(sizeof(Libc.ControlHeader) + InformationLength), Level = Ipv6Level, Type = PacketInformation };
        _address.Write(new Span<byte>(control + sizeof(Libc.ControlHeader), Ipv6Address.Length));
        *(int*)(control + sizeof(Libc.ControlHeader) + Ipv6Address.Length) = _link;
        bool isHeld = false;
        try
        {
            _socket.SafeHandle.DangerousAddRef(ref isHeld);
            Send((int)_socket.SafeHandle.DangerousGetHandle(), packet, name, control, ControlLength);
        }
        finally
        {
            if (isHeld)
                _socket.SafeHandle.DangerousRelease();
        }
    }

    private static unsafe void Send(int descriptor, ReadOnlySpan<byte> packet, byte* name, byte* control, int controlLength)
    {
        fixed (byte* start = packet)
        {
            var part = new Libc.IoVector { Start = start, Length = (nuint)packet.Length };
            var message = new Libc.MultiMessageHeader
            {
                Header = new Libc.MessageHeader { Name = name, NameLength = SocketAddress6.Length, Parts = &part, PartCount = 1, Control = control, ControlLength = (nuint)controlLength },
            };
            if (Libc.SendMessages(descriptor, &message, 1, Libc.DontSignal) < 0)
                throw new LinuxException("send", "a routing packet", Marshal.GetLastPInvokeError());
        }
    }

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
