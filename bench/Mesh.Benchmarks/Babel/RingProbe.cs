using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Benchmarks.Babel;

/// <summary>Pings from one machine to another, fifty a second, and when answers came: there is a route there and back, or there is none.</summary>
internal sealed class RingProbe : IDisposable
{
    private const byte EchoRequest = 128, EchoReply = 129;
    private const int HeaderLength = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Socket _socket;
    private readonly IPEndPoint _target;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private TimeSpan _lastAnswer = TimeSpan.MinValue;
    private volatile bool _isEnding;

    /// <summary>Starts it.</summary>
    public RingProbe(NetworkNamespace space, IPAddress source, IPAddress target)
    {
        _target = new IPEndPoint(target, 0);
        _socket = space.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6) { ReceiveTimeout = (int)Pause.TotalMilliseconds };
            socket.Bind(new IPEndPoint(source, 0));
            return socket;
        });
        _thread = new Thread(Run) { IsBackground = true, Name = "probe" };
        _thread.Start();
    }

    /// <summary>Whether an answer came within the last half second.</summary>
    public bool IsAnswered => Since(LastAnswer) < TimeSpan.FromSeconds(0.5);

    /// <summary>The longest time between two answers so far.</summary>
    public TimeSpan LongestGap { get; private set; }

    private TimeSpan LastAnswer
    {
        get
        {
            lock (_lock)
                return _lastAnswer;
        }
    }

    /// <summary>Forgets the gaps so far.</summary>
    public void Reset()
    {
        lock (_lock)
            LongestGap = TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isEnding = true;
        _thread.Join();
        _socket.Dispose();
    }

    private static TimeSpan Since(TimeSpan moment) => moment == TimeSpan.MinValue ? TimeSpan.MaxValue : Stopwatch.GetElapsedTime(0) - moment;

    private void Run()
    {
        byte[] request = new byte[64], answer = new byte[1500];
        request[0] = EchoRequest;
        for (ushort number = 0; !_isEnding; number++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), number);
            TimeSpan end = Stopwatch.GetElapsedTime(0) + Pause;
            try
            {
                _ = _socket.SendTo(request, _target);
                while (Stopwatch.GetElapsedTime(0) < end)
                {
                    if (_socket.Receive(answer) >= HeaderLength && answer[0] == EchoReply)
                        NoteAnswer();
                }
            }
            catch (SocketException)
            {
                // No answer, or nowhere to send to yet.
                TimeSpan left = end - Stopwatch.GetElapsedTime(0);
                if (left > TimeSpan.Zero)
                    Thread.Sleep(left);
            }
        }
    }

    private void NoteAnswer()
    {
        lock (_lock)
        {
            TimeSpan now = Stopwatch.GetElapsedTime(0);
            if (_lastAnswer != TimeSpan.MinValue && now - _lastAnswer > LongestGap)
                LongestGap = now - _lastAnswer;
            _lastAnswer = now;
        }
    }
}
