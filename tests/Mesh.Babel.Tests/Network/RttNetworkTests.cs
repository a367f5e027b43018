namespace Mesh.Babel.Tests.Network;

/// <summary>Costs that follow delays (RFC 9616 section 4), in whole networks.</summary>
public sealed class RttNetworkTests
{
    private static readonly TimeSpan Hello = TimeSpan.FromSeconds(4);
    private static readonly RttParameters Re6st = new() { Max = TimeSpan.FromMilliseconds(500), MaxPenalty = 5000, Decay = 125 };

    /// <summary>Each is joined with the next, and the first with the last: two ways between opposite corners, of two links each.</summary>
    private static VirtualNetwork Square(ulong seed, double[] milliseconds)
    {
        var network = new VirtualNetwork(seed, Hello) { Rtt = Re6st, Jitter = TimeSpan.FromMilliseconds(1) };
        for (int i = 0; i < 4; i++)
            network.AddNode();
        for (int i = 0; i < 4; i++)
            network.Connect(network.Nodes[i], network.Nodes[(i + 1) % 4]).Latency = TimeSpan.FromMilliseconds(milliseconds[i]);
        network.StartAll();
        return network;
    }

    [Fact]
    public void Packets_take_the_way_of_least_delay_and_follow_it_when_it_changes()
    {
        VirtualNetwork network = Square(seed: 5, [20, 20, 100, 100]);
        VirtualNode from = network.Nodes[0];
        BabelPrefix to = network.Nodes[2].Prefix;
        network.RunFor(TimeSpan.FromMinutes(2));
        Assert.Equal(network.Nodes[1], from.NextHop(to));
        network.Links[0].Latency = TimeSpan.FromMilliseconds(240);
        network.RunFor(TimeSpan.FromMinutes(3));
        Assert.Equal(network.Nodes[3], from.NextHop(to));
        network.Links[0].Latency = TimeSpan.FromMilliseconds(20);
        network.RunFor(TimeSpan.FromMinutes(3));
        Assert.Equal(network.Nodes[1], from.NextHop(to));
        network.AssertNoViolation();
    }

    /// <summary>Two ways of the same mean delay, each of which is the better one again and again: without hysteresis every swing would move the route.</summary>
    [Theory]
    [InlineData(1, 40)]
    [InlineData(2, 90)]
    [InlineData(3, 200)]
    [InlineData(4, 400)]
    public void Delays_that_swing_by_a_tenth_move_no_route(ulong seed, double periodSeconds)
    {
        VirtualNetwork network = Square(seed, [100, 100, 100, 100]);
        network.RunFor(TimeSpan.FromMinutes(5));
        long changes = network.RouteChanges;
        long packets = network.Packets;
        for (int second = 0; second < 3600; second++)
        {
            for (int i = 0; i < 4; i++)
                network.Links[i].Latency = TimeSpan.FromMilliseconds(100 * (1 + (0.1 * Math.Sin((2 * Math.PI * second / periodSeconds) + (i * Math.PI / 2)))));
            network.RunFor(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(changes, network.RouteChanges);
        // Hellos, IHUs and full updates only: nothing is told because of the swings. 8 ends of links, at most 3600 s / 3.5 s Hellos and a quarter of that full updates.
        Assert.InRange(network.Packets - packets, 0, 8 * 3600 / 3.5 * 1.3);
        network.AssertNoViolation();
    }

    [Fact]
    public void A_round_trip_is_known_as_soon_as_the_link_works()
    {
        VirtualNetwork network = Square(seed: 6, [50, 50, 50, 50]);
        network.RunFor(Hello + TimeSpan.FromSeconds(1));
        Assert.All(network.Nodes.SelectMany(n => n.Speaker.Neighbours()), n =>
        {
            Assert.InRange(n.Rtt!.Value.TotalMilliseconds, 100, 102.5);
            Assert.Equal(96 + n.RttCost, n.Cost);
        });
    }
}
