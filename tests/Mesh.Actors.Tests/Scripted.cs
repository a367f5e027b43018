namespace Mesh.Actors.Tests;

/// <summary>An actor that does what a test tells it to do. A message that is an <c>Action&lt;Scripted&gt;</c> is run inside it.</summary>
internal sealed class Scripted : Actor
{
    private readonly Script _script;

    private Scripted(Script script)
    {
        _script = script;
        script.Construct?.Invoke(this);
    }

    public IActorContext Surroundings => Context;

    public ActorRef Me => Self;

    public ActorRef From => Sender;

    public ActorTimers Clockwork => Context.Timers;

    public static Props Props(Script script) => Actors.Props.Create(() => new Scripted(script));

    public static Props Props(Action<Scripted, object>? receive = null) => Props(new Script { Receive = receive });

    public void PutAside() => Stash();

    public void TakeOut() => UnstashAll();

    public void Turn(Action<object>? behavior) => Become(behavior);

    public void Refuse(object message) => Unhandled(message);

    protected internal override SupervisorStrategy SupervisorStrategy => _script.Strategy?.Invoke() ?? base.SupervisorStrategy;

    protected internal override void PreStart() => _script.PreStart?.Invoke(this);

    protected internal override void PostStop() => _script.PostStop?.Invoke(this);

    protected internal override void PreRestart(Exception reason, object? message)
    {
        _script.PreRestart?.Invoke(this, reason, message);
        base.PreRestart(reason, message);
    }

    protected internal override void PostRestart(Exception reason)
    {
        _script.PostRestart?.Invoke(this, reason);
        base.PostRestart(reason);
    }

    protected override void Receive(object message)
    {
        if (message is Action<Scripted> run)
            run(this);
        else
            _script.Receive?.Invoke(this, message);
    }
}

/// <summary>What a <see cref="Scripted"/> actor does when.</summary>
internal sealed record Script
{
    public Action<Scripted>? Construct { get; init; }

    public Action<Scripted, object>? Receive { get; init; }

    public Action<Scripted>? PreStart { get; init; }

    public Action<Scripted>? PostStop { get; init; }

    public Action<Scripted, Exception, object?>? PreRestart { get; init; }

    public Action<Scripted, Exception>? PostRestart { get; init; }

    public Func<SupervisorStrategy>? Strategy { get; init; }
}

/// <summary>Thrown by tests.</summary>
internal sealed class Bang(string message = "bang") : Exception(message);

/// <summary>Shorthands.</summary>
internal static class Scripts
{
    public static TimeSpan Milliseconds(double count) => TimeSpan.FromMilliseconds(count);

    public static TimeSpan Seconds(double count) => TimeSpan.FromSeconds(count);

    /// <summary>Runs code inside an actor, at once.</summary>
    public static void Do(this TestKit.ActorTestKit kit, ActorRef actor, Action<Scripted> run)
    {
        actor.Tell(run);
        kit.Settle();
    }
}
