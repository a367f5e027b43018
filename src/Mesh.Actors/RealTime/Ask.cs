using Mesh.Actors.Loop;

namespace Mesh.Actors.RealTime;

/// <summary>Request and answer for code outside the actors: HTTP handlers, the command line, tests. Actors themselves tell.</summary>
public static class AskExtensions
{
    /// <summary>Tells <paramref name="actor"/> a message and waits for the first answer to it.</summary>
    /// <param name="actor">Who is asked.</param>
    /// <param name="message">The question.</param>
    /// <param name="timeout">In wall-clock time.</param>
    /// <param name="cancellation">Gives up earlier.</param>
    /// <exception cref="AskException">No answer in time, an answer of another type, or the answer was a <see cref="Failure"/>.</exception>
    public static async Task<T> Ask<T>(this ActorRef actor, object message, TimeSpan timeout, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(actor);
        if (EventLoop.Current is not null)
            throw new InvalidOperationException("Ask is for code outside the loop; an actor tells, and the answer comes as a message");
        var promise = new PromiseRef(actor.Path);
        actor.Tell(message, promise);
        object answer;
        try
        {
            answer = await promise.Answer.Task.WaitAsync(timeout, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new AskException($"{actor.Path} did not answer {message.GetType().Name} within {timeout.TotalSeconds:0.###} s");
        }

        return answer switch
        {
            T expected => expected,
            Failure failure => throw new AskException(failure.Reason),
            _ => throw new AskException($"{actor.Path} answered {message.GetType().Name} with {answer.GetType().Name}, expected {typeof(T).Name}"),
        };
    }

    private sealed class PromiseRef(string asked) : ActorRef
    {
        public TaskCompletionSource<object> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override string Path => $"/ask{asked}";

        public override void Tell(object message) => Tell(message, sender: null);

        public override void Tell(object message, ActorRef? sender)
        {
            // An answer of a persistent actor goes through its run queue, so that it can be held back until the commit.
            if (EventLoop.Current is { Running: { Actor: Persistence.PersistentActor } cell } loop && loop.Message is not ForwardMessage)
                loop.TellSystem(cell, new ForwardMessage(this, message, sender));
            else
                Answer.TrySetResult(message);
        }
    }
}

/// <summary>An answer that says why there is no other. <see cref="AskExtensions.Ask"/> turns it into an exception.</summary>
/// <param name="Reason">A sentence for a person.</param>
public sealed record Failure(string Reason);
