using System.Diagnostics;

namespace Mesh.Actors.RealTime;

/// <summary>Turns a loop's crank in real time, on a thread of its own.</summary>
public sealed class RealTimeDriver : IDisposable
{
    private const int TurnLength = 4096;   // messages, and timers, between two looks at the clock

    private readonly EventLoop _loop;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _wake = new(initialState: false);
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Queue<Action> _invocations = new();
    private volatile bool _stopping;
    private Exception? _fatal;

    /// <summary>Makes a driver for the system's loop. Nothing runs until <see cref="Start"/>.</summary>
    public RealTimeDriver(ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        _loop = system.Loop;
        _loop.Inbox.Arrived = _wake.Set;
        _thread = new Thread(Run) { IsBackground = true, Name = $"{system.Options.Name}-loop" };
    }

    /// <summary>What ended the loop, if something did: a bug in the kernel or a driver, since actors' exceptions go to their supervisors.</summary>
    public Exception? Fatal => _fatal;

    /// <summary>A driver of a new system, started.</summary>
    public static RealTimeDriver Start(ActorSystem system)
    {
        var driver = new RealTimeDriver(system);
        driver.Start();
        return driver;
    }

    /// <summary>Begins to run the loop.</summary>
    public void Start() => _thread.Start();

    /// <summary>Runs an action on the loop's thread between two messages and waits for it: for what must be done from the loop, such as making the first actors.</summary>
    /// <exception cref="TimeoutException">The loop did not get to it in time.</exception>
    public void Invoke(Action action, TimeSpan timeout)
    {
        using var done = new ManualResetEventSlim();
        Exception? failure = null;
        lock (_invocations)
        {
            _invocations.Enqueue(() =>
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    failure = e;
                }

                done.Set();
            });
        }

        _wake.Set();
        if (!done.Wait(timeout))
            throw new TimeoutException($"the loop did not get to run the action within {timeout.TotalSeconds:0.###} s");
        if (failure is not null)
            throw new InvalidOperationException(failure.Message, failure);
    }

    /// <summary>Ends the thread after the message it is handling.</summary>
    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        if (_thread.IsAlive && Thread.CurrentThread != _thread)
            _thread.Join(TimeSpan.FromSeconds(10));
        _wake.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!_stopping)
            {
                TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
                if (elapsed < _loop.Now)
                    elapsed = _loop.Now;
                _loop.Epoch = DateTimeOffset.UtcNow - elapsed;
                _loop.AdvanceClock(elapsed);   // first, or what came while the loop slept would be handled at the time at which it fell asleep
                RunInvocations();
                _loop.RunReady(TurnLength);
                for (int fired = 0; fired < TurnLength && !_stopping && _loop.FireNext(elapsed); fired++)
                    _loop.RunReady(TurnLength);
                if (!_loop.HasReady)
                    Sleep(elapsed);
            }
        }
        catch (Exception e)
        {
            _fatal = e;
            _loop.System.Options.Log?.Write(new LogEntry(DateTimeOffset.UtcNow, _loop.Now, LogLevel.Error, "loop", $"the loop has ended: {e.Message}", e));
        }
    }

    private void RunInvocations()
    {
        while (true)
        {
            Action action;
            lock (_invocations)
            {
                if (_invocations.Count == 0)
                    return;
                action = _invocations.Dequeue();
            }

            action();
        }
    }

    private void Sleep(TimeSpan elapsed)
    {
        _wake.Reset();
        bool invocations;
        lock (_invocations)
            invocations = _invocations.Count > 0;
        if (!_loop.Inbox.IsEmpty || invocations || _stopping)
            return;
        if (_loop.NextDeadline is not { } due)
        {
            _wake.Wait();
            return;
        }

        // Rounded up to the wait's resolution: waking too early would only mean to sleep again.
        double milliseconds = Math.Ceiling((due - elapsed).TotalMilliseconds);
        if (milliseconds > 0)
            _wake.Wait((int)Math.Min(milliseconds, int.MaxValue));
    }
}
