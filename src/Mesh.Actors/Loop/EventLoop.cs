using System.Runtime.CompilerServices;
using Mesh.Actors.Loop;

namespace Mesh.Actors;

/// <summary>Runs the actors of one system, one at a time: a run queue for what is due now, a timing wheel for what is due later, a clock reading, a
/// seeded random source and a running digest.</summary>
/// <remarks>
/// <para>A loop has no thread. A driver turns the crank and must do so from one thread at a time: <see cref="RealTime.RealTimeDriver"/> in production, the
/// simulation engine or a test otherwise.</para>
/// <para>Given the same inputs in the same order a loop does the same things: what it does depends on its time, its random source and
/// its messages, and on nothing else.</para>
/// </remarks>
public sealed class EventLoop
{
    private const int OutboxFlushLength = 256;

    [ThreadStatic]
    private static EventLoop? _current;

    private readonly EnvelopeQueue _queue = new(64);
    private readonly Queue<ActorCell> _resumed = new();
    private readonly TimingWheel _timers = new();
    private readonly TypeHashes _typeHashes = new();
    private readonly List<Outbox> _outboxes = [];
    private long _now;
    private long _delivered;
    private long _requestIds;
    private long _armings;
    private Digest _digest;
    private ActorCell? _running;
    private ActorRef? _sender;
    private object? _message;

    internal EventLoop(ActorSystem system, ulong seed, DateTimeOffset epoch)
    {
        System = system;
        Random = new DeterministicRandom(seed);
        Epoch = epoch;
        _digest.Add(seed);
    }

    /// <summary>The system whose actors this loop runs.</summary>
    public ActorSystem System { get; }

    /// <summary>Time since the loop began, monotonic. It stands still while a message is handled.</summary>
    public TimeSpan Now => new(_now);

    /// <summary>The wall clock's reading at loop time zero. A driver moves it when the machine's clock is set.</summary>
    public DateTimeOffset Epoch { get; set; }

    /// <summary>The wall clock as this machine sees it: it may be wrong and may jump.</summary>
    public DateTimeOffset UtcNow => Epoch + Now;

    /// <summary>The loop's own random source.</summary>
    public DeterministicRandom Random { get; }

    /// <summary>What the loop has done so far, in 64 bits.</summary>
    public Digest Digest => _digest;

    /// <summary>How many messages have been delivered.</summary>
    public long Delivered => _delivered;

    /// <summary>True while messages are waiting to be delivered at the present time.</summary>
    public bool HasReady => _queue.Count > 0 || _resumed.Count > 0 || !Inbox.IsEmpty;

    /// <summary>How many messages wait in the run queue, without those of suspended actors.</summary>
    public int ReadyCount => _queue.Count;

    /// <summary>When the earliest timer is due, or null where none is armed.</summary>
    public TimeSpan? NextDeadline => _timers.NextDue == long.MaxValue ? null : new TimeSpan(_timers.NextDue);

    /// <summary>How many timers are armed.</summary>
    public int ArmedTimerCount => _timers.Count;

    /// <summary>How often timers were armed so far; the next one gets this number as its <see cref="ArmedTimer.Arming"/>.</summary>
    public long Armings => _timers.Armings;

    internal static EventLoop? Current => _current;

    internal Inbox Inbox { get; } = new();

    internal ActorCell? Running => _running;

    internal ActorRef? Sender => _sender;

    internal object? Message => _message;

    internal TimingWheel Timers => _timers;

    internal EnvelopeQueue Queue => _queue;

    /// <summary>Who gets the next message that is ready, and its type; null where that is not known before. For watchers who let the loop deliver one message at a time.</summary>
    public (string Actor, string Message)? PeekReady() =>
        _resumed.Count == 0 && _queue.TryPeek(out Envelope next) ? (next.Target.Path, next.Message.GetType().Name) : null;

    /// <summary>The armed timers in the order in which they will fire: when, for whom, and the message.</summary>
    public IReadOnlyList<ArmedTimer> ArmedTimers() =>
        _timers.ToList().Select(static t => new ArmedTimer(t.Due, t.Target.Path, t.Message) { Arming = t.Sequence, Interval = t.Target.IntervalOf(t.Handle) }).ToList();

    /// <summary>Delivers what is due now, at most <paramref name="limit"/> messages. Timers do not fire.</summary>
    /// <returns>How many messages were delivered.</returns>
    public long RunReady(long limit = long.MaxValue)
    {
        long before = _delivered;
        EventLoop? outer = _current;
        _current = this;
        try
        {
            TakeInbox();
            long stop = limit > long.MaxValue - before ? long.MaxValue : before + limit;
            while (_delivered < stop && !Deliver(stop))
            {
                // An actor threw: Deliver has told its supervisor. On with the next message.
            }
        }
        finally
        {
            _current = outer;
            _running = null;
            _message = null;
            _sender = null;
        }

        FlushOutboxes();
        return _delivered - before;
    }

    /// <summary>Lets time pass up to <paramref name="time"/>: delivers everything that is due by then, timers in the order (due time, arming).</summary>
    /// <param name="time">Where the clock stands afterwards; not before <see cref="Now"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Time would run backwards.</exception>
    public void RunUntil(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, Now);
        RunReady();
        while (_timers.NextDue <= time.Ticks)
        {
            FireNext(time);
            RunReady();
        }

        _now = time.Ticks;
    }

    /// <summary>Moves the clock to the earliest timer and fires it, if it is due by <paramref name="limit"/>. What it sets off waits in the run queue.</summary>
    /// <returns>False where no timer is due by then.</returns>
    public bool FireNext(TimeSpan limit)
    {
        if (!_timers.TryTake(limit.Ticks, out int index))
            return false;
        ref TimingWheel.Entry entry = ref _timers.At(index);
        if (entry.Due > _now)
            _now = entry.Due;
        ActorCell target = entry.Target;
        object message = entry.Message;
        ActorRef? sender = entry.Sender;
        if (entry.Named)
            target.NamedTimerFired(index, ref message, ref sender);
        else
            _timers.Release(index);
        EventLoop? outer = _current;
        _current = this;
        try
        {
            Deliver(target, message, sender);
        }
        catch (Exception e)
        {
            OnFailure(e);
        }
        finally
        {
            _current = outer;
            _running = null;
            _message = null;
            _sender = null;
        }

        return true;
    }

    /// <summary>Moves the clock without firing anything. For drivers that fire timers one by one.</summary>
    public void AdvanceClock(TimeSpan time)
    {
        if (time.Ticks > _now)
            _now = time.Ticks;
    }

    /// <summary>Tells <paramref name="target"/> a message after a delay, unless it is cancelled first.</summary>
    /// <exception cref="ArgumentException">The target does not live on this loop.</exception>
    public TimerHandle ScheduleTell(TimeSpan delay, ActorRef target, object message, ActorRef? sender = null)
    {
        if (target is not ActorCell cell || cell.Loop != this)
            throw new ArgumentException($"{target} does not live on this loop; only its own loop can schedule for it", nameof(target));
        ArgumentNullException.ThrowIfNull(message);
        return _timers.Arm(_now, TimingWheel.DueAfter(_now, delay.Ticks), cell, message, sender, named: false);
    }

    /// <summary>The loop that an actor lives on. For ports that answer in virtual time.</summary>
    /// <exception cref="ArgumentException">The reference is not of an actor on a loop of this process.</exception>
    public static EventLoop Of(ActorRef actor) =>
        actor is ActorCell cell ? cell.Loop : throw new ArgumentException($"{actor} lives on no loop", nameof(actor));

    /// <summary>Takes a scheduled message back.</summary>
    /// <returns>False where it was delivered or cancelled before.</returns>
    public bool Cancel(TimerHandle handle) => _timers.Cancel(handle);

    /// <summary>Mixes a state-changing fact into the digest.</summary>
    public void Note(ulong fact) => _digest.Add(fact);

    /// <summary>Delivers a message from the outside world at the present time, before anything that is queued later. For drivers.</summary>
    public void Inject(ActorRef target, object message, ActorRef? sender = null)
    {
        if (target is not ActorCell cell || cell.Loop != this)
            throw new ArgumentException($"{target} does not live on this loop", nameof(target));
        _queue.Enqueue(cell, message, sender);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Tell(ActorCell target, object message, ActorRef? sender) => _queue.Enqueue(target, message, sender);

    internal long NextRequestId() => ++_requestIds;

    internal long NextArming() => ++_armings;

    /// <summary>Makes <paramref name="cell"/> the sender of what is told from here on, for callbacks that no message sets off.</summary>
    /// <returns>Who it was before.</returns>
    internal ActorCell? RunAs(ActorCell? cell)
    {
        ActorCell? before = _running;
        _running = cell;
        return before;
    }

    /// <summary>Goes on with the handling of an earlier message.</summary>
    internal void ReturnTo(object? message, ActorRef? sender) => (_message, _sender) = (message, sender);

    internal void TellSystem(ActorCell target, SystemMessage message) => _queue.Enqueue(target, message, SystemMessage.Mark);

    internal void TellOther(ActorCell target, object message, ActorRef? sender)
    {
        Outbox outbox = OutboxTo(target.Loop);
        outbox.Add(target, message, sender);
        if (outbox.Count >= OutboxFlushLength)
            outbox.Flush();
    }

    /// <summary>The cell came back from suspension with messages waiting: they go before anything in the run queue.</summary>
    internal void Resume(ActorCell cell) => _resumed.Enqueue(cell);

    /// <summary>Delivers within the delivery that is under way.</summary>
    internal void DeliverNow(ActorCell cell, object message, ActorRef? sender) => Deliver(cell, message, sender);

    // Returns true when there is nothing left to do (or the limit is reached), false after an actor threw. The try block is outside the loop
    // because entering one costs more than delivering a message.
    private bool Deliver(long stop)
    {
        try
        {
            while (_delivered < stop)
            {
                if (_resumed.Count > 0)
                {
                    DeliverResumed();
                    continue;
                }

                if (!_queue.TryDequeue(out Envelope envelope))
                {
                    if (!TakeInbox())
                        return true;
                    continue;
                }

                Deliver(envelope.Target, envelope.Message, envelope.Sender);
            }

            return true;
        }
        catch (Exception e)
        {
            OnFailure(e);
            return false;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Deliver(ActorCell cell, object message, ActorRef? sender)
    {
        _delivered++;
        _digest.Add((ulong)_now ^ ((ulong)(uint)cell.Ordinal << 40) ^ _typeHashes.Of(message));
        _running = cell;
        _sender = sender;
        _message = message;
        if (cell.IsLive && sender != SystemMessage.Mark && message != PoisonPill.Instance && message != Kill.Instance)
            cell.Actor!.Dispatch(message);
        else
            cell.ReceiveSpecial(message, sender);
    }

    private void DeliverResumed()
    {
        ActorCell cell = _resumed.Peek();
        if (cell.TryTakeWaiting(out Envelope waiting))
            Deliver(waiting.Target, waiting.Message, waiting.Sender);
        else
            _resumed.Dequeue();
        if (cell.IsStopping)
        {
            _running = null;   // its handler has returned
            cell.FinishStopping();
        }
    }

    private void OnFailure(Exception e)
    {
        ActorCell cell = _running!;
        object? message = _message;
        _running = null;
        cell.Fail(e, message);
    }

    private bool TakeInbox()
    {
        Span<Envelope> arrived = Inbox.Take();
        if (arrived.IsEmpty)
            return false;
        foreach (ref Envelope envelope in arrived)
            _queue.Enqueue(envelope.Target, envelope.Message, envelope.Sender);
        arrived.Clear();
        return true;
    }

    private Outbox OutboxTo(EventLoop destination)
    {
        foreach (Outbox known in _outboxes)
        {
            if (known.Destination == destination)
                return known;
        }

        var outbox = new Outbox(destination);
        _outboxes.Add(outbox);
        return outbox;
    }

    private void FlushOutboxes()
    {
        foreach (Outbox outbox in _outboxes)
            outbox.Flush();
    }

    /// <summary>Messages for another loop, handed over in batches.</summary>
    private sealed class Outbox(EventLoop destination)
    {
        private readonly Envelope[] _batch = new Envelope[OutboxFlushLength];

        public EventLoop Destination => destination;

        public int Count { get; private set; }

        public void Add(ActorCell target, object message, ActorRef? sender) =>
            _batch[Count++] = new Envelope { Target = target, Message = message, Sender = sender };

        public void Flush()
        {
            if (Count == 0)
                return;
            destination.Inbox.Post(_batch.AsSpan(0, Count));
            _batch.AsSpan(0, Count).Clear();
            Count = 0;
        }
    }
}

/// <summary>An armed timer, for tests and diagnostics.</summary>
/// <param name="Due">Loop time at which it fires.</param>
/// <param name="Path">The actor that gets the message.</param>
/// <param name="Message">The message.</param>
public readonly record struct ArmedTimer(TimeSpan Due, string Path, object Message)
{
    /// <summary>Its number among all armings of the loop, from 0. A periodic timer gets another one each time it fires, before its message is delivered.</summary>
    public long Arming { get; init; }

    /// <summary>How often it fires; zero: once.</summary>
    public TimeSpan Interval { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Due} {Path} <- {Message}";
}
