using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane.Tests.Sealing;

public sealed class ReplayWindowTests
{
    [Fact]
    public void Each_counter_is_accepted_once()
    {
        var window = new ReplayWindow();
        Assert.Equal(Freshness.Newest, window.Accept(0));
        Assert.Equal(Freshness.Replayed, window.Accept(0));
        Assert.Equal(Freshness.Newest, window.Accept(2));
        Assert.Equal(Freshness.Late, window.Accept(1));
        Assert.Equal(Freshness.Replayed, window.Accept(1));
        Assert.Equal(Freshness.Replayed, window.Accept(2));
    }

    [Fact]
    public void The_window_is_exactly_2048_packets_wide()
    {
        var window = new ReplayWindow();
        window.Accept(10_000);
        Assert.Equal(Freshness.Late, window.Check(10_000 - (ReplayWindow.Size - 1)));
        Assert.Equal(Freshness.TooOld, window.Check(10_000 - ReplayWindow.Size));
    }

    [Fact]
    public void A_jump_far_ahead_forgets_everything_before()
    {
        var window = new ReplayWindow();
        for (ulong i = 0; i < 5000; i++)
            window.Accept(i);
        window.Accept(1UL << 59);
        Assert.Equal(Freshness.TooOld, window.Check(4999));
        for (ulong i = 1; i < ReplayWindow.Size; i++)
            Assert.Equal(Freshness.Late, window.Accept((1UL << 59) - i));
    }

    [Fact]
    public void Asking_records_nothing()
    {
        var window = new ReplayWindow();
        Assert.Equal(Freshness.Newest, window.Check(7));
        Assert.Equal(Freshness.Newest, window.Accept(7));
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 300)]
    [InlineData(3, 5000)]
    public void It_agrees_with_a_set_of_all_counters_seen(int seed, int spread)
    {
        var random = new Random(seed);
        var window = new ReplayWindow();
        var seen = new HashSet<ulong>();
        long highest = -1;
        for (int i = 0; i < 20_000; i++)
        {
            ulong counter = (ulong)Math.Max(0, highest + random.Next(-spread, spread / 4 + 2));
            Freshness expected = (long)counter > highest ? Freshness.Newest
                : highest - (long)counter >= ReplayWindow.Size ? Freshness.TooOld
                : seen.Contains(counter) ? Freshness.Replayed : Freshness.Late;
            Assert.Equal(expected, window.Check(counter));
            Assert.Equal(expected, window.Accept(counter));
            seen.Add(counter);
            highest = Math.Max(highest, (long)counter);
        }
    }
}
