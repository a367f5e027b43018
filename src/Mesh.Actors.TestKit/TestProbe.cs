namespace Mesh.Actors.TestKit;

/// <summary>An actor that records what it is told, and a test's means to speak as that actor.</summary>
public sealed class TestProbe
{
    private readonly ActorTestKit _kit;
    private readonly Queue<(object Message, ActorRef Sender, TimeSpan At)> _queue = new();

    internal TestProbe(ActorTestKit kit, string name)
    {
        _kit = kit;
        Ref = kit.ActorOf(Props.Create(() => new ProbeActor(this)), name);
    }

    /// <summary>The probe's reference, to hand out.</summary>
    public ActorRef Ref { get; }

    /// <summary>Sender of the message that was last expected; what <see cref="Reply"/> answers.</summary>
    public ActorRef? LastSender { get; private set; }

    /// <summary>Virtual time at which the message that was last expected arrived.</summary>
    public TimeSpan LastArrival { get; private set; }

    /// <summary>Messages that arrived and were not expected yet.</summary>
    public int PendingCount => _queue.Count;

    /// <summary>Tells an actor something in the probe's name, and delivers it.</summary>
    public void Send(ActorRef actor, object message)
    {
        ArgumentNullException.ThrowIfNull(actor);
        actor.Tell(message, Ref);
        _kit.Settle();
    }

    /// <summary>Answers the sender of the message that was last expected.</summary>
    public void Reply(object message) => Send(LastSender ?? throw new InvalidOperationException("no message was expected yet"), message);

    /// <summary>Watches an actor.</summary>
    public void Watch(ActorRef actor) => Send(Ref, new WatchCommand(actor));

    /// <summary>Waits for the next message, which must be of type <typeparamref name="T"/>.</summary>
    /// <param name="limit">Virtual time that may pass; default <see cref="ActorTestKit.DefaultLimit"/>.</param>
    /// <exception cref="TestKitException">Another message came, or none.</exception>
    public T ExpectMsg<T>(TimeSpan? limit = null)
    {
        _kit.AwaitCondition(() => _queue.Count > 0, $"a {typeof(T).Name} at {Ref}", limit);
        (object message, LastSender, LastArrival) = _queue.Dequeue();
        return message is T expected ? expected : throw _kit.Fail($"{Ref} expected a {typeof(T).Name} and got {message.GetType().Name}: {message}");
    }

    /// <summary>Waits for the next message, which must equal <paramref name="expected"/>.</summary>
    /// <exception cref="TestKitException">Another message came, or none.</exception>
    public T ExpectMsg<T>(T expected, TimeSpan? limit = null)
    {
        T message = ExpectMsg<T>(limit);
        return EqualityComparer<T>.Default.Equals(message, expected) ? message : throw _kit.Fail($"{Ref} expected {expected} and got {message}");
    }

    /// <summary>Waits for a message of type <typeparamref name="T"/> and drops others that come before it.</summary>
    /// <exception cref="TestKitException">None came.</exception>
    public T FishForMsg<T>(Func<T, bool>? predicate = null, TimeSpan? limit = null)
    {
        T found = default!;
        int dropped = 0;
        try
        {
            _kit.AwaitCondition(() => TryFish(predicate, ref dropped, out found), $"a {typeof(T).Name} at {Ref}", limit);
        }
        catch (TestKitException e) when (dropped > 0)
        {
            throw new TestKitException($"{e.Message}\n  dropped meanwhile: {dropped} messages");
        }

        return found;
    }

    /// <summary>Waits for the <see cref="Terminated"/> of a watched actor.</summary>
    public void ExpectTerminated(ActorRef actor, TimeSpan? limit = null) => ExpectMsg(new Terminated(actor), limit);

    /// <summary>Lets time pass and fails if anything arrives meanwhile.</summary>
    /// <exception cref="TestKitException">Something arrived.</exception>
    public void ExpectNoMsg(TimeSpan duration)
    {
        _kit.Advance(duration);
        if (_queue.Count > 0)
            throw _kit.Fail($"{Ref} expected nothing and got {_queue.Peek().Message}");
    }

    /// <summary>Takes all messages that have arrived.</summary>
    public IReadOnlyList<object> ReceiveAll()
    {
        _kit.Settle();
        var all = _queue.Select(m => m.Message).ToList();
        _queue.Clear();
        return all;
    }

    private bool TryFish<T>(Func<T, bool>? predicate, ref int dropped, out T found)
    {
        while (_queue.Count > 0)
        {
            (object message, LastSender, LastArrival) = _queue.Dequeue();
            if (message is T candidate && (predicate is null || predicate(candidate)))
            {
                found = candidate;
                return true;
            }

            dropped++;
        }

        found = default!;
        return false;
    }

    private sealed record WatchCommand(ActorRef Actor);

    private sealed class ProbeActor(TestProbe probe) : Actor
    {
        protected override void Receive(object message)
        {
            if (message is WatchCommand watch)
                Context.Watch(watch.Actor);
            else
                probe._queue.Enqueue((message, Sender, Context.Now));
        }
    }
}
