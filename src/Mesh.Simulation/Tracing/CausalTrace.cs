using Mesh.Actors;

namespace Mesh.Simulation.Tracing;

/// <summary>What a machine did at once, and why.</summary>
/// <param name="Id">Its number in the run, from 1.</param>
/// <param name="Seconds">When: virtual time.</param>
/// <param name="Machine">Which.</param>
/// <param name="Trigger">What came: a packet, a timer, the outcome of work, or something that was done to the machine.</param>
/// <param name="Handled">What its actors handled then, in order; at most <see cref="CausalTrace.MaxHandled"/>.</param>
/// <param name="Omitted">How many messages more.</param>
/// <param name="Cause">The number of the event that sent what came or armed the timer, 0 where none did: something was done to the machine. A periodic timer leads to the event that began it.</param>
public sealed record TraceEvent(long Id, double Seconds, string Machine, string Trigger, IReadOnlyList<HandledMessage> Handled, int Omitted, long Cause);

/// <summary>A message that an actor handled.</summary>
/// <param name="Actor">The actor's path.</param>
/// <param name="Message">The message's type.</param>
public sealed record HandledMessage(string Actor, string Message);

/// <summary>Remembers the last events of a simulation with their causes, so that one can be followed back. Costs nothing where there is none.</summary>
/// <remarks>Watching changes nothing: a run has the same digest with and without it.</remarks>
/// <param name="capacity">How many events are remembered; older ones are forgotten. Some 300 octets each.</param>
public sealed class CausalTrace(int capacity = 300_000)
{
    /// <summary>Messages of an event that are remembered.</summary>
    public const int MaxHandled = 12;

    private readonly TraceEvent?[] _ring = new TraceEvent?[capacity];
    private readonly List<HandledMessage> _handled = [];
    private (TimeSpan At, string Machine, string Trigger, long Cause) _begun;
    private int _omitted;
    private long _last;

    /// <summary>Number of the event that happens, 0 between two.</summary>
    internal long Current { get; private set; }

    /// <summary>The event with a number, or null where it is forgotten.</summary>
    public TraceEvent? Find(long id) => id > 0 && _ring[id % capacity] is { } found && found.Id == id ? found : null;

    /// <summary>The last event that is like this, or null.</summary>
    public TraceEvent? FindLast(Func<TraceEvent, bool> isWanted)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        for (long id = _last; id > 0 && id > _last - capacity; id--)
        {
            if (Find(id) is { } found && isWanted(found))
                return found;
        }

        return null;
    }

    /// <summary>An event, what caused it, what caused that, and so on, at most <paramref name="depth"/> of them.</summary>
    public IReadOnlyList<TraceEvent> Follow(TraceEvent last, int depth)
    {
        ArgumentNullException.ThrowIfNull(last);
        var chain = new List<TraceEvent>();
        for (TraceEvent? at = last; at is not null && chain.Count < depth; at = Find(at.Cause))
            chain.Add(at);
        return chain;
    }

    /// <summary>Something comes to a machine.</summary>
    /// <returns>False where it comes within an event, and is part of that.</returns>
    internal bool Begin(TimeSpan now, string machine, string trigger, long cause)
    {
        if (Current != 0)
            return false;
        Current = ++_last;
        _begun = (now, machine, trigger, cause);
        _handled.Clear();
        _omitted = 0;
        return true;
    }

    /// <summary>Lets a loop handle what is ready, and writes down what that is.</summary>
    internal void Run(EventLoop loop)
    {
        while (loop.HasReady)
        {
            if (loop.PeekReady() is not var (actor, message))
                _omitted++;
            else if (_handled.Count < MaxHandled)
                _handled.Add(new HandledMessage(actor, message));
            else
                _omitted++;
            loop.RunReady(limit: 1);
        }
    }

    /// <summary>The machine has done what it had to.</summary>
    internal void End()
    {
        _ring[Current % capacity] = new TraceEvent(Current, _begun.At.TotalSeconds, _begun.Machine, _begun.Trigger, [.. _handled], _omitted, _begun.Cause);
        Current = 0;
    }
}
