using System.Net;
using System.Runtime.InteropServices;
using Mesh.DataPlane;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>A UDP socket for IPv6 and, through mapped addresses, IPv4, that names senders without allocating. Reads and writes never wait.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. Datagrams are never fragmented: one that is longer than the path carries is refused or
/// lost, which path MTU discovery needs (IPV6_PMTUDISC_PROBE).</remarks>
internal sealed unsafe class UdpSocket : IDisposable
{
    private const int DatagramType = 2;
    private const int SocketLevel = 1, ReceiveBufferForced = 33, SendBufferForced = 32, ReceiveBuffer = 8, SendBuffer = 7;
    private const int Ipv6Level = 41, OnlyIpv6 = 26, Ipv6MtuDiscover = 23, Ipv4Level = 0, Ipv4MtuDiscover = 10, DiscoverByProbing = 3;
    private const int UdpLevel = 17, UdpSegment = 103, UdpGro = 104;
    private const int ControlLength = 64;

    public UdpSocket(IPEndPoint local, LinuxDataPlaneOptions options)
    {
        Descriptor = Descriptor.Checked(Libc.Socket(SocketAddress6.Family, DatagramType | Libc.NonBlocking | Libc.CloseOnExec, 0), "open", "a UDP socket");
        try
        {
            SetOption(Ipv6Level, OnlyIpv6, 0);
            SetOption(Ipv6Level, Ipv6MtuDiscover, DiscoverByProbing);
            SetOption(Ipv4Level, Ipv4MtuDiscover, DiscoverByProbing);
            // Beyond the system's limit where we may, up to it where we may not.
            if (SetOption(SocketLevel, ReceiveBufferForced, options.SocketBufferOctets) < 0)
                SetOption(SocketLevel, ReceiveBuffer, options.SocketBufferOctets);
            if (SetOption(SocketLevel, SendBufferForced, options.SocketBufferOctets) < 0)
                SetOption(SocketLevel, SendBuffer, options.SocketBufferOctets);
            SocketMarks.Apply(Descriptor, options.Mark, options.UnderlayDevice);
            if (options.Offload)
            {
                SendsSegments = SetOption(UdpLevel, UdpSegment, 0) == 0;   // Linux 4.18
                SetOption(UdpLevel, UdpGro, 1);   // Linux 5.0; without it each datagram comes alone
            }

            byte* address = stackalloc byte[SocketAddress6.Length];
            SocketAddress6.Write(address, DatagramEndpoint.From(local));
            if (Libc.Bind(Descriptor.Number, address, SocketAddress6.Length) < 0)
                throw LinuxException.FromLastError("receive datagrams at", local.ToString());
            uint length = SocketAddress6.Length;
            _ = Libc.GetSocketName(Descriptor.Number, address, &length);
            LocalEndpoint = SocketAddress6.Read(address).ToIPEndPoint();
        }
        catch
        {
            Descriptor.Dispose();
            throw;
        }
    }

    public Descriptor Descriptor { get; }

    public IPEndPoint LocalEndpoint { get; }

    /// <summary>Whether the kernel cuts one long send into datagrams (UDP_SEGMENT).</summary>
    public bool SendsSegments { get; }

    /// <summary>Receives one datagram, or several of equal length (but for the last) that came from one sender.</summary>
    /// <param name="buffer">Where to, not moved by the garbage collector.</param>
    /// <param name="capacity">Its length.</param>
    /// <param name="from">The sender.</param>
    /// <param name="datagramLength">The length of each but the last.</param>
    /// <returns>The length of all, or -1 where none is waiting.</returns>
    /// <exception cref="LinuxException">The socket is gone.</exception>
    public int Receive(byte* buffer, int capacity, out DatagramEndpoint from, out int datagramLength)
    {
        byte* address = stackalloc byte[SocketAddress6.Length];
        byte* control = stackalloc byte[ControlLength];
        var part = new Libc.IoVector { Start = buffer, Length = (nuint)capacity };
        var message = new Libc.MessageHeader
        {
            Name = address,
            NameLength = SocketAddress6.Length,
            Parts = &part,
            PartCount = 1,
            Control = control,
            ControlLength = ControlLength,
        };
        int length = (int)Libc.ReceiveMessage(Descriptor.Number, &message, 0);
        if (length < 0 && Marshal.GetLastPInvokeError() == Errno.BadDescriptor)
            throw LinuxException.FromLastError("receive datagrams at", LocalEndpoint.ToString());
        (from, datagramLength) = (default, length);
        if (length < 0)
            return length;   // other errors are those of earlier sends (ICMP): told once, and over
        from = SocketAddress6.Read(address);
        var header = (Libc.ControlHeader*)control;
        if (message.ControlLength >= (nuint)(sizeof(Libc.ControlHeader) + sizeof(int)) && header->Level == UdpLevel && header->Type == UdpGro)
            datagramLength = Math.Max(*(int*)(header + 1), 1);
        return length;
    }

    /// <summary>Sends one datagram.</summary>
    /// <returns>False where it was not taken: no room, no way there, or too long.</returns>
    public bool TrySend(in DatagramEndpoint to, ReadOnlySpan<byte> datagram)
    {
        byte* address = stackalloc byte[SocketAddress6.Length];
        SocketAddress6.Write(address, to);
        fixed (byte* start = datagram)
            return Libc.SendTo(Descriptor.Number, start, (nuint)datagram.Length, Libc.DontSignal, address, SocketAddress6.Length) == datagram.Length;
    }

    public void Dispose() => Descriptor.Dispose();

    private int SetOption(int level, int name, int value) => Libc.SetSocketOption(Descriptor.Number, level, name, (byte*)&value, sizeof(int));
}
