using Mesh.Actors;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Routing;

/// <content>Tables that are copied with a few changes are what new ones would be.</content>
public sealed partial class BabelActorTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void Whatever_changes_packets_go_where_the_published_routes_lead(ulong seed, bool nests)
    {
        var random = new DeterministicRandom(seed);
        var one = new PlayedRouter(this, 9, tunnel: 5);
        var other = new PlayedRouter(this, 10, tunnel: 6);
        one.Join(Subnet(9));
        other.Join(Subnet(10));
        // Subnets of nodes; and prefixes around some of them, around our own, and within one.
        BabelPrefix[] subnets = [.. Enumerable.Range(96, 12).Where(static number => number != 100).Select(Subnet)];
        BabelPrefix[] nested = [Parse("2001:db8:42:60::/60"), Parse("2001:db8:42:68::/62"), Parse("2001:db8:42:69:1::/80")];
        BabelPrefix[] prefixes = nests ? [.. subnets, .. nested] : subnets;
        var announced = new HashSet<(PlayedRouter Router, BabelPrefix Prefix)>();
        int tunnels = 0, none = 0;
        for (int round = 0; round < 40; round++)
        {
            foreach (PlayedRouter router in new[] { one, other })
            {
                for (int i = random.Next(3); i > 0; i--)
                {
                    BabelPrefix prefix = prefixes[random.Next(prefixes.Length)];
                    if (announced.Remove((router, prefix)))
                        router.Withdraw(prefix);
                    else if (announced.Add((router, prefix)))
                        router.Change((ushort)random.Next(1, 500), prefix);
                }
            }

            one.Exchange(TimeSpan.FromSeconds(2));
            IReadOnlyList<NodeRoute> routes = _dataPlane.Tables.Count > 0 && _routes.ReceiveAll().OfType<RoutesPublished>().LastOrDefault() is { } last ? last.Routes : [];
            if (routes.Count == 0)
                continue;
            foreach (BabelPrefix prefix in prefixes)
            {
                foreach (UInt128 address in new[] { prefix.Bits, prefix.Bits | (UInt128.MaxValue >> prefix.Length), prefix.Bits | 1 })
                {
                    NodeRoute? longest = routes.Where(route => route.Destination.Contains(new Ipv6Address(address))).MaxBy(static route => route.Destination.Length);
                    Route expected = Self.Subnet(Network).Contains(new Ipv6Address(address)) ? Route.Local : longest is null ? Route.Unreachable : Route.Through(longest.Tunnel);
                    Assert.Equal(expected, Table.Lookup(address));
                    (tunnels, none) = expected.Kind == RouteKind.Tunnel ? (tunnels + 1, none) : (tunnels, none + 1);
                }
            }
        }

        Assert.True(tunnels > 200, $"{tunnels} addresses were routed");
        Assert.True(none > 20, $"{none} addresses were not routed");
    }
}
