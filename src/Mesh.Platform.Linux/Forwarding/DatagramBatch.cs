using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mesh.DataPlane;
using Mesh.DataPlane.Sealing;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>Collects datagrams and sends them with one call (sendmmsg); those of equal length to one place as one message that the kernel cuts (UDP_SEGMENT).
/// Used by one thread.</summary>
/// <remarks><code>
///  buffer    | datagram | datagram | datagram | short one || datagram | ...
///  messages  |------- one message, to A -------|| to B     | ...
/// </code></remarks>
internal sealed unsafe class DatagramBatch : IDisposable
{
    private const int MaxMessages = 64;
    private const int MaxSegments = 64;   // UDP_MAX_SEGMENTS before Linux 6.9
    private const int MaxMessageLength = 65_507;   // of UDP over IPv4
    private const int Capacity = 4 * 65_536;
    private const int EnoughDatagrams = 64;
    private const int UdpLevel = 17, UdpSegment = 103;
    private const int ControlLength = 24;   // CMSG_SPACE(sizeof(uint16_t))
    private const int WaitMilliseconds = 2;

    private readonly UdpSocket _socket;
    private readonly DataPlaneEngine _engine;
    private readonly byte* _memory;
    private readonly Libc.MultiMessageHeader* _messages;
    private readonly Libc.IoVector* _parts;
    private readonly byte* _addresses;
    private readonly byte* _controls;
    private readonly int[] _segmentLength = new int[MaxMessages], _segments = new int[MaxMessages];
    private readonly DatagramEndpoint[] _to = new DatagramEndpoint[MaxMessages];
    private bool _sendsSegments;
    private int _end, _count, _datagrams;
    private bool _isClosed;   // the last message has a short datagram at its end, which nothing may follow

    public DatagramBatch(UdpSocket socket, DataPlaneEngine engine)
    {
        (_socket, _engine, _sendsSegments) = (socket, engine, socket.SendsSegments);
        nuint length = (nuint)(Capacity + (MaxMessages * (sizeof(Libc.MultiMessageHeader) + sizeof(Libc.IoVector) + SocketAddress6.Length + ControlLength)));
        _memory = (byte*)NativeMemory.AllocZeroed(length);
        _messages = (Libc.MultiMessageHeader*)(_memory + Capacity);
        _parts = (Libc.IoVector*)(_messages + MaxMessages);
        _controls = (byte*)(_parts + MaxMessages);
        _addresses = _controls + (MaxMessages * ControlLength);
    }

    /// <summary>Room for the next datagram.</summary>
    public Span<byte> RoomFor(int length)
    {
        if (_end + length > Capacity)
            Flush();
        return new Span<byte>(_memory + _end, length);
    }

    /// <summary>Adds a datagram; it is copied unless it was made in <see cref="RoomFor"/>.</summary>
    public void Add(in DatagramEndpoint to, ReadOnlySpan<byte> datagram)
    {
        if (!Unsafe.AreSame(ref MemoryMarshal.GetReference(datagram), ref Unsafe.AsRef<byte>(_memory + _end)))
            datagram.CopyTo(RoomFor(datagram.Length));
        int last = _count - 1;
        if (last >= 0 && _sendsSegments && !_isClosed && datagram.Length <= _segmentLength[last] && _segments[last] < MaxSegments
            && (int)_parts[last].Length + datagram.Length <= MaxMessageLength && _to[last] == to)
        {
            _parts[last].Length += (nuint)datagram.Length;
            _segments[last]++;
            _isClosed = datagram.Length < _segmentLength[last];
        }
        else
        {
            if (_count == MaxMessages)
            {
                // The datagram moves to the front when the others are gone.
                byte* start = _memory + _end;
                Flush();
                new ReadOnlySpan<byte>(start, datagram.Length).CopyTo(new Span<byte>(_memory, datagram.Length));
            }
            _parts[_count] = new Libc.IoVector { Start = _memory + _end, Length = (nuint)datagram.Length };
            (_to[_count], _segmentLength[_count], _segments[_count]) = (to, datagram.Length, 1);
            _isClosed = false;
            _count++;
        }
        _end += datagram.Length;
        _datagrams++;
    }

    /// <summary>Sends what is there if that is enough for one call.</summary>
    public void FlushIfFull()
    {
        if (_datagrams >= EnoughDatagrams)
            Flush();
    }

    /// <summary>Sends what is there.</summary>
    public void Flush()
    {
        for (int i = 0; i < _count; i++)
            Prepare(i);
        int sent = 0;
        bool hasWaited = false;
        while (sent < _count)
        {
            int done = Libc.SendMessages(_socket.Descriptor.Number, _messages + sent, (uint)(_count - sent), Libc.DontSignal);
            if (done > 0)
            {
                sent += done;
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.Interrupted)
                continue;
            if (error == Errno.TryAgain && !hasWaited)
            {
                hasWaited = true;
                WaitWritable();   // holding back what comes is better than losing what is there
                continue;
            }
            // A path or a device that takes no such message may take its datagrams one at a time.
            if (_segments[sent] > 1 && error is Errno.InvalidArgument or Errno.InputOutput or Errno.MessageSize)
            {
                _sendsSegments &= error != Errno.InputOutput;   // EIO: the device computes no checksums
                SendOneByOne(sent);
            }
            else
                _engine.CountDropped(DropReason.DatagramRefused, _segments[sent]);
            sent++;
        }
        (_end, _count, _datagrams, _isClosed) = (0, 0, 0, false);
    }

    public void Dispose() => NativeMemory.Free(_memory);

    private void Prepare(int index)
    {
        byte* address = _addresses + (index * SocketAddress6.Length);
        SocketAddress6.Write(address, _to[index]);
        ref Libc.MessageHeader header = ref _messages[index].Header;
        header.Name = address;
        header.NameLength = SocketAddress6.Length;
        header.Parts = _parts + index;
        header.PartCount = 1;
        header.Control = null;
        header.ControlLength = 0;
        if (_segments[index] == 1)
            return;
        var control = (Libc.ControlHeader*)(_controls + (index * ControlLength));
        control->Length = (nuint)(sizeof(Libc.ControlHeader) + sizeof(ushort));
        control->Level = UdpLevel;
        control->Type = UdpSegment;
        *(ushort*)(control + 1) = (ushort)_segmentLength[index];
        header.Control = (byte*)control;
        header.ControlLength = ControlLength;
    }

    private void SendOneByOne(int index)
    {
        int refused = 0, length = (int)_parts[index].Length;
        for (int offset = 0; offset < length; offset += _segmentLength[index])
        {
            if (!_socket.TrySend(_to[index], new ReadOnlySpan<byte>(_parts[index].Start + offset, Math.Min(_segmentLength[index], length - offset))))
                refused++;
        }
        if (refused > 0)
            _engine.CountDropped(DropReason.DatagramRefused, refused);
    }

    private void WaitWritable()
    {
        var waited = new Libc.PollDescriptor { Descriptor = _socket.Descriptor.Number, Events = Libc.PollOut };
        Libc.Poll(&waited, 1, WaitMilliseconds);
    }
}
