namespace Mesh.Babel.Tests.Speaker;

/// <summary>What babeld does, as recorded, and what our speaker in the place of a peer makes of it.</summary>
public sealed class RecordingTests
{
    private static readonly BabelPrefix RoutesOfA = BabelPrefix.Parse("2001:db8:a::/64");

    /// <summary>babeld 1.12.1 takes back another prefix than the one that is gone.</summary>
    [Fact]
    public void A_wrong_retraction_harms_no_other_route_and_the_lost_one_lapses()
    {
        var recording = new Recording("07b-babeld-withdraw-bug", "fe80::b");
        BabelPrefix[] all = [RoutesOfA, BabelPrefix.Parse("2001:db8:a:1::/64"), BabelPrefix.Parse("2001:db8:a:2::/63")];
        recording.RunTo(15.9);
        Assert.All(all, prefix => Assert.Equal((ushort)96, recording.Bench.SelectedMetric(prefix)));
        for (int second = 17; second < 100; second++)
        {
            recording.RunTo(second);
            Assert.Equal((ushort)96, recording.Bench.SelectedMetric(all[0]));
            Assert.Equal((ushort)96, recording.Bench.SelectedMetric(all[2]));
        }

        Assert.Null(recording.Bench.SelectedMetric(all[1]));
        Assert.True(recording.Bench.Speaker[BabelCounter.UnknownRetraction] > 0);
    }

    [Fact]
    public void An_orderly_stop_takes_the_routes_at_once_and_the_neighbour_within_two_seconds()
    {
        var recording = new Recording("09-wildcard-retraction-shutdown", "fe80::b");
        recording.RunTo(26.57);
        Assert.Equal((ushort)96, recording.Bench.SelectedMetric(RoutesOfA));
        recording.RunTo(26.59);
        Assert.Null(recording.Bench.SelectedMetric(RoutesOfA));
        recording.RunTo(28.6);
        Assert.Empty(recording.Bench.Speaker.Neighbours());
    }

    /// <summary>Four on one segment: each has three neighbours and their routes directly, until d leaves.</summary>
    [Theory]
    [InlineData("fe80::a")]
    [InlineData("fe80::b")]
    [InlineData("fe80::c")]
    public void A_lan_of_four_is_three_neighbours_each(string self)
    {
        var recording = new Recording("25-lan-four-nodes", self, LinkKind.Wired);
        recording.RunTo(39);
        Assert.Equal(3, recording.Bench.Speaker.Neighbours().Count);
        Assert.All(recording.Bench.Speaker.Neighbours(), n => Assert.Equal((96, 96, 96), (n.RxCost, n.TxCost, n.Cost)));
        string[] others = [.. new[] { "a", "b", "c", "d" }.Where(name => $"fe80::{name}" != self)];
        Assert.All(others, name =>
        {
            Assert.True(recording.Bench.Speaker.TryGetSelected(BabelPrefix.Parse($"2001:db8:{name}::/64"), out RouteSnapshot route));
            Assert.Equal((96, 0, BabelAddress.Parse($"fe80::{name}")), (route.Metric, route.RefMetric, route.NextHop));
        });
        Assert.True(recording.Bench.Speaker[BabelCounter.ForeignIhu] > 0);
        recording.RunTo(44);
        Assert.Equal(2, recording.Bench.Speaker.Neighbours().Count);
        Assert.Null(recording.Bench.SelectedMetric(BabelPrefix.Parse("2001:db8:d::/64")));
    }
}
