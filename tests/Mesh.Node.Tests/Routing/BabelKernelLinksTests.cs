using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.Babel.Mac;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Routing;

/// <summary>Routing over links of the kernel.</summary>
public sealed partial class BabelKernelLinksTests
{
    private const int Link = 7;

    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly NodePrefix Self = Node(100);

    private readonly ActorTestKit _kit = new();
    private readonly RecordingDataPlane _dataPlane = new();
    private readonly RecordingKernelLinks _kernel = new();
    private readonly TestProbe _published;
    private readonly ActorRef _babel;
    private ImmutableArray<NodeRoute> _routes = [];

    public BabelKernelLinksTests()
    {
        _published = _kit.CreateProbe("routes");
        _kit.System.EventStream.Subscribe<RoutesPublished>(_published.Ref);
        var options = new RoutingOptions { Network = Network, Self = Self, HelloInterval = TimeSpan.FromSeconds(4) };
        _babel = _kit.ActorOf(Props.Create(() => new BabelActor(options, _dataPlane, _kernel)));
        _kit.Settle();
    }

    [Fact]
    public void Packets_to_a_node_behind_a_link_are_the_kernels_to_send()
    {
        Tell(new KernelLinkUp(Link, IsShared: false), new KernelPeerUp(Link, Node(9), new TunnelIndex(5)));
        var neighbour = new Neighbour(this, 9, "fe80::9");
        Run(neighbour);
        NodeRoute route = Assert.Single(_routes);
        Assert.Equal((Subnet(9), new TunnelIndex(5), Node(9), 96), (route.Destination, route.Tunnel, route.Via, route.Metric));
        Assert.Equal(new KernelHop(Link, Ipv6Address.Parse("fe80::9")), route.Hop);
        Assert.Equal([new KernelHopRoute(Subnet(9), route.Hop)], _kernel.Routes);
        Assert.Equal(Route.Local, _dataPlane.Tables[^1].Lookup(Subnet(9).AddressAt(5).Value));
    }

    [Fact]
    public void On_a_shared_link_a_neighbour_is_known_by_its_own_subnet_and_what_it_forwards_is_behind_it()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(8), new TunnelIndex(3)), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        var eight = new Neighbour(this, 8, "fe80::8");
        var nine = new Neighbour(this, 9, "fe80::9");
        nine.Announce(50, metric: 96);
        Run(eight, nine);
        Assert.Equal(
            [(Subnet(8), Node(8), new TunnelIndex(3)), (Subnet(9), Node(9), new TunnelIndex(4)), (Subnet(50), Node(9), new TunnelIndex(4))],
            _routes.Select(static route => (route.Destination, route.Via, route.Tunnel)));
    }

    [Fact]
    public void A_neighbour_whose_tunnel_is_not_known_yet_is_used_and_named_later()
    {
        Tell(new KernelLinkUp(Link, IsShared: true));
        var nine = new Neighbour(this, 9, "fe80::9");
        nine.Announce(50, metric: 96);
        Run(nine);
        Assert.Equal([(NodePrefix.Empty, 0), (NodePrefix.Empty, 0)], _routes.Select(static route => (route.Via, route.Tunnel.Value)));
        Assert.Equal(2, _kernel.Routes.Length);
        Tell(new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        Run(nine);
        Assert.Equal([(Node(9), 4), (Node(9), 4)], _routes.Select(static route => (route.Via, route.Tunnel.Value)));
    }

    [Fact]
    public void Neighbours_on_a_shared_link_are_told_apart_and_one_that_is_not_known_is_nobody()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(8), new TunnelIndex(3)));
        Run(new Neighbour(this, 8, "fe80::8"), new Neighbour(this, 9, "fe80::9"));
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new GetNeighbours());
        Assert.Equal(
            [(Node(8), 3, Link, 1), (NodePrefix.Empty, 0, Link, 0)],
            asker.ExpectMsg<NeighboursStatus>().Neighbours.Select(static neighbour => (neighbour.Node, neighbour.Tunnel.Value, neighbour.KernelLink, neighbour.Routes)));
    }

    [Fact]
    public void A_neighbour_whose_tunnel_is_gone_is_not_used_from_that_moment_on_and_is_again_when_it_comes_back()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(8), new TunnelIndex(3)), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        Neighbour[] both = [new Neighbour(this, 8, "fe80::8"), new Neighbour(this, 9, "fe80::9")];
        Run(both);
        Tell(new KernelPeerDown(Link, Node(9), new TunnelIndex(77)));   // of an older tunnel
        Assert.Equal(2, _routes.Length);
        Tell(new KernelPeerDown(Link, Node(9), new TunnelIndex(4)));
        Assert.Equal([Node(8)], _routes.Select(static route => route.Via));
        Tell(new KernelPeerUp(Link, Node(9), new TunnelIndex(6)));
        Run(both);
        Assert.Equal([3, 6], _routes.Select(static route => route.Tunnel.Value));
    }

    [Fact]
    public void A_link_that_goes_is_told_farewell_and_takes_its_routes_with_it()
    {
        Tell(new KernelLinkUp(Link, IsShared: false), new KernelPeerUp(Link, Node(9), new TunnelIndex(5)));
        Run(new Neighbour(this, 9, "fe80::9"));
        int sent = _kernel.Sent.Count;
        Tell(new KernelLinkDown(Link));
        Assert.True(_kernel.Sent.Count > sent);
        Assert.Equal([Link], _kernel.Closed);
        Assert.Empty(_routes);
        Assert.Empty(_kernel.Routes);
        Assert.Equal(RouteKind.Unreachable, _dataPlane.Tables[^1].Lookup(Subnet(9).AddressAt(5).Value).Kind);
    }

    [Fact]
    public void A_link_that_cannot_be_used_is_given_up_and_later_messages_about_it_do_no_harm()
    {
        Tell(new KernelLinkUp(Link, IsShared: false), new KernelLinkFailed(Link, "it is gone"));
        Assert.Equal([Link], _kernel.Closed);
        Tell(
            new KernelPeerUp(Link, Node(9), new TunnelIndex(5)), new KernelPeerDown(Link, Node(9), new TunnelIndex(5)), new KernelLinkDown(Link),
            new KernelLinkPacket(Link, Ipv6Address.Parse("fe80::9"), Ipv6Address.Parse("ff02::1:6"), new byte[] { 42, 2, 0, 0 }));
        Assert.Equal(0, _kit.System.FailureCount + _kit.System.UnhandledCount);
    }

    [Fact]
    public void A_native_route_inside_one_of_the_kernel_is_given_to_the_kernel_too()
    {
        TestProbe tunnel = _kit.CreateProbe();
        Tell(new KernelLinkUp(Link, IsShared: false), new KernelPeerUp(Link, Node(9), new TunnelIndex(5)), new RoutingLinkUp(new TunnelIndex(6), Node(8), tunnel.Ref));
        var kernel = new Neighbour(this, 9, "fe80::9");
        var native = new Neighbour(this, 8, LinkLocalAddress.Of(Node(8)).ToString()) { Tunnel = new TunnelIndex(6), Ours = tunnel };
        var inside = new Ipv6Prefix(Subnet(9).Bits, 80);
        native.Announce(inside, metric: 96);
        Run(kernel, native);
        Assert.Equal([new KernelHopRoute(Subnet(9), _routes.Single(route => route.Destination == Subnet(9)).Hop), new KernelHopRoute(inside, null)], _kernel.Routes);
        Assert.Equal(Route.Through(new TunnelIndex(6)), _dataPlane.Tables[^1].Lookup(inside.AddressAt(1).Value));
    }

    [Fact]
    public void A_tunnel_over_a_link_of_its_own_is_locked_as_a_native_one_and_its_neighbour_stays_so_when_it_comes_back()
    {
        Tell(new KernelLinkUp(Link, IsShared: false), new KernelPeerUp(Link, Node(9), new TunnelIndex(5)));
        var nine = new Neighbour(this, 9, "fe80::9");
        Run(nine);
        Assert.Equal((true, 1, 1), Lock(5, Killer.SoftMultiplier, seeksOtherWays: true) is var soft ? (soft.IsKnown, soft.Routes, soft.Stranded) : default);
        Assert.Equal((true, Killer.HardMultiplier, 0, 1), Lock(5, Killer.HardMultiplier, seeksOtherWays: true) is var hard ? (hard.IsKnown, hard.Multiplier, hard.Routes, hard.Stranded) : default);
        Assert.Empty(_kernel.Routes);
        _kit.Advance(TimeSpan.FromMinutes(2));   // it was not heard, so it is forgotten
        Run(new Neighbour(this, 9, "fe80::9"));
        Assert.Equal(0, Lock(5, Killer.HardMultiplier).Routes);
        Assert.Empty(_kernel.Routes);
        Lock(5, Killer.FreeMultiplier);
        Run(nine);
        Assert.Single(_kernel.Routes);
        Assert.False(Lock(6, Killer.SoftMultiplier).IsKnown);
    }

    [Fact]
    public void On_a_shared_link_one_of_several_neighbours_is_locked_alone()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(8), new TunnelIndex(3)), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        Assert.False(Lock(4, Killer.FreeMultiplier).IsKnown);   // nobody knows yet which neighbour it is
        Neighbour eight = new(this, 8, "fe80::8"), nine = new(this, 9, "fe80::9");
        eight.Announce(50, metric: 500);
        nine.Announce(50, metric: 96);
        Run(eight, nine);
        Assert.Equal([3, 4, 4], Tunnels());
        LinkLocked soft = Lock(4, Killer.SoftMultiplier, seeksOtherWays: true);
        Assert.Equal((1, 1), (soft.Routes, soft.Stranded));   // its own subnet; the other one has moved
        Assert.Equal([3, 4, 3], Tunnels());
        Assert.Equal((0, 1), Lock(4, Killer.HardMultiplier, seeksOtherWays: true) is var hard ? (hard.Routes, hard.Stranded) : default);
        Assert.Equal([3, 3], Tunnels());

        // Another tunnel with the same node is not locked.
        Tell(new KernelPeerUp(Link, Node(9), new TunnelIndex(6)));
        Run(eight, nine);
        Assert.Equal([3, 6, 6], Tunnels());
        Assert.False(Lock(4, Killer.HardMultiplier).IsKnown);
        Assert.Equal([3, 6, 6], Tunnels());
    }

    [Fact]
    public void A_neighbour_that_is_not_used_because_there_is_another_tunnel_with_its_node_is_known_when_it_is_to_be_locked()
    {
        const int other = 8;
        Tell(new KernelLinkUp(other, IsShared: false), new KernelPeerUp(other, Node(9), new TunnelIndex(5)));
        var used = new Neighbour(this, 9, "fe80::9") { On = other };
        Run(used);
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        var unused = new Neighbour(this, 9, "fe80::9");
        Run(used, unused);
        Assert.Equal([5], Tunnels());
        Assert.Equal((true, 0), Lock(4, Killer.SoftMultiplier) is var soft ? (soft.IsKnown, soft.Routes) : default);
        Assert.True(Lock(4, Killer.HardMultiplier).IsKnown);
        Assert.Equal([5], Tunnels());
    }

    [Fact]
    public void While_a_neighbour_on_a_shared_link_is_not_known_its_routes_may_be_those_of_the_locked_one()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        var nine = new Neighbour(this, 9, "fe80::9");
        Run(nine);
        Lock(4, Killer.HardMultiplier);
        var unknown = new Neighbour(this, 70, "fe80::70");   // it announces what is no subnet of a node with a tunnel
        Run(nine, unknown);
        Assert.Equal(1, Lock(4, Killer.HardMultiplier).Routes);
    }

    [Fact]
    public void A_neighbour_that_turns_out_to_be_the_locked_node_is_locked_too()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        var nine = new Neighbour(this, 9, "fe80::9");
        Run(nine);
        Lock(4, Killer.HardMultiplier);
        var again = new Neighbour(this, 9, "fe80::99");   // it has another address now
        Run(again);
        Assert.Equal(0, Lock(4, Killer.HardMultiplier).Routes);
        Assert.Empty(_kernel.Routes);
    }

    [Fact]
    public void A_neighbour_that_claims_the_subnets_of_two_nodes_is_believed_the_first_one()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(8), new TunnelIndex(3)), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        var nine = new Neighbour(this, 9, "fe80::9");
        Lock(3, Killer.SoftMultiplier);
        Run(nine);
        nine.Announce(8, metric: 0);
        Run(nine);
        Assert.Equal([4], Tunnels());
    }

    [Fact]
    public void A_neighbour_whose_tunnel_is_gone_stays_unusable_though_its_packets_still_come()
    {
        Tell(new KernelLinkUp(Link, IsShared: true), new KernelPeerUp(Link, Node(9), new TunnelIndex(4)));
        var nine = new Neighbour(this, 9, "fe80::9");
        Run(nine);
        Tell(new KernelPeerDown(Link, Node(9), new TunnelIndex(4)));
        _kit.Advance(TimeSpan.FromMinutes(2));   // forgotten, and then it is heard again
        Run(new Neighbour(this, 9, "fe80::9"));
        Assert.Empty(_routes);
    }

    [Fact]
    public void A_node_that_leaves_makes_links_of_the_kernel_dear_too_before_it_takes_its_routes_back()
    {
        TestProbe tunnel = _kit.CreateProbe(), asker = _kit.CreateProbe();
        Tell(new KernelLinkUp(Link, IsShared: false), new KernelPeerUp(Link, Node(9), new TunnelIndex(5)), new RoutingLinkUp(new TunnelIndex(6), Node(8), tunnel.Ref));
        Run(new Neighbour(this, 9, "fe80::9"));
        asker.Send(_babel, new LeaveNetwork());
        _kit.Settle();
        Assert.Equal(0, asker.PendingCount);
        asker.Send(_babel, new DescribeRoutes(new NodeStatus(Self, Self.NodeAddress(Network), 0, [], []) { Certificate = new CertificateStatus(CertificateState.Valid, DateTimeOffset.UnixEpoch, 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, null) }));
        Assert.Equal(96 * 16, Assert.Single(asker.ExpectMsg<NodeStatus>().Routes).Metric);
        _kit.Advance(LeaveNetwork.Time);
        asker.ExpectMsg<LeftNetwork>();
    }

    private int[] Tunnels() => [.. _routes.Select(static route => route.Tunnel.Value)];

    private LinkLocked Lock(int tunnel, ushort multiplier, bool seeksOtherWays = false)
    {
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new LockLink(new TunnelIndex(tunnel), multiplier, 1, seeksOtherWays));
        LinkLocked locked = asker.ExpectMsg<LinkLocked>();
        Look();
        return locked;
    }

    private static NodePrefix Node(int number) => new((UInt128)number, 16);

    private static Ipv6Prefix Subnet(int number) => Node(number).Subnet(Network);

    private void Tell(params object[] messages)
    {
        foreach (object message in messages)
            _babel.Tell(message);
        _kit.Settle();
        Look();
    }

    private void Look()
    {
        if (_published.ReceiveAll().OfType<RoutesPublished>().LastOrDefault() is { } last)
            _routes = last.Routes;
    }

    // Lets all of them talk for a while.
    private void Run(params Neighbour[] neighbours)
    {
        for (TimeSpan end = _kit.Now + TimeSpan.FromSeconds(20); _kit.Now < end;)
        {
            _kit.Advance(TimeSpan.FromMilliseconds(50));
            (int Link, Ipv6Address To, ReadOnlyMemory<byte> Packet)[] sent = [.. _kernel.Sent];
            _kernel.Sent.Clear();
            foreach (Neighbour neighbour in neighbours)
                neighbour.Turn(sent);
        }

        _kit.Settle();
        Look();
    }

    /// <summary>A real speaker beside us on a link, or with a native tunnel, run by hand.</summary>
    private sealed class Neighbour : IBabelOutput
    {
        private static readonly InterfaceId Only = new(1);
        private readonly BabelKernelLinksTests _test;
        private readonly BabelSpeaker _speaker;
        private readonly BabelAddress _address;

        public Neighbour(BabelKernelLinksTests test, int number, string address)
        {
            (_test, _address) = (test, BabelAddress.Parse(address));
            var random = new DeterministicRandom((ulong)number);
            _speaker = new BabelSpeaker(new RouterId((ulong)number), new BabelOptions(), random.NextUInt64, this);
            Announce(number, metric: 0);
            _speaker.AddInterface(Only, new InterfaceParameters { Address = _address, HelloInterval = TimeSpan.FromSeconds(4), Mtu = 1280 }, test._kit.Now);
        }

        public BabelAddress Us { get; init; } = new(LinkLocalAddress.Of(Self).Value);

        public MacKeys Keys { init => _speaker.SetKeys(Only, value, _test._kit.Now); }

        public TunnelIndex? Tunnel { get; init; }

        public int On { get; init; } = Link;

        public TestProbe? Ours { get; init; }

        public void Announce(int number, ushort metric) => Announce(Subnet(number), metric);

        public void Announce(Ipv6Prefix prefix, ushort metric) => _speaker.Announce(new BabelPrefix(prefix.Bits, (byte)prefix.Length), _test._kit.Now, metric);

        public void Announce(RouteKey key) => _speaker.Announce(key, _test._kit.Now);

        public void Withdraw(int number) => _speaker.Withdraw(new BabelPrefix(Subnet(number).Bits, (byte)Subnet(number).Length), _test._kit.Now);

        /// <summary>Where routes in use lead.</summary>
        public IEnumerable<Ipv6Prefix> Heard => _speaker.Routes().Where(static route => route.IsSelected).Select(static route => new Ipv6Prefix(route.Prefix.Bits, route.Prefix.Length));

        public void Turn((int Link, Ipv6Address To, ReadOnlyMemory<byte> Packet)[] sent)
        {
            foreach ((_, Ipv6Address to, ReadOnlyMemory<byte> packet) in Tunnel is null ? sent.Where(s => s.Link == On) : [])
            {
                var destination = new BabelAddress(to.Value);
                if (destination == BabelAddress.Multicast || destination == _address)
                    _speaker.Receive(Only, Us, destination, packet.Span, _test._kit.Now);
            }

            foreach (RoutingPacket packet in Ours?.ReceiveAll().OfType<RoutingPacket>() ?? [])
                _speaker.Receive(Only, Us, packet.Packet.Span, _test._kit.Now);
            if (_speaker.NextDeadline <= _test._kit.Now)
                _speaker.Tick(_test._kit.Now);
        }

        void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload) => _test._babel.Tell(
            Tunnel is { } tunnel ? new RoutingPacket(tunnel, payload.ToArray()) : new KernelLinkPacket(On, new Ipv6Address(_address.Bits), new Ipv6Address(destination.Bits), payload.ToArray()));

        void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes)
        {
            // Its routes do not matter.
        }
    }
}
