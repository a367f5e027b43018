using Mesh.Actors.Loop;

namespace Mesh.Actors.Persistence;

/// <summary>An actor whose state is the sum of its stored events.</summary>
/// <remarks>
/// <para>A command is handled in <see cref="ReceiveCommand"/>, which decides and calls <see cref="Persist"/>; the state changes in the callback, after the event is durable, and in
/// <see cref="ReceiveRecover"/> when the events are read back. All events persisted while one message is handled are stored together or not at all.</para>
/// <para>Nothing gets out before the commit: messages that come meanwhile wait, and what the handler told others leaves after the commit. If the
/// journal fails, it never leaves. Port calls are not held back: make them in the callback.</para>
/// <para>In a callback <see cref="Actor.Sender"/> is the sender of the message whose handler persisted.</para>
/// <para>If a callback throws, the actor's supervisor decides; a restart reads the journal again, in which the event is.</para>
/// </remarks>
public abstract class PersistentActor : Actor
{
    private readonly List<(object Event, JournalEvent Stored, Action<object>? Callback)> _batch = [];
    private (object Event, JournalEvent Stored, Action<object>? Callback)[] _inFlight = [];
    private Envelope[] _held = [];
    private object? _command;
    private ActorRef? _commandSender;
    private Exception? _restartReason;
    private long _requestId;
    private long _lastAppended;   // ahead of LastSequenceNr while the callbacks of several events run
    private bool _persistAllowed;

    /// <summary>Name of the actor's stream in the journal. One living actor per stream, in all processes that share the journal.</summary>
    public abstract string PersistenceId { get; }

    /// <summary>Sequence number of the last event that was read back or whose callback has begun; 0 before the first. So a snapshot that is taken in a callback holds what it says.</summary>
    public long LastSequenceNr { get; private set; }

    /// <summary>True while events and snapshots are read back.</summary>
    protected bool IsRecovering { get; private set; } = true;

    /// <summary>True while an append is under way.</summary>
    internal bool IsCommitting { get; private set; }

    /// <summary>True until the stream has been read back.</summary>
    internal bool IsReplaying => IsRecovering;

    private IJournal Journal => Context.System.Options.Journal
        ?? throw new JournalException(JournalFailure.Unavailable, $"{Self.Path} is persistent, but the system has no journal");

    /// <summary>Handles one message after recovery. Change no state here that an event describes: persist the event and change the state in the callback.</summary>
    protected abstract void ReceiveCommand(object message);

    /// <summary>Changes the state by a stored event; a <see cref="SnapshotOffer"/> comes first where there is a snapshot, and <see cref="RecoveryCompleted"/> last.</summary>
    protected abstract void ReceiveRecover(object message);

    /// <summary>Stores an event and then calls <paramref name="callback"/> with it.</summary>
    /// <exception cref="JournalException">The event's type is not in the schema.</exception>
    protected void Persist<T>(T @event, Action<T> callback)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(callback);
        Append(@event, stored => callback((T)stored));
    }

    /// <summary>Stores several events together and then calls <paramref name="callback"/> with each.</summary>
    /// <inheritdoc cref="Persist"/>
    protected void PersistAll(IEnumerable<object> events, Action<object> callback)
    {
        ArgumentNullException.ThrowIfNull(events);
        foreach (object @event in events)
            Append(@event, callback);
    }

    /// <summary>Stores the present state, so that recovery need not read all events. Outcome: <see cref="SaveSnapshotSuccess"/> or <see cref="SaveSnapshotFailure"/>.</summary>
    /// <exception cref="JournalException">The state's type is not in the schema.</exception>
    protected void SaveSnapshot(object state)
    {
        (string name, int version, byte[] payload) = Context.System.Options.Schema.Serialize(state);
        Journal.SaveSnapshot(new SnapshotRequest(LastSequenceNr, PersistenceId, new JournalSnapshot(LastSequenceNr, name, version, payload, Context.UtcNow), Self));
    }

    /// <summary>Called when the journal has failed to store, before the supervisor is asked; by default the supervisor stops the actor.</summary>
    protected virtual void OnPersistFailure(JournalException reason)
    {
    }

    /// <summary>Commands only. Override <see cref="ReceiveCommand"/>.</summary>
    protected sealed override void Receive(object message) => ReceiveCommand(message);

    internal sealed override void Dispatch(object message)
    {
        if (message is JournalOutcome outcome)
            ReceiveOutcome(outcome);
        else
            RunAndCommit(message, base.Dispatch);
    }

    internal void BeginRecovery(Exception? restartReason)
    {
        _restartReason = restartReason;
        _requestId = NextRequestId();
        Journal.Load(new LoadRequest(_requestId, PersistenceId, Self));
    }

    /// <summary>Gives up what is under way: it failed, or the instance is being replaced.</summary>
    /// <returns>How many messages will never be sent.</returns>
    internal int Abandon()
    {
        Envelope[] held = _held;
        _inFlight = [];
        _held = [];
        (_command, _commandSender) = (null, null);
        IsCommitting = false;
        return Withdraw(held);
    }

    internal void ReceiveOutcome(JournalOutcome outcome)
    {
        switch (outcome)
        {
            case SnapshotSaved saved:
                if (Cell.IsLive)
                    RunAndCommit(new SaveSnapshotSuccess(saved.RequestId), base.Dispatch);
                break;
            case SnapshotFailed failed:
                Log.Warning($"snapshot at {failed.RequestId} was not stored: {failed.Reason}");
                if (Cell.IsLive)
                    RunAndCommit(new SaveSnapshotFailure(failed.RequestId, failed.Reason), base.Dispatch);
                break;
            case { } stale when stale.RequestId != _requestId:
                break;   // of an instance that a restart has replaced
            case EventsLoaded loaded:
                Replay(loaded);
                break;
            case LoadFailed failed:
                throw new JournalException(failed.Failure, failed.Reason);
            case AppendCompleted:
                Committed();
                break;
            case AppendFailed failed:
                NotCommitted(failed);
                break;
        }
    }

    private void Append(object @event, Action<object>? callback)
    {
        ArgumentNullException.ThrowIfNull(@event);
        if (!_persistAllowed)
            throw new InvalidOperationException($"{Self.Path}: Persist is only for handlers of messages, callbacks of Persist and {nameof(RecoveryCompleted)}, not for recovery");
        (string name, int version, byte[] payload) = Context.System.Options.Schema.Serialize(@event);
        _batch.Add((@event, new JournalEvent(_lastAppended + _batch.Count + 1, name, version, payload, Context.UtcNow), callback));
    }

    // What the handler tells others is taken back out of the run queue if it persisted something, and held until the commit.
    private void RunAndCommit(object message, Action<object> handler)
    {
        long mark = Cell.Loop.Queue.Tail;
        _persistAllowed = true;
        try
        {
            handler(message);
        }
        catch when (_batch.Count > 0)
        {
            _batch.Clear();
            Withdraw(Cell.Loop.Queue.TakeBackTo(mark));
            throw;
        }
        finally
        {
            _persistAllowed = false;
        }

        if (_batch.Count > 0)
            Commit(mark);
    }

    private void Commit(long mark)
    {
        _held = Cell.Loop.Queue.TakeBackTo(mark);
        (_command, _commandSender) = (Cell.Loop.Message, Cell.Loop.Sender);
        _inFlight = [.. _batch];
        _batch.Clear();
        IsCommitting = true;
        _requestId = NextRequestId();
        Cell.Suspend();
        Journal.Append(new AppendRequest(_requestId, PersistenceId, Array.ConvertAll(_inFlight, e => e.Stored), Self));
    }

    private void Committed()
    {
        (object Event, JournalEvent Stored, Action<object>? Callback)[] stored = _inFlight;
        Envelope[] held = _held;
        _inFlight = [];
        _held = [];
        IsCommitting = false;
        _lastAppended += stored.Length;
        foreach (Envelope envelope in held)
            Cell.Loop.Queue.Enqueue(envelope.Target, envelope.Message, envelope.Sender);
        Cell.Loop.ReturnTo(_command, _commandSender);
        (_command, _commandSender) = (null, null);
        RunAndCommit(stored, CallBack);
        if (!IsCommitting)
            Cell.Unsuspend();
    }

    private void CallBack(object committed)
    {
        foreach ((object @event, JournalEvent stored, Action<object>? callback) in ((object Event, JournalEvent Stored, Action<object>? Callback)[])committed)
        {
            LastSequenceNr = stored.SequenceNr;
            callback?.Invoke(@event);
        }
    }

    private void NotCommitted(AppendFailed failed)
    {
        Cell.Loop.ReturnTo(_command, _commandSender);
        int held = Abandon();
        var reason = new JournalException(failed.Failure, failed.Reason);
        if (held > 0)
            Log.Warning($"{held} messages that depended on the failed write were not sent");
        OnPersistFailure(reason);
        throw reason;
    }

    // What the kernel says, and what is said about it, is true whether the events are stored or not; children that nobody has heard of never start.
    private int Withdraw(Envelope[] held)
    {
        int withdrawn = 0;
        foreach (Envelope envelope in held)
        {
            if (envelope.Message is CreateMessage)
                envelope.Target.StopSelf();
            else if (envelope.Sender == SystemMessage.Mark ? envelope.Message is not ForwardMessage : envelope.Message is DeadLetter or UnhandledMessage or ActorFailed)
                Cell.Loop.Queue.Enqueue(envelope.Target, envelope.Message, envelope.Sender);
            else
                withdrawn++;
        }

        return withdrawn;
    }

    private void Replay(EventsLoaded loaded)
    {
        EventSchema schema = Context.System.Options.Schema;
        if (loaded.Snapshot is { } snapshot)
        {
            LastSequenceNr = snapshot.SequenceNr;
            Recover(snapshot.SequenceNr, "snapshot", () => new SnapshotOffer(snapshot.SequenceNr, snapshot.Utc, schema.Deserialize(snapshot.Type, snapshot.Version, snapshot.Payload)));
        }

        foreach (JournalEvent stored in loaded.Events)
        {
            if (stored.SequenceNr != LastSequenceNr + 1)
                throw new JournalException(JournalFailure.Corrupt, $"stream '{PersistenceId}': event {LastSequenceNr + 1} is missing, the next one is {stored.SequenceNr}");
            LastSequenceNr = stored.SequenceNr;
            Recover(stored.SequenceNr, "event", () => schema.Deserialize(stored.Type, stored.Version, stored.Payload));
        }

        if (!loaded.IsLast)
            return;
        IsRecovering = false;
        _lastAppended = LastSequenceNr;
        Exception? restartReason = _restartReason;
        _restartReason = null;
        RunAndCommit(RecoveryCompleted.Instance, m =>
        {
            Cell.Started(restartReason);
            ReceiveRecover(m);
        });
    }

    private void Recover(long sequenceNr, string what, Func<object> read)
    {
        object recovered;
        try
        {
            recovered = read();
        }
        catch (JournalException e)
        {
            throw new JournalException(e.Failure, $"stream '{PersistenceId}', {what} {sequenceNr}: {e.Message}", e);
        }

        ReceiveRecover(recovered);
    }

    // Unique within the loop for as long as it lives; the digest does not see it.
    private long NextRequestId() => Cell.Loop.NextRequestId();
}

/// <summary>The state as of a snapshot, offered to <see cref="PersistentActor.ReceiveRecover"/> before the events that follow it.</summary>
/// <param name="SequenceNr">The last event that the snapshot includes.</param>
/// <param name="Utc">The writer's wall clock when it was taken.</param>
/// <param name="State">What was given to SaveSnapshot.</param>
public sealed record SnapshotOffer(long SequenceNr, DateTimeOffset Utc, object State);

/// <summary>All events have been read back. The actor may persist again.</summary>
public sealed class RecoveryCompleted
{
    /// <summary>The only one there is.</summary>
    public static readonly RecoveryCompleted Instance = new();

    private RecoveryCompleted()
    {
    }
}

/// <summary>The snapshot taken at <paramref name="SequenceNr"/> is stored.</summary>
public sealed record SaveSnapshotSuccess(long SequenceNr);

/// <summary>The snapshot taken at <paramref name="SequenceNr"/> is not stored; nothing else is lost.</summary>
public sealed record SaveSnapshotFailure(long SequenceNr, string Reason);
