namespace Mesh.Actors.Loop;

/// <content>The actor's own timers, kept by key in a short list: few actors have more than a handful.</content>
internal sealed partial class ActorCell
{
    public void StartTimer(object key, object message, TimeSpan delay, TimeSpan interval)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(message);
        if (_state is CellState.Stopped or CellState.Stopping)
            return;
        List<NamedTimer> timers = Extras.Timers ??= [];
        int at = FindTimer(key);
        var timer = new NamedTimer { Key = key };
        if (at >= 0)
        {
            timer = timers[at];
            Loop.Timers.Cancel(timer.Handle);
        }

        timer.Message = message;
        timer.Interval = interval;
        timer.FiredLate = false;
        timer.Arming = Loop.NextArming();
        long now = Loop.Now.Ticks;
        timer.Handle = Loop.Timers.Arm(now, TimingWheel.DueAfter(now, delay.Ticks), this, message, sender: null, named: true);
        if (at >= 0)
            timers[at] = timer;
        else
            timers.Add(timer);
    }

    public bool CancelTimer(object key)
    {
        int at = FindTimer(key);
        if (at < 0)
            return false;
        Loop.Timers.Cancel(_extras!.Timers![at].Handle);
        RemoveTimerAt(at);
        return true;
    }

    public void CancelTimers()
    {
        if (_extras is null)
            return;
        Loop.Timers.Cancel(_extras.RestartTimer);
        if (_extras.Timers is not { } timers)
            return;
        foreach (NamedTimer timer in timers)
            Loop.Timers.Cancel(timer.Handle);
        timers.Clear();
    }

    public bool IsTimerActive(object key) => FindTimer(key) >= 0;

    /// <summary>The wheel took an entry of ours. Re-arms a periodic one, forgets another, and says what to deliver.</summary>
    public void NamedTimerFired(int index, ref object message, ref ActorRef? sender)
    {
        List<NamedTimer> timers = _extras!.Timers!;
        uint generation = Loop.Timers.At(index).Generation;
        int at = 0;
        while (timers[at].Handle.Index != index || timers[at].Handle.Generation != generation)
            at++;
        NamedTimer timer = timers[at];
        bool late = _state != CellState.Live;
        if (timer.Interval > TimeSpan.Zero)
        {
            // From the due time, so that a period does not drift; but what was missed while the machine slept is not made up for.
            long now = Loop.Now.Ticks;
            long next = TimingWheel.DueAfter(Loop.Timers.At(index).Due, timer.Interval.Ticks);
            Loop.Timers.Rearm(now, next > now ? next : TimingWheel.DueAfter(now, timer.Interval.Ticks), index);
            if (late)
            {
                message = timer.FiredLate ? Ignored.Instance : new LateTimer(timer.Key, timer.Arming, message);
                sender = SystemMessage.Mark;
                timer.FiredLate = true;
                timers[at] = timer;
            }

            return;
        }

        Loop.Timers.Release(index);
        if (late)
        {
            message = new LateTimer(timer.Key, timer.Arming, message);
            sender = SystemMessage.Mark;
            timer.FiredLate = true;
            timer.Handle = default;
            timers[at] = timer;
        }
        else
        {
            RemoveTimerAt(at);
        }
    }

    /// <summary>True where the firing that waited is still wanted.</summary>
    public bool TakeLateTimer(object key, long arming)
    {
        int at = FindTimer(key);
        if (at < 0 || _extras!.Timers![at].Arming != arming || !_extras.Timers[at].FiredLate)
            return false;
        NamedTimer timer = _extras.Timers[at];
        timer.FiredLate = false;
        if (timer.Interval > TimeSpan.Zero)
            _extras.Timers[at] = timer;
        else
            RemoveTimerAt(at);
        return true;
    }

    /// <summary>How often a timer fires; zero: once.</summary>
    public TimeSpan IntervalOf(TimerHandle handle)
    {
        foreach (NamedTimer timer in _extras?.Timers ?? [])
        {
            if (timer.Handle == handle)
                return timer.Interval;
        }

        return TimeSpan.Zero;
    }

    private int FindTimer(object key)
    {
        if (_extras?.Timers is not { } timers)
            return -1;
        for (int i = 0; i < timers.Count; i++)
        {
            if (timers[i].Key.Equals(key))
                return i;
        }

        return -1;
    }

    private void RemoveTimerAt(int at)
    {
        List<NamedTimer> timers = _extras!.Timers!;
        timers[at] = timers[^1];
        timers.RemoveAt(timers.Count - 1);
    }

    /// <summary>A second firing of a periodic timer while the first still waits.</summary>
    private sealed class Ignored : SystemMessage
    {
        public static readonly Ignored Instance = new();

        public override void Execute(ActorCell cell)
        {
            // One firing is waiting already; Akka's timers coalesce in the same way.
        }
    }
}
