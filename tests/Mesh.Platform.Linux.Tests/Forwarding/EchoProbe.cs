using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Platform.Linux.Tests.Forwarding;

/// <summary>Pings from inside a namespace, through a raw ICMPv6 socket.</summary>
internal sealed class EchoProbe : IDisposable
{
    private const byte EchoRequest = 128;
    private readonly Socket _socket;

    public EchoProbe(NetworkNamespace space)
    {
        _socket = space.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6));
        _socket.ReceiveTimeout = 10_000;
    }

    /// <summary>Sends an Echo Request.</summary>
    public void Send(string to, ushort sequence, int payloadLength)
    {
        var message = new byte[8 + payloadLength];
        message[0] = EchoRequest;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), sequence);
        _socket.SendTo(message, new IPEndPoint(IPAddress.Parse(to), 0));
    }

    /// <summary>Waits for an ICMPv6 message of a type, passing over others.</summary>
    /// <returns>The message.</returns>
    public byte[] Receive(byte type, out IPAddress from)
    {
        var buffer = new byte[2048];
        EndPoint sender = new IPEndPoint(IPAddress.IPv6Any, 0);
        while (true)
        {
            int length = _socket.ReceiveFrom(buffer, ref sender);
            if (buffer[0] == type)
            {
                from = ((IPEndPoint)sender).Address;
                return buffer[..length];
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
