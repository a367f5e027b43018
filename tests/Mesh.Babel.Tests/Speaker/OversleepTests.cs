namespace Mesh.Babel.Tests.Speaker;

/// <summary>A process that was stopped, or a machine that slept while the clock went on: times that are kept in two octets must not be taken for others.</summary>
public sealed class OversleepTests
{
    /// <summary>A neighbour that says Hello every 655 s is not missed for hours, so its routes lapse by their own time.</summary>
    private static Bench WithPatientPeer()
    {
        var bench = new Bench();
        for (int i = 0; i < 3; i++)
            bench.Receive(writer => bench.Hello(writer, Bench.Peer, ushort.MaxValue));
        bench.Ihu();
        return bench;
    }

    /// <summary>Two octets of deciseconds come round after 6,553.6 s.</summary>
    [Theory]
    [InlineData(57)]
    [InlineData(599)]
    [InlineData(700)]
    [InlineData(3_600)]
    [InlineData(6_540)]
    [InlineData(6_553.6)]
    [InlineData(6_600)]
    public void A_route_that_has_lapsed_meanwhile_is_lost(double seconds)
    {
        Bench bench = WithPatientPeer();
        bench.Announce(0, interval: 1600);   // lives for 56 s
        Assert.NotNull(bench.SelectedMetric());
        bench.Oversleep(seconds);
        bench.Speaker.Tick(bench.Now);
        Assert.Null(bench.SelectedMetric());
        Assert.Equal(Metric.Infinity, Assert.Single(bench.Speaker.Routes()).RefMetric);
        bench.Advance(60);
        Assert.Empty(bench.Speaker.Routes());
    }

    [Theory]
    [InlineData(500)]
    [InlineData(1_500)]
    [InlineData(2_200)]
    public void A_route_that_is_still_good_stays(double seconds)
    {
        Bench bench = WithPatientPeer();
        bench.Announce(0, interval: ushort.MaxValue);   // lives for 2,294 s
        TimeSpan left = Assert.Single(bench.Speaker.Routes()).ExpiresIn;
        bench.Oversleep(seconds);
        bench.Speaker.Tick(bench.Now);
        RouteSnapshot route = Assert.Single(bench.Speaker.Routes());
        Assert.Equal(0, route.RefMetric);
        Assert.Equal(left.TotalSeconds - seconds, route.ExpiresIn.TotalSeconds, 0.11);
    }

    /// <summary>For longer than two octets of deciseconds last.</summary>
    [Fact]
    public void The_cost_that_a_link_had_before_does_not_come_back()
    {
        var bench = new Bench();
        bench.Meet(cost: 96);
        bench.Announce(0, interval: 60_000);
        for (int i = 0; i < 7_000 / 4; i++)
        {
            bench.Ihu(cost: 2_000);
            bench.AdvanceWithHellos(4, (Bench.Link, Bench.Peer));
            bench.Announce(0, interval: 60_000);
            RouteSnapshot route = Assert.Single(bench.Speaker.Routes());
            if (i >= 15)   // it has settled then
                Assert.Equal((2_000, 2_000), (route.Metric, route.SmoothedMetric));
        }
    }

    [Fact]
    public void A_metric_has_settled()
    {
        Bench bench = WithPatientPeer();
        bench.Announce(0, interval: ushort.MaxValue);
        Assert.InRange((int)Assert.Single(bench.Speaker.Routes()).SmoothedMetric, 30_000, 40_000);
        bench.Oversleep(1_000);
        bench.Speaker.Tick(bench.Now);
        RouteSnapshot route = Assert.Single(bench.Speaker.Routes());
        Assert.Equal((96, 96), (route.Metric, route.SmoothedMetric));
    }
}
