using Mesh.Actors.Persistence;

namespace Mesh.Actors.Loop;

/// <summary>An actor's place in the system: its reference, its standing, and what the kernel keeps for it.</summary>
/// <remarks>
/// Kept small, because there may be millions: what most actors do not need is in <see cref="CellExtras"/>, made when first used.
/// <code>
/// Starting --Create--> Live &lt;--> Suspended (a persist is under way, recovery, or failed and waiting for the restart)
///    any --Stop--> Stopping (until its handler has returned, its commit is over and its children are gone) --> Stopped
/// </code>
/// </remarks>
internal sealed partial class ActorCell : ActorRef, IActorContext
{
    [ThreadStatic]
    private static ActorCell? _constructing;

    private readonly Props _props;
    private readonly ActorCell? _parent;
    private readonly string? _name;
    private ActorCell? _nextSibling;
    private ActorCell? _previousSibling;
    private CellExtras? _extras;
    private CellState _state;

    public ActorCell(EventLoop loop, Props props, ActorCell? parent, string? name, int ordinal)
    {
        Loop = loop;
        _props = props;
        _parent = parent;
        _name = name;
        Ordinal = ordinal;
    }

    internal static ActorCell? Constructing => _constructing;

    public EventLoop Loop { get; }

    /// <summary>Number of the actor within its system, in order of creation.</summary>
    public int Ordinal { get; }

    public Actor? Actor { get; private set; }

    public bool IsLive => _state == CellState.Live;

    public bool IsStopping => _state == CellState.Stopping;

    public bool IsStopped => _state == CellState.Stopped;

    public ActorRef Self => this;

    public ActorRef Sender => (Loop.Sender == SystemMessage.Mark ? null : Loop.Sender) ?? Loop.System.DeadLetters;

    public ActorRef Parent => (ActorRef?)_parent ?? Loop.System.DeadLetters;

    public ActorSystem System => Loop.System;

    public TimeSpan Now => Loop.Now;

    public DateTimeOffset UtcNow => Loop.UtcNow;

    public DeterministicRandom Random => Loop.Random;

    public ActorTimers Timers => new(this);

    public ActorLog Log => new(this);

    public override string Path => _parent is null ? "" : $"{_parent.Path}/{Name}";

    public string Name => _name ?? $"${Ordinal}";

    public IEnumerable<ActorRef> Children
    {
        get
        {
            // A copy: the caller may stop children while it looks at them.
            var children = new List<ActorRef>();
            for (ActorCell? child = _extras?.FirstChild; child is not null; child = child._nextSibling)
                children.Add(child);
            return children;
        }
    }

    private CellExtras Extras => _extras ??= new CellExtras();

    public override void Tell(object message)
    {
        ArgumentNullException.ThrowIfNull(message);
        EventLoop? current = EventLoop.Current;
        if (current == Loop)
            current.Tell(this, message, current.Running);
        else if (current is null)
            Loop.Inbox.Post(this, message, sender: null);
        else
            TellAcross(current, message, current.Running);
    }

    public override void Tell(object message, ActorRef? sender)
    {
        ArgumentNullException.ThrowIfNull(message);
        EventLoop? current = EventLoop.Current;
        if (current == Loop)
            current.Tell(this, message, sender);
        else if (current is null)
            Loop.Inbox.Post(this, message, sender);
        else
            TellAcross(current, message, sender);
    }

    public ActorRef ActorOf(Props props, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(props);
        if (name is not null)
            CheckName(name);
        if (name is not null && Child(name) is not null)
            throw new InvalidActorNameException($"{Path} has a child named '{name}' already");
        if (_state is CellState.Stopping or CellState.Stopped)
            throw new InvalidOperationException($"{Path} is stopping and takes no more children");
        var child = new ActorCell(Loop, props, this, name, Loop.System.NextOrdinal());
        CellExtras extras = Extras;
        child._previousSibling = extras.LastChild;
        if (extras.LastChild is null)
            extras.FirstChild = child;
        else
            extras.LastChild._nextSibling = child;
        extras.LastChild = child;
        if (name is not null)
            (extras.NamedChildren ??= new Dictionary<string, ActorCell>(StringComparer.Ordinal)).Add(name, child);
        Loop.TellSystem(child, CreateMessage.Instance);
        return child;
    }

    public ActorRef? Child(string name) =>
        _extras?.NamedChildren is { } named && named.TryGetValue(name, out ActorCell? child) ? child : null;

    public void Stop(ActorRef actor)
    {
        if (actor is not ActorCell cell)
            return;
        if (cell.Loop == Loop)
            cell.StopSelf();
        else
            Loop.TellOther(cell, StopMessage.Instance, SystemMessage.Mark);
    }

    public void Note(ulong fact) => Loop.Note(fact);

    /// <summary>Makes the first or the next instance.</summary>
    public void Create(Exception? restartReason)
    {
        if (_state is CellState.Stopped or CellState.Stopping || WaitsForChildren(restartReason))
            return;
        try
        {
            Actor = Construct();
        }
        catch (Exception e) when (e is not ActorInitializationException)
        {
            throw new ActorInitializationException($"{Path}: the constructor of {_props.TypeName} failed: {e.Message}", e);
        }

        if (Actor is PersistentActor persistent)
        {
            _state = CellState.Suspended;
            persistent.BeginRecovery(restartReason);
            return;
        }

        Started(restartReason);
    }

    /// <summary>The instance is ready for messages: recovered, where it is persistent.</summary>
    public void Started(Exception? restartReason)
    {
        _state = CellState.Live;
        if (_extras is { WaitingCount: > 0 })
            Loop.Resume(this);
        if (restartReason is null)
            Actor!.PreStart();
        else
            Actor!.PostRestart(restartReason);
    }

    public void Suspend()
    {
        if (_state == CellState.Live)
            _state = CellState.Suspended;
    }

    public void Unsuspend()
    {
        if (_state == CellState.Stopping)
        {
            FinishStopping();
            return;
        }

        if (_state != CellState.Suspended)
            return;
        _state = CellState.Live;
        if (_extras is { WaitingCount: > 0 })
            Loop.Resume(this);
    }

    /// <summary>Handles a message to a cell that is not live, or a message of the kernel.</summary>
    public void ReceiveSpecial(object message, ActorRef? sender)
    {
        if (sender == SystemMessage.Mark)
        {
            ReceiveSystem((SystemMessage)message);
            return;
        }

        if (message is JournalOutcome outcome && (Actor is PersistentActor || _state == CellState.Stopped))
        {
            ReceiveOutcome(outcome, sender);
            return;
        }

        if (_state is CellState.Stopped or CellState.Stopping)
            Loop.System.OnDeadLetter(message, sender, this);
        else if (_state != CellState.Live)
            Wait(message, sender);
        else if (message == PoisonPill.Instance)
            StopSelf();
        else
            throw new ActorKilledException($"{Path} was killed");
    }

    public bool TryTakeWaiting(out Envelope envelope)
    {
        if (_state == CellState.Live && _extras?.Waiting is { } waiting && waiting.TryDequeue(out envelope))
            return true;
        envelope = default;
        return false;
    }

    private static void CheckName(string name)
    {
        if (name.Length == 0 || name[0] == '$' || name.Contains('/', StringComparison.Ordinal))
            throw new InvalidActorNameException($"'{name}' is not an actor name: it must not be empty, start with '$' or contain '/'");
    }

    private void TellAcross(EventLoop current, object message, ActorRef? sender)
    {
        if (current.Running is { Actor: PersistentActor } persistent && current.Message is not ForwardMessage)
            current.TellSystem(persistent, new ForwardMessage(this, message, sender));
        else
            current.TellOther(this, message, sender);
    }

    private void ReceiveSystem(SystemMessage message)
    {
        if (_state == CellState.Live || !message.IsForInstance)
            message.Execute(this);
        else if (_state is CellState.Starting or CellState.Suspended)
            Wait(message, SystemMessage.Mark);
    }

    private void ReceiveOutcome(JournalOutcome outcome, ActorRef? sender)
    {
        if (Actor is not PersistentActor persistent || (_state == CellState.Stopping && !persistent.IsCommitting))
            return;   // nobody waits for it any more
        if (_state == CellState.Suspended && outcome is SnapshotSaved or SnapshotFailed)
            Wait(outcome, sender);
        else
            persistent.ReceiveOutcome(outcome);
    }

    private Actor Construct()
    {
        ActorCell? outer = _constructing;
        _constructing = this;
        try
        {
            Actor actor = _props.Factory();
            return actor.Cell == this
                ? actor
                : throw new ActorInitializationException($"{Path}: the factory of {_props.TypeName} returned an instance of {actor.Cell.Path}; it must make a new one each time", inner: null);
        }
        finally
        {
            _constructing = outer;
        }
    }

    private void Wait(object message, ActorRef? sender)
    {
        EnvelopeQueue waiting = Extras.Waiting ??= new EnvelopeQueue(4);
        if (waiting.Count >= Loop.System.Options.SuspendedMailboxCapacity && sender != SystemMessage.Mark)
            Loop.System.OnMailboxFull(message, sender, this);
        else
            waiting.Enqueue(this, message, sender);
    }

    internal enum CellState : byte
    {
        Starting,
        Live,
        Suspended,
        Stopping,
        Stopped,
    }
}
