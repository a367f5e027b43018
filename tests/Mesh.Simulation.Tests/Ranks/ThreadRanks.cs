using System.Runtime.ExceptionServices;
using Mesh.Simulation.Ranks;

namespace Mesh.Simulation.Tests.Ranks;

/// <summary>Ranks that are threads of this process, each with a world of its own, which meet as processes do. Where one fails, the others are ended.</summary>
internal sealed class ThreadRanks : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);   // a rank that waits for longer waits for one that will not come

    private readonly Barrier _barrier;
    private readonly CancellationTokenSource _failed = new();
    private readonly byte[][][] _messages;

    private ThreadRanks(int count)
    {
        _barrier = new Barrier(count);
        _messages = [.. Enumerable.Range(0, count).Select(_ => new byte[count][])];
    }

    /// <summary>Runs the same at all ranks, and gives what came of it by rank.</summary>
    public static T[] Run<T>(int count, Func<IRankLink, T> run)
    {
        using var ranks = new ThreadRanks(count);
        var results = new T[count];
        var failures = new ExceptionDispatchInfo?[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = run(new Link(ranks, rank, count));
            }
            catch (Exception e)
            {
                failures[rank] = ExceptionDispatchInfo.Capture(e);
                ranks._failed.Cancel();
            }
        })
        { Name = $"rank {rank}" })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        // That of whoever failed, not of those who then waited for it in vain.
        (failures.FirstOrDefault(static failure => failure is { SourceException: not OperationCanceledException }) ?? failures.FirstOrDefault(static failure => failure is not null))?.Throw();
        return results;
    }

    public void Dispose()
    {
        _barrier.Dispose();
        _failed.Dispose();
    }

    private void Meet()
    {
        if (!_barrier.SignalAndWait(Patience, _failed.Token))
            throw new TimeoutException("the other ranks do not come");
    }

    private sealed class Link(ThreadRanks ranks, int rank, int count) : IRankLink
    {
        public int Rank => rank;

        public int Count => count;

        public IReadOnlyList<ReadOnlyMemory<byte>> Exchange(IReadOnlyList<ReadOnlyMemory<byte>> messages)
        {
            for (int to = 0; to < count; to++)
                ranks._messages[rank][to] = to == rank ? [] : messages[to].ToArray();
            ranks.Meet();
            ReadOnlyMemory<byte>[] heard = [.. Enumerable.Range(0, count).Select(from => (ReadOnlyMemory<byte>)ranks._messages[from][rank])];
            ranks.Meet();
            return heard;
        }
    }
}
