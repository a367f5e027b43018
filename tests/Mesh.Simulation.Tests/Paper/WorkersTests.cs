using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class WorkersTests
{
    [Fact]
    public void All_work_at_the_same_time()
    {
        using var all = new Barrier(3);
        int met = 0;
        Workers.Run(3, () =>
        {
            if (all.SignalAndWait(TimeSpan.FromSeconds(60)))
                Interlocked.Increment(ref met);
        });
        Assert.Equal(3, met);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void What_one_of_them_throws_is_thrown_when_all_are_done(int threads)
    {
        int started = 0, ended = 0;
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => Workers.Run(threads, () =>
        {
            if (Interlocked.Increment(ref started) == threads)
                throw new InvalidOperationException("the last one");
            Interlocked.Increment(ref ended);
        }));
        Assert.Equal(("the last one", threads - 1), (thrown.Message, ended));
    }
}
