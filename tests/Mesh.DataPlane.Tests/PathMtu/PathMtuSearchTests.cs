using Mesh.DataPlane.PathMtu;

namespace Mesh.DataPlane.Tests.PathMtu;

public sealed class PathMtuSearchTests
{
    [Fact]
    public void A_path_that_carries_the_longest_is_known_after_one_probe()
    {
        var search = new PathMtuSearch(1420);
        Assert.Equal((null, 1420, true), (search.Mtu, search.ProbeLength, search.IsSearching));
        Assert.True(search.Passed(1420));
        Assert.Equal((1420, 1420, false), (search.Mtu, search.ProbeLength, search.IsSearching));
    }

    [Fact]
    public void Every_width_is_found_within_eight_octets_and_few_probes()
    {
        for (int width = 1280; width <= 9000; width += 7)
        {
            var search = new PathMtuSearch(9000);
            int probes = Walk(search, width);
            Assert.InRange(search.Mtu!.Value, width - 8, width);
            Assert.InRange(probes, 1, 14);
        }
    }

    [Fact]
    public void A_path_narrower_than_IPv6_allows_is_told_and_given_up_nothing_when_it_widens()
    {
        var search = new PathMtuSearch(1420);
        Walk(search, 1200);
        Assert.Equal((null, true, 1280), (search.Mtu, search.IsTooNarrow, search.ProbeLength));
        Assert.True(search.Passed(1280));
        Assert.Equal((1280, false), (search.Mtu, search.IsTooNarrow));
    }

    [Fact]
    public void A_found_length_that_does_not_pass_any_more_is_left_at_once_and_another_found()
    {
        var search = new PathMtuSearch(1420);
        Walk(search, 1420);
        Assert.True(search.Lost(1420));
        Assert.Equal(1280, search.Mtu);
        Walk(search, 1333);
        Assert.InRange(search.Mtu!.Value, 1325, 1333);
        search.Raise();
        Assert.Equal((1420, true), (search.ProbeLength, search.IsSearching));
        Assert.True(search.Passed(1420));
        Assert.Equal((1420, false), (search.Mtu, search.IsSearching));
    }

    [Fact]
    public void What_comes_late_does_no_harm()
    {
        var search = new PathMtuSearch(1420);
        Assert.False(search.Lost(1420));
        Assert.False(search.Lost(1420));   // said twice
        Assert.Equal(1280, search.ProbeLength);
        Assert.True(search.Passed(1420));   // it was only slow
        Assert.Equal((1420, false), (search.Mtu, search.IsSearching));
        Assert.False(search.Passed(1300));
        Assert.False(search.Passed(2000));   // nobody asked for that
        Assert.False(search.Passed(100));
        Assert.Equal(1420, search.Mtu);
        Assert.Throws<ArgumentOutOfRangeException>(static () => new PathMtuSearch(1279));
    }

    private static int Walk(PathMtuSearch search, int width)
    {
        int probes = 0;
        while (search.IsSearching && !search.IsTooNarrow && probes < 100)
        {
            probes++;
            if (search.ProbeLength <= width)
                search.Passed(search.ProbeLength);
            else
                search.Lost(search.ProbeLength);
        }

        return probes;
    }
}
