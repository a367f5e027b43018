using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.Babel.Mac;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Tests.Routing;

/// <content>Interfaces of the LAN.</content>
public sealed partial class BabelKernelLinksTests
{
    private static readonly Ipv6Address OnLan = Ipv6Address.Parse("fe80::aaaa");
    private static readonly byte[] Key = [.. Enumerable.Range(1, 16).Select(static i => (byte)i)];

    [Fact]
    public void A_neighbour_on_the_lan_is_reached_through_the_kernel_and_called_what_it_says()
    {
        Lan();
        var nine = OnTheLan(9, "fe80::9");
        nine.Announce(50, metric: 96);
        Run(nine);
        Assert.Equal(OnLan, _kernel.Addresses[Link]);
        Assert.Equal(
            [(Subnet(9), Node(9), 0, "eth0", 96), (Subnet(50), Node(9), 0, "eth0", 192)],
            _routes.Select(static route => (route.Destination, route.Via, route.Tunnel.Value, route.Device, route.Metric)));
        Assert.All(_kernel.Routes, static route => Assert.Equal(new KernelHop(Link, Ipv6Address.Parse("fe80::9")), route.Hop));
        Assert.Equal(Route.Local, _dataPlane.Tables[^1].Lookup(Subnet(9).AddressAt(5).Value));
        NeighbourStatus neighbour = Assert.Single(Neighbours());
        Assert.Equal((Node(9), 0, Link, "eth0", 2), (neighbour.Node, neighbour.Tunnel.Value, neighbour.KernelLink, neighbour.Device, neighbour.Routes));
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new ExplainRoute(Subnet(50).AddressAt(1)));
        RouteExplanation explanation = asker.ExpectMsg<RouteExplanation>();
        Assert.Equal(("eth0", "eth0"), (explanation.Route!.Device, Assert.Single(explanation.Prefixes[0].Routes).Device));
    }

    [Fact]
    public void A_neighbour_that_is_better_reached_through_a_tunnel_is_known_on_the_lan_too()
    {
        Tell(new KernelLinkUp(8, IsShared: false), new KernelPeerUp(8, Node(9), new TunnelIndex(5)));
        var tunnel = new Neighbour(this, 9, "fe80::9") { On = 8 };
        Run(tunnel);
        Lan();
        Run(tunnel, OnTheLan(9, "fe80::99"));
        Assert.Equal([5], Tunnels());
        Assert.Equal([(Node(9), "eth0", 0), (Node(9), null, 1)], Neighbours().Select(static neighbour => (neighbour.Node, neighbour.Device, neighbour.Routes)).OrderBy(static neighbour => neighbour.Routes));
    }

    [Fact]
    public void What_is_heard_on_the_lan_is_not_told_there_again()
    {
        Lan();
        Neighbour eight = OnTheLan(8, "fe80::8"), nine = OnTheLan(9, "fe80::9");
        Run(eight, nine);
        Assert.Equal([Subnet(8), Subnet(9)], _routes.Select(static route => route.Destination));
        Assert.Equal([Subnet(100)], eight.Heard);   // our own; nine's it would have from nine, which does not hear it in this test
    }

    [Fact]
    public void A_neighbour_on_the_lan_that_calls_itself_two_nodes_is_one_until_it_no_longer_says_so()
    {
        Lan();
        var nine = OnTheLan(9, "fe80::9");
        Run(nine);
        nine.Announce(8, metric: 0);
        Run(nine);
        Assert.Equal([Node(9), Node(9)], _routes.Select(static route => route.Via));   // nothing tells that it may not be the origin of both
        nine.Withdraw(9);
        Run(nine);
        nine.Withdraw(8);
        Run(nine);
        nine.Announce(8, metric: 0);
        Run(nine);
        Assert.Equal([Node(8)], _routes.Select(static route => route.Via));
        Assert.Equal(Node(8), Assert.Single(Neighbours()).Node);
    }

    [Fact]
    public void Only_who_has_the_networks_key_is_heard_on_the_lan()
    {
        Keys(new RoutingKeys(Key, null, AcceptsAny: false));
        Lan();
        Neighbour stranger = OnTheLan(8, "fe80::8"), member = new Neighbour(this, 9, "fe80::9") { Us = new BabelAddress(OnLan.Value), Keys = new MacKeys([MacKey.Create(MacAlgorithm.Blake2s128, Key)]) };
        Run(stranger, member);
        Assert.Equal([Subnet(9)], _routes.Select(static route => route.Destination));
        Assert.Equal(NeighbourAuthentication.Verified, Assert.Single(Neighbours()).Neighbour.Authentication);
        Assert.DoesNotContain(_kit.Log.Entries, static entry => entry.Level == LogLevel.Warning);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]   // the first key is being introduced
    public void Without_a_key_to_tell_them_apart_nothing_but_the_networks_prefixes_is_taken_from_the_lan(bool introducesKey)
    {
        Keys(introducesKey ? new RoutingKeys(Key, null, AcceptsAny: true) : RoutingKeys.None);
        Lan();
        var router = OnTheLan(8, "fe80::8");
        foreach (string prefix in (string[])["::/0", "2001:db8:77::/48", "192.0.2.0/24"])
            router.Announce(BabelPrefix.Parse(prefix));
        router.Announce(new RouteKey(BabelPrefix.Parse("::/0"), BabelPrefix.Parse("2001:db8:42::/48")));
        Run(router);
        Assert.Contains(new KernelHopRoute(Ipv6Prefix.Parse("::/0"), new KernelHop(Link, Ipv6Address.Parse("fe80::8"))) { From = Network.Prefix }, _kernel.Routes);
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new GetRoutes());
        Assert.Equal("::/0 from 2001:db8:42::/48, 2001:db8:42:8::/64", string.Join(", ", asker.ExpectMsg<RoutesStatus>().Routes.Select(static route => route.Route.Key.ToString())));
        Assert.Equal(introducesKey ? 0 : 1, _kit.Log.Entries.Count(static entry => entry.Level == LogLevel.Warning));   // that there is no key
    }

    [Fact]
    public void With_a_key_other_prefixes_pass_as_they_do_through_tunnels()
    {
        Keys(new RoutingKeys(Key, null, AcceptsAny: false));
        Lan();
        var member = new Neighbour(this, 9, "fe80::9") { Us = new BabelAddress(OnLan.Value), Keys = new MacKeys([MacKey.Create(MacAlgorithm.Blake2s128, Key)]) };
        member.Announce(BabelPrefix.Parse("2001:db8:77::/48"));
        Run(member);
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new GetRoutes());
        Assert.Contains(asker.ExpectMsg<RoutesStatus>().Routes, static route => route.Route.Prefix == BabelPrefix.Parse("2001:db8:77::/48"));
    }

    [Fact]
    public void Another_address_of_ours_begins_anew_and_what_is_about_the_old_name_of_a_link_is_passed_over()
    {
        Lan();
        Run(OnTheLan(9, "fe80::9"));
        Tell(new KernelLinkUp(Link, IsShared: true) { Lan = new LanLink("lan0", Ipv6Address.Parse("fe80::bbbb")) });
        Assert.Empty(_kernel.Routes);
        Assert.Equal((Ipv6Address.Parse("fe80::bbbb"), 1), (_kernel.Addresses[Link], _kernel.Closed.Count));
        Tell(new KernelLinkDown(Link) { Name = "eth0" });   // it was renamed
        Assert.Contains(Link, _kernel.Opened);
        Tell(new KernelLinkDown(Link) { Name = "lan0" });
        Assert.DoesNotContain(Link, _kernel.Opened);
    }

    [Fact]
    public void Who_has_asked_for_a_link_of_the_lan_is_told_that_it_failed()
    {
        TestProbe lan = _kit.CreateProbe();
        lan.Send(_babel, new KernelLinkUp(Link, IsShared: true) { Lan = new LanLink("eth0", OnLan) });
        Tell(new KernelLinkFailed(Link, "somebody has it"));
        Assert.Equal("somebody has it", lan.ExpectMsg<KernelLinkFailed>().Reason);
        Assert.DoesNotContain(Link, _kernel.Opened);
    }

    [Fact]
    public void A_node_that_leaves_makes_the_lan_dear_too()
    {
        Lan();
        Neighbour eight = OnTheLan(8, "fe80::8"), nine = OnTheLan(9, "fe80::9");
        Run(eight, nine);
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new LeaveNetwork());
        _kit.Settle();
        Assert.Equal(0, asker.PendingCount);
        Assert.All(Neighbours(), static neighbour => Assert.Equal(96 * 16, neighbour.Neighbour.Cost));
        _kit.Advance(LeaveNetwork.Time);
        asker.ExpectMsg<LeftNetwork>();
        _kit.System.Stop(_babel);
        _kit.Settle();
        Assert.Contains(Link, _kernel.Closed);
    }

    private void Lan() => Tell(new KernelLinkUp(Link, IsShared: true) { Lan = new LanLink("eth0", OnLan) });

    private Neighbour OnTheLan(int number, string address) => new(this, number, address) { Us = new BabelAddress(OnLan.Value) };

    private void Keys(RoutingKeys keys)
    {
        var parameters = new NetworkParameters { Version = NetworkVersion.Initial, Protocol = 10, RegistryPrefix = Node(1), Hello = TimeSpan.FromSeconds(4) };
        _kit.System.EventStream.Publish(new NetworkParametersChanged(parameters) { Keys = keys });
        _kit.Settle();
    }

    private NeighbourStatus[] Neighbours()
    {
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new GetNeighbours());
        return [.. asker.ExpectMsg<NeighboursStatus>().Neighbours];
    }
}
