using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Routing;

public sealed class RouteBookTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_changes_it_has_what_a_sorted_dictionary_has(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var book = new RouteBook();
        var expected = new SortedDictionary<Ipv6Prefix, NodeRoute>();
        for (int round = 0; round < 500; round++)
        {
            var before = expected.ToDictionary();
            for (int i = random.Next(6); i > 0; i--)
            {
                // Prefixes of several lengths, so that some begin alike.
                var destination = new Ipv6Prefix((UInt128)(ulong)random.Next(12) << 120, random.Next(6, 9));
                NodeRoute? route = random.Next(3) == 0 ? null : Route(destination, tunnel: random.Next(1, 4));
                book.Change(destination, route);
                if (route is null)
                    expected.Remove(destination);
                else
                    expected[destination] = route;
            }

            bool isOther = before.Count != expected.Count || before.Any(old => !expected.TryGetValue(old.Key, out NodeRoute? now) || now != old.Value);
            Assert.Equal(isOther, book.Apply());
            Assert.Equal(expected.Values, book.Routes);
            Assert.Equal(isOther, book.Others.Count > 0);
            Assert.Equal(before.Keys.Union(expected.Keys).Where(key => before.GetValueOrDefault(key) != expected.GetValueOrDefault(key)).Order(), book.Others.Select(static other => other.Destination));
            Assert.All(book.Others, other => Assert.Equal(expected.GetValueOrDefault(other.Destination), other.Route));
        }
    }

    [Fact]
    public void Another_metric_alone_is_no_change()
    {
        var book = new RouteBook();
        NodeRoute route = Route(Ipv6Prefix.Parse("2001:db8::/32"), tunnel: 1);
        book.Change(route.Destination, route);
        Assert.True(book.Apply());
        book.Change(route.Destination, route with { Metric = 500 });
        Assert.False(book.Apply());
        Assert.False(book.Apply());
    }

    private static NodeRoute Route(Ipv6Prefix destination, int tunnel) => new(destination, new TunnelIndex(tunnel), new NodePrefix((UInt128)tunnel, 16), Metric: 96);
}
