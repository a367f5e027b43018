using Mesh.Actors.Ports;
using Mesh.Platform.Linux.Work;

namespace Mesh.Platform.Linux.Tests.Work;

public sealed class ThreadedWorkPoolTests
{
    private readonly Mailbox _asker = new();

    [Fact]
    public void Results_and_failures_come_back_with_their_tags()
    {
        using var pool = new ThreadedWorkPool(threadCount: 1, queueLength: 10);
        pool.Run("sum", () => 1 + 1, _asker);
        pool.Run("bad", () => throw new InvalidDataException("no"), _asker);
        Assert.Equal(new WorkDone("sum", 2), _asker.Next<WorkDone>());
        Assert.Equal(("bad", "no"), _asker.Next<WorkFailed>() is var failed ? (failed.Tag, failed.Reason.Message) : default);
    }

    [Fact]
    public void What_does_not_fit_the_queue_is_rejected_and_what_is_queued_is_finished()
    {
        using var started = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var pool = new ThreadedWorkPool(threadCount: 1, queueLength: 1);
        pool.Run(1, () => { started.Set(); gate.Wait(); return "first"; }, _asker);
        started.Wait();
        pool.Run(2, () => "second", _asker);
        pool.Run(3, () => "third", _asker);
        Assert.Equal(new WorkRejected(3), _asker.Next<WorkRejected>());
        gate.Set();
        pool.Dispose();
        Assert.Equal(new WorkDone(1, "first"), _asker.Next<WorkDone>());
        Assert.Equal(new WorkDone(2, "second"), _asker.Next<WorkDone>());
    }

    [Fact]
    public void Threads_work_side_by_side()
    {
        using var pool = new ThreadedWorkPool(threadCount: 2, queueLength: 10);
        using var meeting = new Barrier(2);
        for (int i = 0; i < 2; i++)
            pool.Run(i, () => meeting.SignalAndWait(TimeSpan.FromSeconds(30)), _asker);
        Assert.Equal(true, _asker.Next<WorkDone>().Result);
        Assert.Equal(true, _asker.Next<WorkDone>().Result);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void A_pool_without_threads_or_queue_is_refused(int threads, int queue) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ThreadedWorkPool(threads, queue));
}
