using Mesh.Actors;

namespace Mesh.Simulation.Tracing;

/// <summary>Which event has armed which timer of a loop. Looks between events at how many timers have been armed meanwhile, so that arming costs nothing.</summary>
internal sealed class TimerCauses
{
    private const int Slack = 1000;

    private readonly Dictionary<long, long> _events = [];   // by number of the arming
    private long _noted;

    /// <summary>What was armed since the last time was armed by this event.</summary>
    public void Note(EventLoop loop, long happened)
    {
        for (; _noted < loop.Armings; _noted++)
            _events.TryAdd(_noted, happened);
        if (_events.Count <= Slack + (4 * loop.ArmedTimerCount))
            return;
        // Cancelled timers have never been taken.
        HashSet<long> armed = [.. loop.ArmedTimers().Select(static timer => timer.Arming)];
        foreach (long arming in _events.Keys.Where(arming => !armed.Contains(arming)).ToArray())
            _events.Remove(arming);
    }

    /// <summary>The event that armed a timer, which is about to fire, 0 where that is not known. A periodic one was armed by whoever began it, each time.</summary>
    public long Take(ArmedTimer timer, EventLoop loop)
    {
        _events.Remove(timer.Arming, out long cause);
        if (timer.Interval > TimeSpan.Zero)
            _events[loop.Armings] = cause;   // it is armed again before anything else
        return cause;
    }

    /// <summary>The loop is another one from now on.</summary>
    public void Clear()
    {
        _events.Clear();
        _noted = 0;
    }
}
