using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>Intervals that change while the speaker runs.</summary>
public sealed class IntervalTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(i => (ulong)i)];

    /// <summary>Whoever misses the first of them goes by the old promise, and that is kept for a while.</summary>
    [Theory]
    [InlineData(60, 6000, 4)]
    [InlineData(0.5, 50, 0.5)]
    public void New_intervals_are_announced_at_once_in_hellos_and_ihus(double seconds, ushort centiseconds, double paceAtFirst)
    {
        var bench = new Bench();
        bench.Meet();
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 3, 0xEA, 0x60]);   // a Hello that promises the next one in 10 minutes
        bench.Advance(1);
        bench.Log.Clear();
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(seconds), bench.Now));
        Assert.Equal((ushort)(3 * centiseconds), Assert.Single(bench.Of(TlvKind.Ihu)).Ihu.IntervalCentiseconds);
        Assert.Equal(centiseconds, Assert.Single(bench.Of(TlvKind.Hello)).Hello.IntervalCentiseconds);
        bench.Advance((3 * paceAtFirst) + (seconds * 5));
        List<Bench.Sent> hellos = [.. bench.Of(TlvKind.Hello)];
        Assert.All(hellos, s => Assert.Equal(centiseconds, s.Hello.IntervalCentiseconds));
        double[] gaps = [.. hellos.Zip(hellos.Skip(1), (a, b) => (b.At - a.At).TotalSeconds)];
        Assert.All(gaps.Take(3), gap => Assert.InRange(gap, paceAtFirst * 0.87, paceAtFirst));
        Assert.All(gaps.Skip(3), gap => Assert.InRange(gap, seconds * 0.87, seconds));
        Assert.InRange(hellos.Count, 9, 10);
    }

    [Fact]
    public void Changes_one_after_the_other_keep_the_fastest_pace_that_was_promised()
    {
        var bench = new Bench();
        bench.Advance(1);
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(60), bench.Now));
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(30), bench.Now));
        bench.Log.Clear();
        bench.Advance(12);
        Assert.Equal(3, bench.Of(TlvKind.Hello).Count());
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(1), bench.Now));
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(100), bench.Now));
        bench.Log.Clear();
        bench.Advance(3);
        Assert.Equal(3, bench.Of(TlvKind.Hello).Count());
        bench.Advance(80);
        Assert.Equal(3, bench.Of(TlvKind.Hello).Count());
    }

    [Fact]
    public void When_they_grow_the_full_update_comes_when_it_was_promised_and_promises_the_new_interval()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Receive([42, 2, 0, 8, 4, 6, 0, 0, 0, 3, 0xEA, 0x60]);   // a Hello that promises the next one in 10 minutes
        bench.Advance(20);
        bench.Log.Clear();
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(60), bench.Now));
        bench.Advance(16);
        ReceivedUpdate update = Assert.Single(bench.Updates(Bench.Own));
        Assert.Equal(24000, update.IntervalCentiseconds);
        bench.Log.Clear();
        bench.Advance(180);
        Assert.Empty(bench.Updates(Bench.Own));
        bench.Advance(60);
        Assert.Single(bench.Updates(Bench.Own));
    }

    [Fact]
    public void When_they_shrink_the_full_update_comes_within_the_new_interval()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, HelloInterval = TimeSpan.FromSeconds(60) });
        bench.Meet();
        bench.Advance(1);
        bench.Log.Clear();
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(1), bench.Now));
        bench.Advance(4);
        Assert.Equal(400, Assert.Single(bench.Updates(Bench.Own)).IntervalCentiseconds);
    }

    [Fact]
    public void An_update_interval_of_its_own_can_be_given()
    {
        var bench = new Bench();
        bench.Meet();
        bench.Advance(1);
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(60), bench.Now, TimeSpan.FromSeconds(10)));
        bench.Log.Clear();
        bench.Advance(10);
        Assert.Equal(1000, Assert.Single(bench.Updates(Bench.Own)).IntervalCentiseconds);
    }

    /// <summary>Sections 2.8 and 3.5.4: a neighbour may believe our last announcement for as long as that said, not for as long as the next would have said.</summary>
    [Fact]
    public void After_they_shrink_a_lost_prefix_is_held_for_as_long_as_the_old_promise_lives()
    {
        var bench = new Bench(parameters: new InterfaceParameters { Address = Bench.Self, HelloInterval = TimeSpan.FromSeconds(60) });
        bench.Meet();
        bench.Announce(0, interval: 60000);
        bench.Advance(5);
        Assert.Equal((ushort)96, bench.SelectedMetric());
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(2), bench.Now));
        bench.Announce(Metric.Infinity);
        bench.Advance(800);
        Assert.Equal(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
        bench.Advance(60);
        Assert.NotEqual(Reachability.Unreachable, bench.Speaker.GetReachability(Bench.Far));
    }

    [Fact]
    public void The_same_intervals_cause_nothing_and_impossible_ones_are_refused_with_every_problem()
    {
        var bench = new Bench();
        bench.Advance(1);
        bench.Log.Clear();
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(4), bench.Now));
        Assert.Empty(bench.Log);
        Assert.False(bench.Speaker.SetIntervals(Bench.OtherLink, TimeSpan.FromSeconds(5), bench.Now));
        ArgumentException error = Assert.Throws<ArgumentException>(() => bench.Speaker.SetIntervals(Bench.Link, TimeSpan.Zero, bench.Now, TimeSpan.FromHours(1)));
        Assert.All(["HelloInterval", "UpdateInterval"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(200.01), bench.Now));
        Assert.Empty(bench.Log);
        Assert.True(bench.Speaker.SetIntervals(Bench.Link, TimeSpan.FromSeconds(200), bench.Now));   // the longest; updates then come as often as they have to
    }

    /// <summary>From 1 s to 160 s and back, on each node at a time of its own.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_neighbour_and_no_route_is_lost_while_intervals_grow_and_shrink(ulong seed)
    {
        VirtualNetwork network = Shapes.Line(4, seed, TimeSpan.FromSeconds(4));
        network.StartAll();
        network.RunFor(TimeSpan.FromMinutes(1));
        Assert.True(network.IsConverged(), network.FirstDifference());
        network.MustKeepRoutes = true;
        double[] intervals = [60, 1, 160, 15, 4, 0.2, 100];
        foreach (double interval in intervals)
        {
            foreach (VirtualNode node in network.Nodes)
            {
                VirtualNode changing = node;
                network.At(network.Now + network.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(30)), () => changing.Do(s =>
                    Assert.All(changing.Links, link => Assert.True(s.SetIntervals(link.Id, TimeSpan.FromSeconds(interval), network.Now)))));
            }

            // Long enough for whatever was promised with the interval before to lapse.
            network.RunFor(TimeSpan.FromSeconds(30) + (intervals.Max() * 4 * 3.5 * TimeSpan.FromSeconds(1)));
            network.AssertNoViolation();
            Assert.True(network.IsConverged(), network.FirstDifference());
        }

        Assert.All(network.Nodes, n => Assert.Equal(0, n.Speaker[BabelCounter.NeighboursLost]));
    }

    /// <summary>Whichever packet is lost, and whatever else may get lost with it in the same second.</summary>
    [Fact]
    public void Any_one_of_the_hellos_that_tell_of_a_longer_interval_may_be_lost()
    {
        for (int lost = 0; lost < 5; lost++)
        {
            VirtualNetwork network = Shapes.Line(2, seed: 1, TimeSpan.FromSeconds(4));
            network.StartAll();
            network.RunFor(TimeSpan.FromMinutes(1));
            network.MustKeepRoutes = true;
            network.Links[0].IsUp = lost != 0;
            network.Nodes[0].Do(s => s.SetIntervals(network.Links[0].Id, TimeSpan.FromSeconds(150), network.Now));
            for (int second = 0; second < 20; second++)
            {
                network.RunFor(TimeSpan.FromSeconds(1));
                network.Links[0].IsUp = second < lost * 4 - 2 || second > lost * 4;
            }

            network.RunFor(TimeSpan.FromHours(1));
            Assert.True(network.IsConverged(), network.FirstDifference());
            network.AssertNoViolation();
            Assert.Equal(0, network.Nodes[1].Speaker[BabelCounter.NeighboursLost]);
        }
    }
}
