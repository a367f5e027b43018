using Mesh.Actors.Persistence;

namespace Embedding;

/// <summary>Add to the counter. Answer: <see cref="Count"/>.</summary>
public sealed record Increase(int Amount);

/// <summary>The counter's value.</summary>
public sealed record Count(long Value);

/// <summary>The counter was increased. Stored.</summary>
public sealed record Increased(int Amount);

/// <summary>Counts, and remembers what it has counted.</summary>
/// <remarks>A command becomes an event; the state changes only by events, now and when they are read back. The answer leaves after the event is on the disk.</remarks>
public sealed class CounterActor : PersistentActor
{
    private long _value;

    /// <inheritdoc/>
    public override string PersistenceId => "counter";

    /// <inheritdoc/>
    protected override void ReceiveCommand(object message)
    {
        switch (message)
        {
            case Increase increase:
                Persist(new Increased(increase.Amount), happened =>
                {
                    Apply(happened);
                    Sender.Tell(new Count(_value));
                });
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    /// <inheritdoc/>
    protected override void ReceiveRecover(object message)
    {
        if (message is Increased happened)
            Apply(happened);
    }

    private void Apply(Increased happened) => _value += happened.Amount;
}
