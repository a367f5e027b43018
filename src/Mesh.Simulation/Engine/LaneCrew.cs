using System.Runtime.ExceptionServices;

namespace Mesh.Simulation.Engine;

/// <summary>Threads that run lanes side by side, one window of time after the other. The caller's thread is one of them.</summary>
internal sealed class LaneCrew : IDisposable
{
    // A window often takes microseconds, so that going to sleep between two costs more than the window itself; but a thread that waits for long leaves the processor to others.
    private const int Spins = 3000;
    private const long FewEvents = 4;

    private readonly Lane[] _lanes;
    private readonly IReadOnlyList<Lane> _all;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread[] _threads;
    private TimeSpan _end;
    private long _round;
    private long _events = long.MaxValue;
    private int _sleeping;
    private int _left;
    private int _next;
    private long _counted;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _isOver;

    /// <summary>Makes a crew.</summary>
    /// <param name="lanes">What it runs.</param>
    /// <param name="all">Those and the lanes of other ranks, by their numbers.</param>
    public LaneCrew(Lane[] lanes, IReadOnlyList<Lane> all)
    {
        (_lanes, _all) = (lanes, all);
        _threads = [.. Enumerable.Range(1, lanes.Length - 1).Select(number => new Thread(Work) { IsBackground = true, Name = $"simulation lane {number}" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Runs all lanes up to a time, and hands over what they have sent to each other.</summary>
    /// <param name="end">The first instant that is not run.</param>
    public void RunBefore(TimeSpan end)
    {
        // Where the last window had hardly anything in it, waking others takes longer than doing it.
        _counted = 0;
        if (_isOver || _events < FewEvents)
        {
            foreach (Lane lane in _lanes)
                _counted += lane.RunBefore(end);
        }
        else
        {
            (_end, _left) = (end, _lanes.Length);
            Volatile.Write(ref _next, 0);   // last: somebody who is late from the round before may take a lane as soon as this is seen
            Interlocked.Increment(ref _round);
            if (Volatile.Read(ref _sleeping) > 0)
                _wake.Release(_threads.Length);
            TakeLanes();
            var wait = new SpinWait();
            while (Volatile.Read(ref _left) > 0)
                wait.SpinOnce(sleep1Threshold: -1);
        }

        _events = _counted;
        Interlocked.Exchange(ref _failure, null)?.Throw();
        foreach (Lane lane in _lanes)
            lane.Deliver(_all);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isOver)
            return;
        _isOver = true;
        _wake.Release(_threads.Length);
        foreach (Thread thread in _threads)
            thread.Join();
        _wake.Dispose();
    }

    private void Work()
    {
        long done = 0;
        while (!_isOver)
        {
            int spins = 0;
            while (Volatile.Read(ref _round) == done && !_isOver)
            {
                if (++spins < Spins)
                {
                    Thread.SpinWait(20);
                    continue;
                }

                // A round that begins between the look and the sleep finds a sleeper and wakes it.
                Interlocked.Increment(ref _sleeping);
                if (Volatile.Read(ref _round) == done && !_isOver)
                    _wake.Wait(TimeSpan.FromMilliseconds(100));
                Interlocked.Decrement(ref _sleeping);
            }

            done = Volatile.Read(ref _round);
            TakeLanes();
        }
    }

    private void TakeLanes()
    {
        int number;
        while ((number = Interlocked.Increment(ref _next) - 1) < _lanes.Length)
        {
            try
            {
                Interlocked.Add(ref _counted, _lanes[number].RunBefore(_end));
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            }
            finally
            {
                Interlocked.Decrement(ref _left);
            }
        }
    }
}
