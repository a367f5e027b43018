using System.Collections.Concurrent;
using Mesh.Actors;
using Mesh.Actors.Ports;

namespace Mesh.Platform.Linux.Work;

/// <summary>A fixed number of threads with a bounded queue.</summary>
public sealed class ThreadedWorkPool : IWorkPool, IDisposable
{
    private readonly BlockingCollection<Work> _queue;
    private readonly Thread[] _threads;

    /// <summary>Starts the threads.</summary>
    /// <param name="threadCount">How many, at least 1.</param>
    /// <param name="queueLength">How much work may wait beside what is being done, at least 1.</param>
    public ThreadedWorkPool(int threadCount, int queueLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(queueLength, 1);
        _queue = new BlockingCollection<Work>(queueLength);
        _threads = new Thread[threadCount];
        for (int i = 0; i < threadCount; i++)
        {
            _threads[i] = new Thread(Serve) { Name = $"work-{i + 1}", IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <inheritdoc/>
    public void Run(object tag, Func<object> work, ActorRef replyTo)
    {
        if (_queue.IsAddingCompleted || !TryAdd(new Work(tag, work, replyTo)))
            replyTo.Tell(new WorkRejected(tag));
    }

    /// <summary>Takes no more work, finishes what is queued, and waits for it.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        _queue.Dispose();
    }

    private bool TryAdd(Work work)
    {
        try
        {
            return _queue.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            return false;   // the pool was closed just now
        }
    }

    private void Serve()
    {
        foreach (Work work in _queue.GetConsumingEnumerable())
            work.ReplyTo.Tell(Outcome(work));
    }

    private static object Outcome(Work work)
    {
        try
        {
            return new WorkDone(work.Tag, work.Function());
        }
        catch (Exception e)
        {
            return new WorkFailed(work.Tag, e);   // whoever asked judges it
        }
    }

    private sealed record Work(object Tag, Func<object> Function, ActorRef ReplyTo);
}
