using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using Mesh.DataPlane;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>A UDP socket for IPv6 and, through mapped addresses, IPv4, that names senders without allocating. Reads and writes never wait.</summary>
/// <remarks>Made in the network namespace of the calling thread, where it stays. struct sockaddr_in6:
/// <code>family u16 | port u16, big-endian | flow u32 | address, 16 octets | scope u32</code></remarks>
internal sealed unsafe class UdpSocket : IDisposable
{
    private const int Inet6 = 10, DatagramType = 2;
    private const int SocketLevel = 1, ReceiveBufferForced = 33, SendBufferForced = 32, ReceiveBuffer = 8, SendBuffer = 7;
    private const int Ipv6Level = 41, OnlyIpv6 = 26;
    private const int DontSignal = 0x4000;
    private const int AddressLength = 28;

    public UdpSocket(IPEndPoint local, int bufferOctets)
    {
        Descriptor = Descriptor.Checked(Libc.Socket(Inet6, DatagramType | Libc.NonBlocking | Libc.CloseOnExec, 0), "open", "a UDP socket");
        try
        {
            SetOption(Ipv6Level, OnlyIpv6, 0);
            // Beyond the system's limit where we may, up to it where we may not.
            if (SetOption(SocketLevel, ReceiveBufferForced, bufferOctets) < 0)
                SetOption(SocketLevel, ReceiveBuffer, bufferOctets);
            if (SetOption(SocketLevel, SendBufferForced, bufferOctets) < 0)
                SetOption(SocketLevel, SendBuffer, bufferOctets);

            byte* address = stackalloc byte[AddressLength];
            Write(address, DatagramEndpoint.From(local));
            if (Libc.Bind(Descriptor.Number, address, AddressLength) < 0)
                throw LinuxException.FromLastError("receive datagrams at", local.ToString());
            uint length = AddressLength;
            _ = Libc.GetSocketName(Descriptor.Number, address, &length);
            LocalEndpoint = Read(address).ToIPEndPoint();
        }
        catch
        {
            Descriptor.Dispose();
            throw;
        }
    }

    public Descriptor Descriptor { get; }

    public IPEndPoint LocalEndpoint { get; }

    /// <summary>Receives one datagram.</summary>
    /// <returns>Its length, or -1 where none is waiting.</returns>
    /// <exception cref="LinuxException">The socket is gone.</exception>
    public int Receive(Span<byte> buffer, out DatagramEndpoint from)
    {
        byte* address = stackalloc byte[AddressLength];
        uint addressLength = AddressLength;
        fixed (byte* start = buffer)
        {
            nint length = Libc.ReceiveFrom(Descriptor.Number, start, (nuint)buffer.Length, 0, address, &addressLength);
            if (length < 0 && Marshal.GetLastPInvokeError() == Errno.BadDescriptor)
                throw LinuxException.FromLastError("receive datagrams at", LocalEndpoint.ToString());
            from = length < 0 ? default : Read(address);   // other errors are those of earlier sends (ICMP): told once, and over
            return (int)length;
        }
    }

    /// <summary>Sends one datagram.</summary>
    /// <returns>False where it was not taken: no room, no way there, or too long.</returns>
    public bool TrySend(in DatagramEndpoint to, ReadOnlySpan<byte> datagram)
    {
        byte* address = stackalloc byte[AddressLength];
        Write(address, to);
        fixed (byte* start = datagram)
            return Libc.SendTo(Descriptor.Number, start, (nuint)datagram.Length, DontSignal, address, AddressLength) == datagram.Length;
    }

    public void Dispose() => Descriptor.Dispose();

    private static void Write(byte* address, in DatagramEndpoint endpoint)
    {
        var octets = new Span<byte>(address, AddressLength);
        octets.Clear();
        MemoryMarshal.Write(octets, (ushort)Inet6);
        BinaryPrimitives.WriteUInt16BigEndian(octets[2..], endpoint.Port);
        BinaryPrimitives.WriteUInt128BigEndian(octets[8..], endpoint.Address);
        MemoryMarshal.Write(octets[24..], endpoint.ScopeId);
    }

    private static DatagramEndpoint Read(byte* address)
    {
        var octets = new ReadOnlySpan<byte>(address, AddressLength);
        return new DatagramEndpoint(
            BinaryPrimitives.ReadUInt128BigEndian(octets[8..]), BinaryPrimitives.ReadUInt16BigEndian(octets[2..]), MemoryMarshal.Read<uint>(octets[24..]));
    }

    private int SetOption(int level, int name, int value) => Libc.SetSocketOption(Descriptor.Number, level, name, (byte*)&value, sizeof(int));
}
