using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>The two threads that forward, and which of them reads the device.</summary>
/// <remarks>
/// <para>
/// While there is little to do one thread reads the socket and the device in turns: what the host answers at once to a packet it is given, it answers before
/// that thread would wait again, so a way to a host and back wakes one thread where two threads would both be woken. When it comes to
/// <see cref="BusyTurns"/> turns without a pause, the second thread takes the device over, until there was less to do than that on it in a <see cref="Window"/>.
/// </para>
/// <para>
/// Whoever gives the device away has sent all that it read from there, so packets keep their order.
/// </para>
/// </remarks>
internal sealed unsafe class ForwardingThreads : IDisposable
{
    private const int BusyTurns = 16;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(50);

    private readonly Descriptor _device, _socket;
    private readonly Func<ForwardingLane> _makeLane;
    private readonly Func<TimeSpan> _now;
    private readonly Action<LinuxException> _failed;
    private readonly Descriptor _wake = Descriptor.Checked(Libc.EventDescriptor(0, Libc.CloseOnExec | Libc.NonBlocking), "make", "an event descriptor");
    private readonly AutoResetEvent _deviceGiven = new(initialState: false);
    private readonly Thread[] _threads;
    private bool _isDeviceGiven;   // set by the first thread, cleared by the second
    private bool _stopped;

    /// <summary>Begins to forward.</summary>
    /// <param name="device">Of the TUN device.</param>
    /// <param name="socket">Of the UDP socket.</param>
    /// <param name="makeLane">Makes each thread's lane, on that thread.</param>
    /// <param name="now">A monotonic time.</param>
    /// <param name="failed">The device or the socket is gone; the thread ends. Called on it.</param>
    public ForwardingThreads(Descriptor device, Descriptor socket, Func<ForwardingLane> makeLane, Func<TimeSpan> now, Action<LinuxException> failed)
    {
        (_device, _socket, _makeLane, _now, _failed) = (device, socket, makeLane, now, failed);
        _threads = [new Thread(() => Run(ReadBoth)) { Name = "mesh-udp" }, new Thread(() => Run(ReadDevice)) { Name = "mesh-tun" }];
        foreach (Thread thread in _threads)
        {
            thread.IsBackground = true;
            thread.Start();
        }
    }

    private bool IsStopped => Volatile.Read(ref _stopped);

    /// <summary>Ends both threads.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _stopped, true);
        Wake();
        _deviceGiven.Set();
        foreach (Thread thread in _threads)
        {
            if (thread != Thread.CurrentThread)
                thread.Join();
        }
        _wake.Dispose();
        _deviceGiven.Dispose();
    }

    private void Run(Action<ForwardingLane> forward)
    {
        try
        {
            using ForwardingLane lane = _makeLane();
            forward(lane);
        }
        catch (LinuxException e)
        {
            _failed(e);
        }
    }

    private void ReadBoth(ForwardingLane lane)
    {
        Libc.PollDescriptor* waited = stackalloc Libc.PollDescriptor[3];
        waited[0] = new Libc.PollDescriptor { Descriptor = _wake.Number, Events = Libc.PollIn };
        waited[1] = new Libc.PollDescriptor { Descriptor = _socket.Number, Events = Libc.PollIn };
        waited[2] = new Libc.PollDescriptor { Descriptor = _device.Number, Events = Libc.PollIn };
        while (!IsStopped)
        {
            // Interrupted: it reads, finds nothing and comes again.
            bool isDeviceGiven = Volatile.Read(ref _isDeviceGiven);
            Libc.Poll(waited, isDeviceGiven ? 2u : 3u, timeoutMilliseconds: -1);
            if (waited[0].Happened != 0)
                ClearWake();
            if (isDeviceGiven)
                ReadSocket(lane);
            else
                ReadInTurns(lane);
        }
    }

    private void ReadSocket(ForwardingLane lane)
    {
        while (!IsStopped && lane.MoveFromSocket(_now()))
            lane.GiveWay();
    }

    private void ReadInTurns(ForwardingLane lane)
    {
        for (int turn = 0; turn < BusyTurns; turn++)
        {
            bool hasMoved = lane.MoveFromSocket(_now());
            hasMoved |= lane.MoveFromDevice(_now());
            if (!hasMoved || IsStopped)
                return;
        }
        lane.Flush();
        Volatile.Write(ref _isDeviceGiven, true);
        _deviceGiven.Set();
    }

    private void ReadDevice(ForwardingLane lane)
    {
        while (!IsStopped)
        {
            _deviceGiven.WaitOne();
            while (!IsStopped && ReadDeviceForAWhile(lane) >= BusyTurns)
            {
                // There is much to do: the device stays here.
            }
            lane.Flush();
            Volatile.Write(ref _isDeviceGiven, false);
            Wake();
        }
    }

    /// <returns>How often there was something to read in a <see cref="Window"/>. A few packets now and then, such as pings, are not worth a thread.</returns>
    private int ReadDeviceForAWhile(ForwardingLane lane)
    {
        var waited = new Libc.PollDescriptor { Descriptor = _device.Number, Events = Libc.PollIn };
        TimeSpan end = _now() + Window;
        int turns = 0;
        for (TimeSpan left = Window; left > TimeSpan.Zero && !IsStopped; left = end - _now())
        {
            if (Libc.Poll(&waited, 1, (int)Math.Ceiling(left.TotalMilliseconds)) == 0)
                break;
            while (!IsStopped && lane.MoveFromDevice(_now()))
            {
                turns++;
                lane.GiveWay();
            }
        }

        return turns;
    }

    private void Wake()
    {
        ulong one = 1;
        Libc.Write(_wake.Number, (byte*)&one, sizeof(ulong));
    }

    private void ClearWake()
    {
        ulong count;
        Libc.Read(_wake.Number, (byte*)&count, sizeof(ulong));
    }
}
