using Mesh.Actors;
using Mesh.Actors.Ports;

namespace Mesh.Registry.Http.Tests;

/// <summary>Runs work on the thread pool, a bounded number at a time.</summary>
internal sealed class ThreadWorkPool(int capacity = 64) : IWorkPool
{
    private int _running;

    /// <summary>Set: work waits until it is released.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    public void Run(object tag, Func<object> work, ActorRef replyTo)
    {
        if (Interlocked.Increment(ref _running) > capacity)
        {
            _ = Interlocked.Decrement(ref _running);
            replyTo.Tell(new WorkRejected(tag), sender: null);
            return;
        }

        _ = ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                Gate.Wait();
                object outcome;
                try
                {
                    outcome = new WorkDone(tag, work());
                }
                catch (Exception e)
                {
                    outcome = new WorkFailed(tag, e);
                }

                _ = Interlocked.Decrement(ref _running);
                replyTo.Tell(outcome, sender: null);
            },
            state: null);
    }
}
