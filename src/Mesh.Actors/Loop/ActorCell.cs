using Mesh.Actors.Persistence;

namespace Mesh.Actors.Loop;

/// <summary>An actor's place in the system: its reference, its standing, and what the kernel keeps for it.</summary>
/// <remarks>
/// Kept small, because there may be millions: what most actors do not need is in <see cref="CellExtras"/>, made when first used.
/// <code>
/// Starting --Create--> Live &lt;--> Suspended (a persist is under way, recovery, or failed and waiting for the restart)
///    any --Stop--> Stopping (only while a commit is awaited) --> Stopped
/// </code>
/// </remarks>
internal sealed partial class ActorCell : ActorRef, IActorContext
{
    [ThreadStatic]
    private static ActorCell? t_constructing;

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

    internal static ActorCell? Constructing => t_constructing;

    public EventLoop Loop { get; }

    /// <summary>Number of the actor within its system, in order of creation.</summary>
    public int Ordinal { get; }

    public Actor? Actor { get; private set; }

    public bool IsLive => _state == CellState.Live;

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

    public void Watch(ActorRef actor)
    {
        if (actor is not ActorCell cell)
            Tell(new Terminated(actor), actor);   // dead letters and the like never live
        else if (cell.Loop == Loop)
            cell.AddWatcher(this);
        else
            Loop.TellOther(cell, new WatchMessage(this, on: true), SystemMessage.Mark);
    }

    public void Unwatch(ActorRef actor)
    {
        if (actor is not ActorCell cell)
            return;
        if (cell.Loop == Loop)
            cell.RemoveWatcher(this);
        else
            Loop.TellOther(cell, new WatchMessage(this, on: false), SystemMessage.Mark);
    }

    public void Note(ulong fact) => Loop.Note(fact);

    /// <summary>Makes the first or the next instance.</summary>
    public void Create(Exception? restartReason)
    {
        if (_state is CellState.Stopped or CellState.Stopping)
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
            Terminate();
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

        if (message is JournalOutcome outcome && Actor is PersistentActor persistent && _state != CellState.Stopped)
        {
            persistent.ReceiveOutcome(outcome);
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

    /// <summary>Asks for the cell's end: at once, or after the message or commit that is under way.</summary>
    public void StopSelf()
    {
        if (_state is CellState.Stopped or CellState.Stopping)
            return;
        if (Actor is PersistentActor { IsCommitting: true })
            _state = CellState.Stopping;   // what was persisted is acknowledged first
        else
            Terminate();
    }

    public void StopChildren()
    {
        foreach (ActorRef child in Children)
            ((ActorCell)child).StopSelf();
    }

    /// <summary>Ends the cell now: children, timers, <see cref="Actor.PostStop"/>, watchers, waiting messages.</summary>
    public void Terminate()
    {
        if (_state == CellState.Stopped)
            return;
        _state = CellState.Stopped;
        for (ActorCell? child = _extras?.FirstChild; child is not null; child = _extras!.FirstChild)
            child.Terminate();
        CancelTimers();
        try
        {
            Actor?.PostStop();
        }
        catch (Exception e)
        {
            Log.Error($"PostStop failed: {e.Message}", e);
        }

        Actor = null;
        _parent?.RemoveChild(this);
        if (_extras is null)
            return;
        foreach (ActorRef watcher in _extras.Watchers ?? [])
            watcher.Tell(new Terminated(this), this);
        DropWaiting();
        _extras = null;
    }

    public void AddWatcher(ActorRef watcher)
    {
        if (_state == CellState.Stopped)
        {
            watcher.Tell(new Terminated(this), this);
            return;
        }

        List<ActorRef> watchers = Extras.Watchers ??= [];
        if (!watchers.Contains(watcher))
            watchers.Add(watcher);
    }

    public void RemoveWatcher(ActorRef watcher) => _extras?.Watchers?.Remove(watcher);

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
        if (message is not LateTimer late)
            message.Execute(this);
        else if (_state == CellState.Live)
            late.Execute(this);
        else if (_state == CellState.Suspended)
            Wait(late, SystemMessage.Mark);
    }

    private Actor Construct()
    {
        ActorCell? outer = t_constructing;
        t_constructing = this;
        try
        {
            Actor actor = _props.Factory();
            return actor.Cell == this
                ? actor
                : throw new ActorInitializationException($"{Path}: the factory of {_props.TypeName} returned an instance of {actor.Cell.Path}; it must make a new one each time", inner: null);
        }
        finally
        {
            t_constructing = outer;
        }
    }

    private void Wait(object message, ActorRef? sender)
    {
        EnvelopeQueue waiting = Extras.Waiting ??= new EnvelopeQueue(4);
        if (waiting.Count >= Loop.System.Options.SuspendedMailboxCapacity)
            Loop.System.OnMailboxFull(message, sender, this);
        else
            waiting.Enqueue(this, message, sender);
    }

    private void DropWaiting()
    {
        while (_extras!.Stash is { } stash && stash.TryDequeue(out Envelope stashed))
            Loop.System.OnDeadLetter(stashed.Message, stashed.Sender, this);
        while (_extras.Waiting is { } waiting && waiting.TryDequeue(out Envelope envelope))
        {
            if (envelope.Sender != SystemMessage.Mark)
                Loop.System.OnDeadLetter(envelope.Message, envelope.Sender, this);
        }
    }

    private void RemoveChild(ActorCell child)
    {
        CellExtras extras = _extras!;
        if (child._previousSibling is null)
            extras.FirstChild = child._nextSibling;
        else
            child._previousSibling._nextSibling = child._nextSibling;
        if (child._nextSibling is null)
            extras.LastChild = child._previousSibling;
        else
            child._nextSibling._previousSibling = child._previousSibling;
        child._nextSibling = child._previousSibling = null;
        if (child._name is not null)
            extras.NamedChildren?.Remove(child._name);
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
