namespace Mesh.Actors.Ports;

/// <summary>Runs slow pure functions (RSA, key generation) away from the loop.</summary>
/// <remarks>In production a bounded pool of threads; in simulation the function runs at once and its outcome
/// is delivered after a modelled delay.</remarks>
public interface IWorkPool
{
    /// <summary>Queues <paramref name="work"/>. Its outcome arrives at <paramref name="replyTo"/> as a <see cref="WorkDone"/>,
    /// <see cref="WorkFailed"/> or, where the pool's queue is full, <see cref="WorkRejected"/>.</summary>
    /// <param name="tag">Comes back with the outcome, to tell one piece of work from another.</param>
    /// <param name="work">A pure function of what it closes over. It touches no actor state.</param>
    /// <param name="replyTo">Who gets the outcome.</param>
    void Run(object tag, Func<object> work, ActorRef replyTo);
}

/// <summary>The function returned <paramref name="Result"/>.</summary>
public sealed record WorkDone(object Tag, object Result);

/// <summary>The function threw <paramref name="Reason"/>.</summary>
public sealed record WorkFailed(object Tag, Exception Reason);

/// <summary>The queue was full; nothing was run. Try later.</summary>
public sealed record WorkRejected(object Tag);
