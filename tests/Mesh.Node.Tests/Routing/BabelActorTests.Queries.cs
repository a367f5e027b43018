using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Routing;

/// <content>What it says of routes and neighbours.</content>
public sealed partial class BabelActorTests
{
    [Fact]
    public void Routes_are_those_selected_and_the_alternatives_only_where_they_are_asked_for()
    {
        TwoNeighbours(out PlayedRouter near, out PlayedRouter far);
        near.Announce(metric: 96, Subnet(7));
        far.Announce(metric: 500, Subnet(7));
        RoutesStatus selected = Ask<RoutesStatus>(new GetRoutes());
        Assert.Equal([Subnet(7), Subnet(8), Subnet(9)], selected.Routes.Select(static route => route.Route.Prefix));
        Assert.All(selected.Routes, static route => Assert.Equal((RouteVerdict.Selected, PrefixUse.Forwarded), (route.Verdict, route.Use)));
        Assert.Equal((Node(9), new TunnelIndex(5), 96, 96, 192), selected.Routes[0] is var first ? (first.Via, first.Tunnel, first.Route.RefMetric, first.Link, first.Route.Metric) : default);
        Assert.Equal([new RouteKey(Subnet(100))], selected.Own);
        Assert.Equal(0, selected.Omitted);

        RoutesStatus all = Ask<RoutesStatus>(new GetRoutes(WithAlternatives: true));
        Assert.Equal([(Node(9), RouteVerdict.Selected), (Node(8), RouteVerdict.WorseMetric)], all.Routes.Where(static route => route.Route.Prefix == Subnet(7)).Select(static route => (route.Via, route.Verdict)));
    }

    [Fact]
    public void Routes_can_be_chosen_by_prefix_and_by_neighbour()
    {
        TwoNeighbours(out PlayedRouter near, out _);
        near.Announce(metric: 96, Subnet(7));
        Assert.Equal([Subnet(8), Subnet(9)], Prefixes(new GetRoutes(To: Ipv6Prefix.Parse("2001:db8:42:8::/63"))));
        Assert.Equal([Subnet(7), Subnet(9)], Prefixes(new GetRoutes(Via: Node(9))));
        Assert.Equal([Subnet(9)], Prefixes(new GetRoutes(Ipv6Prefix.Parse("2001:db8:42:8::/63"), Node(9))));
        Assert.Empty(Prefixes(new GetRoutes(Via: Node(77))));

        IEnumerable<BabelPrefix> Prefixes(GetRoutes question) => Ask<RoutesStatus>(question).Routes.Select(static route => route.Route.Prefix);
    }

    [Fact]
    public void An_answer_is_bounded_and_says_how_much_is_missing()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        peer.Announce(metric: 96, [.. Enumerable.Range(10, 6).Select(Subnet)]);
        RoutesStatus status = Ask<RoutesStatus>(new GetRoutes { Limit = 3 });
        Assert.Equal([Subnet(9), Subnet(10), Subnet(11)], status.Routes.Select(static route => route.Route.Prefix));
        Assert.Equal(4, status.Omitted);
    }

    [Fact]
    public void A_neighbour_that_only_repeats_what_it_has_from_us_is_not_feasible()
    {
        TwoNeighbours(out PlayedRouter near, out _);
        near.Announce(metric: 96, Subnet(7));
        RouteStatus echo = Others(7).Single();
        Assert.Equal((Node(8), RouteVerdict.Unfeasible, 288), (echo.Via, echo.Verdict, echo.Route.RefMetric));
        Assert.Equal(new FeasibilityDistance(echo.Route.Seqno, 192), echo.Distance);
    }

    [Fact]
    public void A_better_route_waits_until_it_has_been_better_for_a_while()
    {
        TwoNeighbours(out PlayedRouter near, out PlayedRouter far);
        near.Announce(metric: 300, Subnet(7));
        near.Exchange(TimeSpan.FromMinutes(1));   // until its smoothed metric is its metric
        far.Change(metric: 50, Subnet(7));
        far.Exchange(TimeSpan.FromSeconds(1));
        RouteStatus waiting = Others(7).Single();
        Assert.Equal((Node(8), RouteVerdict.Waiting, 146), (waiting.Via, waiting.Verdict, waiting.Route.Metric));
        Assert.True(waiting.Route.SmoothedMetric >= 396, $"{waiting.Route.SmoothedMetric}");
        far.Exchange(TimeSpan.FromSeconds(40));
        Assert.Equal((Node(8), RouteVerdict.Selected), Explain(7).Prefixes.Single().Routes[0] is var first ? (first.Via, first.Verdict) : default);
        Assert.Equal((Node(9), RouteVerdict.WorseMetric), Others(7).Single() is var other ? (other.Via, other.Verdict) : default);
    }

    [Fact]
    public void What_cannot_be_used_says_why()
    {
        TwoNeighbours(out PlayedRouter near, out PlayedRouter far);
        near.Announce(metric: 96, Subnet(7));
        far.Announce(metric: 65_500, Subnet(7));
        Assert.Equal(RouteVerdict.TooFar, Others(7).Single().Verdict);
        far.Withdraw(Subnet(8));
        Assert.Equal(RouteVerdict.Retracted, Explain(8).Prefixes.Single().Routes.Single(static route => route.Via == Node(8)).Verdict);
        Lock(6, Killer.HardMultiplier);
        RouteStatus locked = Others(7).Single();
        Assert.Equal((RouteVerdict.NeighbourUnusable, Metric.Infinity), (locked.Verdict, locked.Link));
        near.Announce(metric: 96, Subnet(100));
        Assert.Equal([RouteVerdict.OwnPrefix], Explain(100).Prefixes.Single().Routes.Select(static route => route.Verdict));
    }

    [Fact]
    public void An_explanation_says_what_happens_to_packets()
    {
        TwoNeighbours(out PlayedRouter near, out _);
        near.Announce(metric: 96, Subnet(7), Parse("2001:db8:42:64::/65"), Parse("2001:db8::/32"));
        RouteExplanation routed = Explain(7);
        Assert.Equal((RouteOutcome.Routed, Node(9), 192), (routed.Outcome, routed.Route!.Via, routed.Route.Metric));
        Assert.Equal(
            [(Subnet(7), PrefixUse.Forwarded, Reachability.Reachable), (Parse("2001:db8::/32"), PrefixUse.OutsideNetwork, Reachability.Reachable)],
            routed.Prefixes.Select(static prefix => (prefix.Key.Prefix, prefix.Use, prefix.Reachability)));
        RouteExplanation own = Explain(100);
        Assert.Equal((RouteOutcome.Own, null), (own.Outcome, own.Route));
        Assert.Equal([PrefixUse.OwnSubnet, PrefixUse.OwnSubnet, PrefixUse.OutsideNetwork], own.Prefixes.Select(static prefix => prefix.Use));
        Assert.Equal(Reachability.Own, own.Prefixes[1].Reachability);
        RouteExplanation nobodys = Explain(50);
        Assert.Equal((RouteOutcome.Unreachable, null), (nobodys.Outcome, nobodys.Route));
        RouteExplanation outside = Ask<RouteExplanation>(new ExplainRoute(Ipv6Address.Parse("fd00::1")));
        Assert.Equal((RouteOutcome.OutsideNetwork, true), (outside.Outcome, outside.Prefixes.IsEmpty));
        Assert.Equal(Self.NodeAddress(Network), outside.Source);
    }

    [Fact]
    public void A_route_that_was_just_lost_is_unreachable_and_known_to_be()
    {
        TwoNeighbours(out PlayedRouter near, out _);
        near.Announce(metric: 96, Subnet(7));
        _played.Remove(near);
        _babel.Tell(new RoutingLinkDown(new TunnelIndex(5)));
        RouteExplanation lost = Explain(7);
        Assert.Equal((RouteOutcome.Unreachable, Reachability.Unreachable), (lost.Outcome, lost.Prefixes.Single().Reachability));
        Assert.Equal([RouteVerdict.Unfeasible], lost.Prefixes.Single().Routes.Select(static route => route.Verdict));
    }

    [Fact]
    public void A_neighbour_comes_with_its_node_its_tunnel_and_how_many_routes_lead_there()
    {
        TwoNeighbours(out PlayedRouter near, out _);
        near.Announce(metric: 96, Subnet(7));
        Lock(6, Killer.SoftMultiplier);
        NeighboursStatus status = Ask<NeighboursStatus>(new GetNeighbours());
        Assert.Equal([(Node(9), 5, 2), (Node(8), 6, 1)], status.Neighbours.Select(static neighbour => (neighbour.Node, neighbour.Tunnel.Value, neighbour.Routes)));
        Assert.All(status.Neighbours, static neighbour => Assert.Equal((null, (ushort)0xFFFF >> 15, NeighbourAuthentication.Off), (neighbour.KernelLink, neighbour.Neighbour.Reach >> 15, neighbour.Neighbour.Authentication)));
        Assert.Equal([(96, (int)Killer.FreeMultiplier), (96 * Killer.SoftMultiplier / 256, Killer.SoftMultiplier)], status.Neighbours.Select(static neighbour => ((int)neighbour.Neighbour.Cost, (int)neighbour.Neighbour.CostMultiplier)));
        Assert.Equal(2, status.Counters[BabelCounter.NeighboursFound]);
        Assert.DoesNotContain(BabelCounter.WrongMac, status.Counters.Keys);
        Assert.Equal([Node(8)], Ask<NeighboursStatus>(new GetNeighbours(Node(8))).Neighbours.Select(static neighbour => neighbour.Node));
        Assert.Empty(Ask<NeighboursStatus>(new GetNeighbours(Node(77))).Neighbours);
    }

    [Fact]
    public void Questions_are_answered_while_the_node_leaves_and_after_it_has_taken_its_routes_back()
    {
        TwoNeighbours(out _, out _);
        _babel.Tell(new LeaveNetwork());
        _kit.Settle();
        Assert.NotEmpty(Ask<RoutesStatus>(new GetRoutes()).Routes);
        _kit.Advance(LeaveNetwork.Time);
        Assert.Empty(Ask<RoutesStatus>(new GetRoutes(WithAlternatives: true)).Routes);
        Assert.Empty(Ask<NeighboursStatus>(new GetNeighbours()).Neighbours);
        Assert.Equal(RouteOutcome.Routed, Explain(9).Outcome);   // what others still send is forwarded as before
        Assert.Equal(0, _kit.System.FailureCount);
    }

    [Fact]
    public void Asking_changes_nothing()
    {
        TwoNeighbours(out PlayedRouter near, out PlayedRouter far);
        near.Announce(metric: 300, Subnet(7));
        far.Announce(metric: 50, Subnet(7));
        int tables = _dataPlane.Tables.Count;
        long packets = Sent();
        for (int i = 0; i < 100; i++)
            _ = (Ask<RoutesStatus>(new GetRoutes(WithAlternatives: true)), Explain(7));
        Assert.Equal((tables, packets), (_dataPlane.Tables.Count, Sent()));

        long Sent() => Ask<NeighboursStatus>(new GetNeighbours()).Counters[BabelCounter.PacketsSent];
    }

    private void TwoNeighbours(out PlayedRouter near, out PlayedRouter far)
    {
        near = new PlayedRouter(this, 9, tunnel: 5);
        far = new PlayedRouter(this, 8, tunnel: 6);
        near.Join(Subnet(9));
        far.Join(Subnet(8));
    }

    private RouteExplanation Explain(int node) => Ask<RouteExplanation>(new ExplainRoute(Node(node).NodeAddress(Network)));

    private IEnumerable<RouteStatus> Others(int node) => Explain(node).Prefixes[0].Routes.Where(static route => route.Verdict != RouteVerdict.Selected);

    private T Ask<T>(RoutingQuestion question)
        where T : class
    {
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, question);
        return asker.ExpectMsg<T>();
    }
}
