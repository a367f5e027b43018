using System.Runtime.InteropServices;
using Mesh.DataPlane;
using Mesh.DataPlane.Offload;
using Mesh.DataPlane.Sealing;
using Mesh.Platform.Linux.Tun;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>One forwarding thread's way through the engine: what it reads, and what it has collected to send.</summary>
internal sealed unsafe class ForwardingLane : IPacketOutput, IDisposable
{
    // The longest packet behind its header; a receive call may bring as much as one UDP datagram can hold.
    private const int BufferLength = SealedDatagram.MaxPlaintextLength + SealedDatagram.Overhead + VirtioNetHeader.Length + 1;

    private const int SinglesInTurn = 64;

    private readonly TunDevice _device;
    private readonly UdpSocket _socket;
    private readonly DataPlaneEngine _engine;
    private readonly IStreamPackets? _streams;
    private readonly DatagramBatch _datagrams;
    private readonly HostBatch _toHost;
    private int _singles;
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(BufferLength);

    public ForwardingLane(TunDevice device, UdpSocket socket, DataPlaneEngine engine, IStreamPackets? streams)
    {
        (_device, _socket, _engine, _streams) = (device, socket, engine, streams);
        _datagrams = new DatagramBatch(socket, engine);
        _toHost = new HostBatch(device, engine);
    }

    /// <summary>Takes one packet or super-packet from the device.</summary>
    /// <returns>False where none is waiting; all that was collected is sent then.</returns>
    public bool MoveFromDevice(TimeSpan now)
    {
        int length = _device.Read(new Span<byte>(_buffer, BufferLength));
        if (length == 0)
        {
            _datagrams.Flush();
            _singles = 0;
            return false;
        }
        var read = new Span<byte>(_buffer, length);
        if (VirtioNetHeader.TryRead(read, out VirtioNetHeader offload))
        {
            _singles = offload.Kind == SegmentationKind.None ? _singles + 1 : 0;
            _engine.HandleHostPacket(offload, read[VirtioNetHeader.Length..], now, this);
        }
        else
            _engine.CountDropped(DropReason.MalformedPacket, 1);
        _datagrams.FlushIfFull();
        return true;
    }

    /// <summary>Takes what one receive call brings from the socket.</summary>
    /// <returns>False where nothing is waiting; all that was collected is sent then.</returns>
    public bool MoveFromSocket(TimeSpan now)
    {
        int length = _socket.Receive(_buffer, BufferLength, out DatagramEndpoint from, out int each);
        if (length < 0)
        {
            _datagrams.Flush();
            return false;
        }
        for (int offset = 0; offset < length; offset += each)
            _engine.HandleDatagram(new Span<byte>(_buffer + offset, Math.Min(each, length - offset)), from, now, this);
        _toHost.Flush();   // the next call overwrites what these packets lie in
        _datagrams.FlushIfFull();
        return true;
    }

    /// <summary>Sends all that was collected.</summary>
    public void Flush() => _datagrams.Flush();

    /// <summary>Lets others run where packets come one by one and faster than they are moved: whoever makes them and whoever takes them need a processor, too, and a flood would
    /// starve the program that it is for. Long streams come as super-packets, and sleep by themselves.</summary>
    public void GiveWay()
    {
        if (_singles < SinglesInTurn)
            return;
        _singles = 0;
        Thread.Yield();
    }

    public bool WriteToHost(ReadOnlySpan<byte> packet)
    {
        _toHost.Flush();
        return _device.TryWrite(packet);
    }

    public bool DeliverToHost(Span<byte> packet)
    {
        _toHost.Add(packet);
        return true;
    }

    public Span<byte> RoomFor(in DatagramEndpoint to, int length) => _datagrams.RoomFor(length);

    public bool SendDatagram(in DatagramEndpoint to, ReadOnlySpan<byte> datagram)
    {
        _datagrams.Add(to, datagram);
        return true;
    }

    public bool SendOnStream(StreamId stream, ReadOnlySpan<byte> packet) => _streams?.TrySendPacket(stream, packet) ?? false;

    public void Dispose()
    {
        _datagrams.Dispose();
        _toHost.Dispose();
        NativeMemory.Free(_buffer);
    }
}
