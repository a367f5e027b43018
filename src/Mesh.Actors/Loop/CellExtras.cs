namespace Mesh.Actors.Loop;

/// <summary>What only some cells need.</summary>
internal sealed class CellExtras
{
    public ActorCell? FirstChild;
    public ActorCell? LastChild;
    public Dictionary<string, ActorCell>? NamedChildren;
    public List<ActorCell>? Watchers;
    public List<ActorCell>? Watching;
    public List<NamedTimer>? Timers;
    public EnvelopeQueue? Waiting;        // came while the cell was suspended, or unstashed
    public EnvelopeQueue? Stash;
    public int Restarts;                  // since the last quiet period
    public TimeSpan AliveSince;           // end of the last backoff: an actor that waits for its restart is not well
    public TimerHandle RestartTimer;
    public Exception? WaitingRestart;     // the backoff is over, but a child of the old instance is not gone yet

    public int WaitingCount => Waiting?.Count ?? 0;
}

/// <summary>A timer of an actor, known by its key.</summary>
internal struct NamedTimer
{
    public object Key;
    public object Message;
    public TimeSpan Interval;   // zero: fires once
    public TimerHandle Handle;
    public long Arming;         // another number each time a timer is armed, so that a firing that waits can be recognised as stale
    public bool FiredLate;      // fired while the actor was suspended; the message waits
}
