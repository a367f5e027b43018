using System.Net;
using Mesh.Actors;
using Mesh.Simulation.Paper;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.Underlay.Geography;

namespace Mesh.Simulation.Tests.Underlay;

public sealed class LatencyModelTests
{
    // Great-circle distances as calculators of airports and cities give them, to one per cent.
    [Theory]
    [InlineData("Paris", "New York", 5837)]
    [InlineData("London", "Singapore", 10_850)]
    [InlineData("tokyo", "san-francisco", 8270)]
    [InlineData("Sydney", "Buenos Aires", 11_800)]
    [InlineData("Paris", "Paris", 0)]
    public void Distances_on_the_globe_are_those_of_a_map(string one, string other, double kilometres)
    {
        Place from = Cities.Find(one)!.Place, to = Cities.Find(other)!.Place;
        Assert.InRange(GlobeLatency.Kilometres(from, to), kilometres * 0.99, kilometres * 1.01);
        Assert.Equal(GlobeLatency.Kilometres(from, to) / 199.861639 * 1.5, new GlobeLatency(1.5).Milliseconds(to, from), 1e-6);
    }

    [Fact]
    public void Cities_are_on_the_Earth_in_order_and_no_two_are_the_same()
    {
        Assert.InRange(Cities.All.Count, 60, 100);
        Assert.Equal(Cities.All.Select(static city => city.Name).Order(StringComparer.Ordinal).Distinct(StringComparer.Ordinal), Cities.All.Select(static city => city.Name), StringComparer.Ordinal);
        Assert.Equal(Cities.All.Count, Cities.All.Select(static city => city.Place).Distinct().Count());
        Assert.All(Cities.All, static city => Assert.True(city is { Latitude: > -60 and < 75, Longitude: >= -180 and <= 180 }));
        Assert.Null(Cities.Find("Atlantis"));
    }

    [Fact]
    public void A_matrix_gives_half_of_the_round_trip_and_its_mean_where_nothing_is_known()
    {
        var model = new MatrixLatency(LatencyFile.Parse("10000 20000\n0\n"));
        Assert.Equal(5, model.Milliseconds(MatrixLatency.Row(0), MatrixLatency.Row(1)));
        Assert.Equal(10, model.Milliseconds(MatrixLatency.Row(2), MatrixLatency.Row(0)));
        Assert.Equal(7.5, model.Milliseconds(MatrixLatency.Row(1), MatrixLatency.Row(2)));
        Assert.Equal(0, model.Milliseconds(MatrixLatency.Row(1), MatrixLatency.Row(1)));
        var random = new DeterministicRandom(1);
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 100).Select(_ => model.Draw(random, 40).X).Distinct().Order());
    }

    [Fact]
    public void Packets_take_as_long_as_the_model_says()
    {
        var world = new TestUnderlay(new InternetOptions { Jitter = TimeSpan.Zero, Latency = new GlobeLatency(2) });
        Machine paris = world.AddPublic("198.18.0.1", Cities.Find("Paris")!.Place), tokyo = world.AddPublic("198.18.0.2", Cities.Find("Tokyo")!.Place);
        var arrived = world.Listen(tokyo, 9);
        TestUnderlay.SendUdp(paris, 9, new IPEndPoint(tokyo.Address, 9));
        world.Run(TimeSpan.FromSeconds(1));
        Assert.InRange(Assert.Single(arrived).At.TotalMilliseconds, 97, 99);   // 9,712 km, twice, and 1 ms
        Assert.Equal(2 * arrived[0].At.TotalMilliseconds, world.Internet.RoundTrip(paris, tokyo).TotalMilliseconds, 1e-3);
    }
}
