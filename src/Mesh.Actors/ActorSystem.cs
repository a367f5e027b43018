using Mesh.Actors.Loop;
using Mesh.Actors.Persistence;

namespace Mesh.Actors;

/// <summary>Settings of an <see cref="ActorSystem"/>.</summary>
public sealed record ActorSystemOptions
{
    /// <summary>Name of the system, for logs. Default "mesh".</summary>
    public string Name { get; init; } = "mesh";

    /// <summary>Seed of the loop's random source. On real machines drawn from the operating system, and recorded.</summary>
    public ulong Seed { get; init; }

    /// <summary>The wall clock's reading at loop time zero. Default 2026-01-01, for simulations and tests.</summary>
    public DateTimeOffset Epoch { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Where persistent actors keep their events, or null where there are none.</summary>
    public IJournal? Journal { get; init; }

    /// <summary>The event types that the journal may hold.</summary>
    public EventSchema Schema { get; init; } = new();

    /// <summary>Where log entries go, or null to drop them.</summary>
    public ILogSink? Log { get; init; }

    /// <summary>How many messages may wait for a suspended actor; more go to the dead letters and are counted. Default 100,000.</summary>
    public int SuspendedMailboxCapacity { get; init; } = 100_000;

    /// <summary>How many messages an actor may stash. Default 10,000.</summary>
    public int StashCapacity { get; init; } = 10_000;
}

/// <summary>A tree of actors on one <see cref="EventLoop"/>.</summary>
public sealed class ActorSystem
{
    private readonly ActorCell _user;
    private readonly ActorCell _kernel;
    private int _ordinals;
    private bool _publishingDeadLetter;

    /// <summary>Makes an empty system. Nothing runs until a driver runs the <see cref="Loop"/>.</summary>
    public ActorSystem(ActorSystemOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        Loop = new EventLoop(this, options.Seed, options.Epoch);
        DeadLetters = new DeadLetterRef(this);
        var root = new ActorCell(Loop, Guardian.Props, parent: null, name: null, NextOrdinal());
        root.Create(restartReason: null);
        _kernel = (ActorCell)root.ActorOf(Guardian.Props, "system");
        _user = (ActorCell)root.ActorOf(Guardian.Props, "user");
        Loop.RunReady();
    }

    /// <summary>The settings.</summary>
    public ActorSystemOptions Options { get; }

    /// <summary>What runs the actors.</summary>
    public EventLoop Loop { get; }

    /// <summary>Publish and subscribe.</summary>
    public EventStream EventStream { get; } = new();

    /// <summary>The reference behind which nobody lives.</summary>
    public ActorRef DeadLetters { get; }

    /// <summary>Messages whose receiver was gone.</summary>
    public long DeadLetterCount { get; private set; }

    /// <summary>Messages their receivers did not understand.</summary>
    public long UnhandledCount { get; private set; }

    /// <summary>Exceptions that left handlers.</summary>
    public long FailureCount { get; private set; }

    /// <summary>Messages refused because too many waited for a suspended actor. They are dead letters too.</summary>
    public long MailboxFullCount { get; private set; }

    /// <summary>Log entries that the sink threw at instead of writing them.</summary>
    public long LogFailureCount { get; private set; }

    /// <summary>The last dead letter, for error messages.</summary>
    public DeadLetter? LastDeadLetter { get; private set; }

    /// <summary>The last failure, for error messages.</summary>
    public ActorFailed? LastFailure { get; private set; }

    /// <summary>Makes an actor under <c>/user</c>. Call it from the loop's thread, or before the loop is driven.</summary>
    /// <inheritdoc cref="IActorContext.ActorOf"/>
    public ActorRef ActorOf(Props props, string? name = null) => _user.ActorOf(props, name);

    /// <summary>Makes an actor under <c>/system</c>: one of the infrastructure, which outlives <see cref="StopUser"/>.</summary>
    /// <inheritdoc cref="IActorContext.ActorOf"/>
    public ActorRef SystemActorOf(Props props, string? name = null) => _kernel.ActorOf(props, name);

    /// <summary>Stops an actor. May be called from any thread.</summary>
    public void Stop(ActorRef actor)
    {
        if (actor is ActorCell cell && cell.Loop == Loop)
            cell.Tell(StopMessage.Instance, SystemMessage.Mark);
    }

    /// <summary>Stops everything under <c>/user</c>.</summary>
    public void StopUser() => _user.StopChildren();

    /// <summary>The actor at a path like <c>/user/registry</c>, or null.</summary>
    public ActorRef? Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0)
            return null;
        ActorRef? found = names[0] switch { "user" => _user, "system" => _kernel, _ => null };
        for (int i = 1; i < names.Length && found is not null; i++)
            found = ((ActorCell)found).Child(names[i]);
        return found;
    }

    /// <summary>Looks at an actor's state without a message, so that what is watched goes on as if nobody had looked. For simulations and tests; from the loop's driver, between messages.</summary>
    /// <param name="path">See <see cref="Find"/>.</param>
    /// <param name="question">What <see cref="Actor.Inspect"/> gets.</param>
    /// <returns>The answer, or null where there is no such actor or it has none.</returns>
    public object? Inspect(string path, object question) => Find(path) is { } actor ? Inspect(actor, question) : null;

    /// <inheritdoc cref="Inspect(string, object)"/>
    /// <param name="actor">One of this system's actors.</param>
    /// <param name="question">What <see cref="Actor.Inspect"/> gets.</param>
    public object? Inspect(ActorRef actor, object question) => actor is ActorCell { IsLive: true, Actor: { } instance } cell && cell.Loop == Loop ? instance.Inspect(question) : null;

    internal int NextOrdinal() => _ordinals++;

    internal void OnLogFailure() => LogFailureCount++;

    internal void OnDeadLetter(object message, ActorRef? sender, ActorRef recipient)
    {
        DeadLetterCount++;
        var letter = new DeadLetter(message, sender == SystemMessage.Mark ? null : sender, recipient);
        LastDeadLetter = letter;
        if (message is DeadLetter || _publishingDeadLetter)
            return;   // a dead letter about a dead letter would never end
        _publishingDeadLetter = true;
        EventStream.Publish(letter);
        _publishingDeadLetter = false;
    }

    internal void OnMailboxFull(object message, ActorRef? sender, ActorCell recipient)
    {
        if (MailboxFullCount++ == 0)
            recipient.Log.Warning($"more than {Options.SuspendedMailboxCapacity} messages wait for this suspended actor; further ones are dropped and counted");
        OnDeadLetter(message, sender, recipient);
    }

    internal void OnUnhandled(object message, ActorRef? sender, ActorCell recipient)
    {
        UnhandledCount++;
        recipient.Log.Debug($"did not expect {message.GetType().Name}");
        EventStream.Publish(new UnhandledMessage(message, sender, recipient));
    }

    internal void OnFailure(ActorCell cell, Exception reason, object? message, Directive directive)
    {
        FailureCount++;
        LastFailure = new ActorFailed(cell, reason, message, directive);
        cell.Log.Error($"{reason.GetType().Name} while it handled {message?.GetType().Name ?? "nothing"}: {reason.Message}; decision: {directive}", reason);
        EventStream.Publish(LastFailure);
    }

    /// <summary>The top of a tree: supervises, does nothing else.</summary>
    private sealed class Guardian : Actor
    {
        public static readonly Props Props = Props.Create<Guardian>();

        protected override void Receive(object message) => Unhandled(message);
    }

    private sealed class DeadLetterRef(ActorSystem system) : ActorRef
    {
        public override string Path => "/deadLetters";

        public override void Tell(object message) => Tell(message, EventLoop.Current?.Running);

        public override void Tell(object message, ActorRef? sender)
        {
            // Counters belong to the loop's thread; a letter from elsewhere is not worth a lock.
            if (EventLoop.Current == system.Loop)
                system.OnDeadLetter(message, sender, this);
        }
    }
}
