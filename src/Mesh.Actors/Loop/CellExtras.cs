namespace Mesh.Actors.Loop;

/// <summary>What only some cells need.</summary>
internal sealed class CellExtras
{
    public ActorCell? FirstChild;
    public ActorCell? LastChild;
    public Dictionary<string, ActorCell>? NamedChildren;
    public List<ActorRef>? Watchers;
    public List<NamedTimer>? Timers;
    public EnvelopeQueue? Waiting;        // came while the cell was suspended, or unstashed
    public EnvelopeQueue? Stash;
    public int Restarts;                  // since the last quiet period
    public TimeSpan LastFailure;
    public TimerHandle RestartTimer;

    public int WaitingCount => Waiting?.Count ?? 0;
}

/// <summary>A timer of an actor, known by its key.</summary>
internal struct NamedTimer
{
    public object Key;
    public object Message;
    public TimeSpan Interval;   // zero: fires once
    public TimerHandle Handle;
    public uint Arming;         // changes whenever the key is armed or cancelled, so that a firing that waits can be recognised as stale
    public bool FiredLate;      // fired while the actor was suspended; the message waits
}
