using Mesh.Babel.Wire;

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

    [Fact]
    public void Who_has_slept_says_hello_at_once_and_asks_for_the_tables_and_for_a_last_time_with_the_next_hello()
    {
        Bench bench = Awake();
        bench.Oversleep(20);
        bench.Speaker.Tick(bench.Now);
        bench.Advance(0.05);
        Assert.InRange(bench.Of(TlvKind.Hello).Count(), 3, 5);
        Assert.Equal(2, Wildcards(bench));
        bench.AdvanceWithHellos(30, (Bench.Link, Bench.Peer));
        Assert.Equal(3, Wildcards(bench));
        bench.AdvanceWithHellos(60, (Bench.Link, Bench.Peer));
        Assert.Equal(3, Wildcards(bench));
    }

    [Fact]
    public void Who_is_woken_by_a_packet_does_the_same()
    {
        Bench bench = Awake();
        bench.Oversleep(20);
        bench.Announce(0);
        bench.Advance(0.05);
        Assert.Equal(2, Wildcards(bench));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4.5)]
    public void Who_is_late_by_a_few_seconds_has_missed_nothing_that_is_not_said_again(double late)
    {
        Bench bench = Awake();
        for (int i = 0; i < 20; i++)
        {
            bench.Oversleep((bench.Speaker.NextDeadline - bench.Now).TotalSeconds + late);
            bench.Speaker.Tick(bench.Now);
        }

        Assert.Equal(0, Wildcards(bench));
    }

    private static Bench Awake()
    {
        Bench bench = WithPatientPeer();
        bench.AdvanceWithHellos(20, (Bench.Link, Bench.Peer));
        bench.Log.Clear();
        return bench;
    }

    private static int Wildcards(Bench bench) => bench.Of(TlvKind.RouteRequest).Count(static sent => sent.RouteRequest.Prefix is null && sent.Destination == BabelAddress.Multicast);
}
