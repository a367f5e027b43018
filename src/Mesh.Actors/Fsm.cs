namespace Mesh.Actors;

/// <summary>An actor with named states and data, in the manner of Akka's FSM.</summary>
/// <remarks>
/// Allowed transitions are declared with <see cref="Allow"/>; going anywhere else throws. The declarations are the state diagram:
/// <see cref="FsmDiagram"/> renders them, and tests hold the diagrams in <c>docs/</c> against them.
/// </remarks>
/// <typeparam name="TState">The states, an enumeration.</typeparam>
/// <typeparam name="TData">What goes with the state; immutable.</typeparam>
public abstract class Fsm<TState, TData> : Actor
    where TState : struct, Enum
{
    private static readonly object StateTimerKey = new();

    private readonly Dictionary<TState, Func<FsmEvent<TData>, FsmStep<TState, TData>?>> _handlers = [];
    private readonly Dictionary<TState, TimeSpan> _timeouts = [];
    private readonly List<FsmTransition<TState>> _allowed = [];
    private Action<TState, TState>? _onTransition;
    private Func<FsmEvent<TData>, FsmStep<TState, TData>?>? _unhandled;

    /// <summary>The present state.</summary>
    protected TState State { get; private set; }

    /// <summary>The present data.</summary>
    protected TData Data { get; private set; } = default!;

    /// <summary>The transitions that are declared.</summary>
    protected IReadOnlyList<FsmTransition<TState>> Allowed => _allowed;

    /// <summary>Says where the machine starts. Call it last in the constructor.</summary>
    protected void StartWith(TState state, TData data)
    {
        State = state;
        Data = data;
        ArmStateTimeout();
    }

    /// <summary>Declares a transition and why it happens.</summary>
    protected void Allow(TState from, TState to, string because) => _allowed.Add(new FsmTransition<TState>(from, to, because));

    /// <summary>Sets the handler for a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="handler">Returns <see cref="Stay"/>, <see cref="GoTo"/>, <see cref="StopStep"/>, or null for a message it does not know.</param>
    /// <param name="timeout">After so long in the state without another transition it gets a <see cref="StateTimeout"/>.</param>
    protected void When(TState state, Func<FsmEvent<TData>, FsmStep<TState, TData>?> handler, TimeSpan? timeout = null)
    {
        _handlers.Add(state, handler);
        if (timeout is { } after)
            _timeouts.Add(state, after);
    }

    /// <summary>Sets a handler for messages whose state's handler returned null.</summary>
    protected void WhenUnhandled(Func<FsmEvent<TData>, FsmStep<TState, TData>?> handler) => _unhandled = handler;

    /// <summary>Called on every transition, after the state has changed.</summary>
    protected void OnTransition(Action<TState, TState> observer) => _onTransition += observer;

    /// <summary>Stays where it is.</summary>
    protected FsmStep<TState, TData> Stay() => new(State, Data, Stop: false);

    /// <summary>Stays where it is, with other data.</summary>
    protected FsmStep<TState, TData> Stay(TData data) => new(State, data, Stop: false);

    /// <summary>Goes to another state with the same data.</summary>
    protected FsmStep<TState, TData> GoTo(TState state) => new(state, Data, Stop: false);

    /// <summary>Goes to another state with other data.</summary>
    protected FsmStep<TState, TData> GoTo(TState state, TData data) => new(state, data, Stop: false);

    /// <summary>Stops the actor.</summary>
    protected FsmStep<TState, TData> StopStep() => new(State, Data, Stop: true);

    /// <inheritdoc/>
    protected sealed override void Receive(object message)
    {
        var received = new FsmEvent<TData>(message, Data);
        FsmStep<TState, TData>? step = _handlers.TryGetValue(State, out Func<FsmEvent<TData>, FsmStep<TState, TData>?>? handler) ? handler(received) : null;
        step ??= _unhandled?.Invoke(received);
        if (step is null)
            Unhandled(message);
        else
            Apply(step);
    }

    /// <summary>Applies a step outside a handler, for what comes from a callback.</summary>
    protected void Apply(FsmStep<TState, TData> step)
    {
        ArgumentNullException.ThrowIfNull(step);
        TState from = State;
        bool isTransition = !step.Stop && !EqualityComparer<TState>.Default.Equals(step.State, from);
        if (isTransition && !_allowed.Exists(t => EqualityComparer<TState>.Default.Equals(t.From, from) && EqualityComparer<TState>.Default.Equals(t.To, step.State)))
            throw new InvalidOperationException($"{Self.Path}: {from} -> {step.State} is not a declared transition");
        Data = step.Data;
        if (step.Stop)
        {
            Context.Stop(Self);
            return;
        }

        if (!isTransition)
            return;
        State = step.State;
        Context.Note(Digest.OfText(State.ToString()));
        ArmStateTimeout();
        _onTransition?.Invoke(from, State);
    }

    private void ArmStateTimeout()
    {
        if (_timeouts.TryGetValue(State, out TimeSpan after))
            Context.Timers.StartSingle(StateTimerKey, StateTimeout.Instance, after);
        else
            Context.Timers.Cancel(StateTimerKey);
    }
}

/// <summary>A message and the data it meets.</summary>
public readonly record struct FsmEvent<TData>(object Message, TData Data);

/// <summary>What a handler decided.</summary>
public sealed record FsmStep<TState, TData>(TState State, TData Data, bool Stop);

/// <summary>A declared transition.</summary>
public readonly record struct FsmTransition<TState>(TState From, TState To, string Because);

/// <summary>The state has lasted as long as its timeout says.</summary>
public sealed class StateTimeout
{
    /// <summary>The only one there is.</summary>
    public static readonly StateTimeout Instance = new();

    private StateTimeout()
    {
    }
}

/// <summary>Renders declared transitions.</summary>
public static class FsmDiagram
{
    /// <summary>A Mermaid state diagram, one line per transition, in the order of declaration.</summary>
    public static string ToMermaid<TState>(TState start, IEnumerable<FsmTransition<TState>> transitions)
        where TState : struct, Enum
    {
        ArgumentNullException.ThrowIfNull(transitions);
        var lines = new List<string> { "stateDiagram-v2", $"    [*] --> {start}" };
        lines.AddRange(transitions.Select(t => $"    {t.From} --> {t.To}: {t.Because}"));
        return string.Join('\n', lines) + "\n";
    }
}
