using System.Buffers.Binary;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.Babel.Wire;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Tests.Routing;

public sealed partial class BabelActorTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly NodePrefix Self = Node(100);
    private static readonly Ipv6Address Inside = Ipv6Address.Parse("2001:db8:42:9::1");

    private readonly ActorTestKit _kit = new(schema: RouterIdentityActor.AddTo(new EventSchema()));
    private readonly RecordingDataPlane _dataPlane = new();
    private readonly TestProbe _routes;
    private ActorRef _babel;
    private readonly List<PlayedRouter> _played = [];

    public BabelActorTests()
    {
        _routes = _kit.CreateProbe("routes");
        _kit.System.EventStream.Subscribe<RoutesPublished>(_routes.Ref);
        var options = new RoutingOptions { Network = Network, Self = Self, HelloInterval = TimeSpan.FromSeconds(4) };
        _babel = _kit.ActorOf(Props.Create(() => new BabelActor(options, _dataPlane)));
    }

    private ForwardingTable Table => _dataPlane.Tables[^1];

    [Fact]
    public void From_the_start_our_subnet_is_ours_and_the_rest_of_the_network_does_not_leak()
    {
        ForwardingTable table = _dataPlane.Tables[0];
        Assert.Equal(RouteKind.Local, Lookup(table, "2001:db8:42:64::1"));
        Assert.Equal(RouteKind.Local, Lookup(table, "2001:db8:42:64:ffff::5"));
        Assert.Equal(RouteKind.Unreachable, Lookup(table, "2001:db8:42:9::1"));
        Assert.Equal(RouteKind.Unreachable, Lookup(table, "2001:db8:43::1"));
        Assert.Equal(Self.NodeAddress(Network).Value, table.IcmpSource);
    }

    [Fact]
    public void A_neighbours_subnet_is_routed_through_its_tunnel_until_that_is_gone()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        Assert.Equal(Route.Through(new TunnelIndex(5)), Table.Lookup(Inside.Value));
        NodeRoute route = Assert.Single(LastRoutes());
        Assert.Equal((Node(9).Subnet(Network), new TunnelIndex(5), Node(9), 96), (route.Destination, route.Tunnel, route.Via, route.Metric));
        _babel.Tell(new RoutingLinkDown(new TunnelIndex(5)));
        _kit.Settle();
        Assert.Equal(RouteKind.Unreachable, Lookup(Table, "2001:db8:42:9::1"));
        Assert.Empty(LastRoutes());
    }

    [Fact]
    public void Changes_that_come_together_are_published_once()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        int tables = _dataPlane.Tables.Count;
        peer.Announce(metric: 96, [.. Enumerable.Range(10, 20).Select(Subnet)]);
        Assert.Equal(tables + 1, _dataPlane.Tables.Count);
        Assert.Equal(21, LastRoutes().Count);
    }

    // A large table takes time with each of its routes, so a second change waits until 10 ms after the first, half of the time after which neighbours hear of it.
    [Theory]
    [InlineData(61, false)]
    [InlineData(62, true)]
    public void A_table_of_more_than_64_routes_is_published_again_after_half_of_the_urgent_delay_at_most(int others, bool waits)
    {
        TimeSpan hold = new BabelOptions().UrgentDelay / 2;
        var many = new PlayedRouter(this, 9, tunnel: 5);
        many.Join(Subnet(9));
        many.Announce(metric: 96, [.. Enumerable.Range(1000, others).Select(Subnet)]);
        foreach (int number in (int[])[10, 11, 12])
            new PlayedRouter(this, number, tunnel: number).Join(Subnet(number));
        many.Exchange(TimeSpan.FromSeconds(60));
        Assert.Equal(others + 4, LastRoutes().Count);
        int tables = _dataPlane.Tables.Count;

        Down(10);   // long after the last one: at once; 64 routes or one more are left then
        Assert.Equal((tables + 1, RouteKind.Unreachable), (_dataPlane.Tables.Count, Lookup(Table, "2001:db8:42:a::1")));
        Down(11);
        Assert.Equal(tables + (waits ? 1 : 2), _dataPlane.Tables.Count);
        if (!waits)
            return;
        _kit.Advance(hold / 2);
        Down(12);   // does not make the first one wait longer
        _kit.Advance((hold / 2) - new TimeSpan(1));
        Assert.Equal((tables + 1, RouteKind.Tunnel), (_dataPlane.Tables.Count, Lookup(Table, "2001:db8:42:b::1")));
        _kit.Advance(new TimeSpan(1));
        Assert.Equal((tables + 2, RouteKind.Unreachable, RouteKind.Unreachable), (_dataPlane.Tables.Count, Lookup(Table, "2001:db8:42:b::1"), Lookup(Table, "2001:db8:42:c::1")));
        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(tables + 2, _dataPlane.Tables.Count);

        void Down(int tunnel)
        {
            _babel.Tell(new RoutingLinkDown(new TunnelIndex(tunnel)));
            _kit.Settle();
        }
    }

    [Fact]
    public void A_peer_that_calls_anothers_subnet_its_own_is_not_believed()
    {
        var liar = new PlayedRouter(this, 9, tunnel: 5);
        liar.Join(Subnet(9), Subnet(10));
        Assert.Equal(Subnet(9), new BabelPrefix(Assert.Single(LastRoutes()).Destination.Bits, 64));
        var owner = new PlayedRouter(this, 10, tunnel: 6);
        owner.Join(Subnet(10));
        Assert.Equal([Node(9), Node(10)], LastRoutes().Select(static route => route.Via));
    }

    // The peer's answers take up to a twentieth of a second here.
    [Fact]
    public void Round_trips_cost_what_the_network_says_also_when_it_says_so_later()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5) { Rtt = new RttParameters() };
        peer.Join(Subnet(9));
        Assert.Equal(96, Status().Routes.Single().Metric);
        Change("max-rtt-penalty 5000 rtt-max 500 rtt-min 0 rtt-decay 256");
        Assert.InRange(Status().Routes.Single().Metric, 97, 96 + 1100);
        Change("max-rtt-penalty 0");
        Assert.Equal(96, Status().Routes.Single().Metric);

        void Change(string words)
        {
            _babel.Tell(new NetworkParametersChanged(Parameters(TimeSpan.FromSeconds(4)) with { BabelDefault = words }));
            peer.Exchange(TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public void A_status_has_the_metrics_of_this_moment_though_the_way_has_not_changed()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        peer.Announce(metric: 1000, Subnet(10));
        Assert.Equal([96, 1096], Status().Routes.Select(r => r.Metric));
        int tables = _dataPlane.Tables.Count;
        peer.Announce(metric: 2000, Subnet(10));
        Assert.Equal([96, 2096], Status().Routes.Select(r => r.Metric));
        Assert.Equal(tables, _dataPlane.Tables.Count);
    }

    [Theory]
    [InlineData("::/0")]
    [InlineData("2001:db8:42::/48")]
    [InlineData("2001:db8::/32")]
    [InlineData("2001:db8:43::/64")]
    [InlineData("fd00::/64")]
    public void What_is_not_inside_the_network_is_never_routed(string prefix)
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        peer.Announce(Parse(prefix));
        Assert.Single(LastRoutes());
        Assert.Equal(RouteKind.Unreachable, Lookup(Table, "2001:db8:43::1"));
        Assert.Equal(RouteKind.Unreachable, Lookup(Table, "fd00::1"));
        Assert.Equal(RouteKind.Unreachable, Lookup(Table, "2001:db8:42:8::1"));
    }

    [Theory]
    [InlineData("2001:db8:42:64::/64")]
    [InlineData("2001:db8:42:64::/65")]
    [InlineData("2001:db8:42:64::1/128")]
    [InlineData("2001:db8:42:60::/60")]
    public void Our_own_subnet_is_never_hijacked(string prefix)
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        peer.Announce(Parse(prefix));
        Assert.Equal(RouteKind.Local, Lookup(Table, "2001:db8:42:64::1"));
        Assert.Equal(RouteKind.Local, Lookup(Table, "2001:db8:42:64::"));
        Assert.Equal(RouteKind.Local, Lookup(Table, "2001:db8:42:64:8000::1"));
        Assert.DoesNotContain(LastRoutes(), r => Self.Subnet(Network).Contains(r.Destination));
    }

    [Fact]
    public void Packets_of_tunnels_that_are_not_there_are_passed_over()
    {
        int tables = _dataPlane.Tables.Count;
        _babel.Tell(new RoutingPacket(new TunnelIndex(77), new byte[] { 42, 2, 0, 0 }));
        _babel.Tell(new RoutingLinkDown(new TunnelIndex(77)));
        _kit.Settle();
        Assert.Equal(tables, _dataPlane.Tables.Count);
        Assert.Equal(0, _kit.System.FailureCount + _kit.System.UnhandledCount);
    }

    [Fact]
    public void Hostile_packets_do_no_harm()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        var random = new Random(11);
        for (int i = 0; i < 3000; i++)
        {
            byte[] packet = new byte[random.Next(0, 120)];
            random.NextBytes(packet);
            if (packet.Length >= 4)
            {
                (packet[0], packet[1]) = (42, 2);
                BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)(packet.Length - 4));
                if (packet.Length > 6)
                    packet[4] = (byte)random.Next(0, 14);
            }

            _babel.Tell(new RoutingPacket(new TunnelIndex(5), packet));
        }

        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, _kit.System.FailureCount);
        Assert.Equal(RouteKind.Local, Lookup(Table, "2001:db8:42:64::1"));
    }

    [Fact]
    public void After_a_restart_it_asks_for_the_tunnels_and_routes_again()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        TestProbe tunnels = _kit.CreateProbe("tunnels");
        _kit.System.EventStream.Subscribe<RoutingLinksWanted>(tunnels.Ref);
        _babel.Tell(new NetworkParametersChanged(null!));   // a mistake of ours, to make it fail
        tunnels.ExpectMsg<RoutingLinksWanted>();
        Assert.Equal(RouteKind.Unreachable, Lookup(Table, "2001:db8:42:9::1"));
        new PlayedRouter(this, 9, tunnel: 5).Join(Subnet(9));
        Assert.Equal(Route.Through(new TunnelIndex(5)), Table.Lookup(Inside.Value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    [InlineData(600)]   // the most that a registry may publish, and more than Babel can promise
    public void Whatever_Hello_interval_the_registry_says_routing_goes_on(int seconds)
    {
        new PlayedRouter(this, 9, tunnel: 5).Join(Subnet(9));
        _babel.Tell(new NetworkParametersChanged(Parameters(TimeSpan.FromSeconds(seconds))));
        _kit.Settle();
        new PlayedRouter(this, 8, tunnel: 6).Join(Subnet(8));   // on a tunnel that comes up later, too
        Assert.Null(_kit.System.LastFailure?.Reason);
        Assert.Equal(RouteKind.Tunnel, Lookup(Table, "2001:db8:42:8::1"));
    }

    [Fact]
    public void A_locked_link_loses_its_routes_where_there_is_another_way_and_gets_them_back()
    {
        PlayedRouter near = new(this, 9, tunnel: 5), far = new(this, 8, tunnel: 6);
        near.Join(Subnet(9));
        far.Join(Subnet(8));
        near.Announce(metric: 96, Subnet(7));
        far.Announce(metric: 50, Subnet(7));
        Assert.Equal(6, TunnelTo(7));
        Assert.Equal((true, 2, 0), Lock(6, Killer.FreeMultiplier) is var before ? (before.IsKnown, before.Routes, before.Stranded) : default);

        LinkLocked soft = Lock(6, Killer.SoftMultiplier, seeksOtherWays: true);
        Assert.Equal((Killer.SoftMultiplier, 1), (soft.Multiplier, soft.Routes));
        Assert.Equal(5, TunnelTo(7));
        Assert.Equal(1, soft.Stranded);   // that the other neighbour announces back to us what it has from us is no way

        LinkLocked hard = Lock(6, Killer.HardMultiplier, seeksOtherWays: true);
        Assert.Equal((Killer.HardMultiplier, 0, 1), (hard.Multiplier, hard.Routes, hard.Stranded));   // its end could still be reached only over it
        // The answer comes when the table is in force, not before.
        Assert.NotEqual(Route.Through(new TunnelIndex(6)), Table.Lookup(Ipv6Address.Parse("2001:db8:42:8::1").Value));
        Lock(6, Killer.FreeMultiplier);
        far.Announce();
        Assert.Equal(6, TunnelTo(8));
    }

    [Fact]
    public void A_neighbour_that_comes_back_finds_its_link_locked_as_it_was()
    {
        var peer = new PlayedRouter(this, 9, tunnel: 5);
        peer.Join(Subnet(9));
        Lock(5, Killer.HardMultiplier);
        _kit.Advance(TimeSpan.FromMinutes(2));   // it was not heard, so it is forgotten
        peer.Announce(Subnet(10));
        Assert.Equal(0, Lock(5, Killer.HardMultiplier).Routes);
        Assert.Empty(Status().Routes);
        Lock(5, Killer.FreeMultiplier);
        peer.Announce(Subnet(11));
        Assert.Contains(Status().Routes, r => r.Destination == Node(9).Subnet(Network));
    }

    [Fact]
    public void A_link_that_is_gone_takes_its_lock_with_it()
    {
        new PlayedRouter(this, 9, tunnel: 5).Join(Subnet(9));
        Lock(5, Killer.HardMultiplier);
        _played.Clear();
        _babel.Tell(new RoutingLinkDown(new TunnelIndex(5)));
        Assert.False(Lock(5, Killer.HardMultiplier).IsKnown);
        new PlayedRouter(this, 8, tunnel: 5).Join(Subnet(8));
        Assert.Equal(5, TunnelTo(8));
    }

    private int? TunnelTo(int node) => Status().Routes.FirstOrDefault(r => r.Destination == Node(node).Subnet(Network))?.Tunnel.Value;

    private LinkLocked Lock(int tunnel, ushort multiplier, bool seeksOtherWays = false)
    {
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new LockLink(new TunnelIndex(tunnel), multiplier, 1, seeksOtherWays));
        LinkLocked locked = asker.ExpectMsg<LinkLocked>();
        Assert.Equal(1UL, locked.Number);
        return locked;
    }

    private static NodePrefix Node(int number) => new((UInt128)number, 16);

    private static BabelPrefix Subnet(int number)
    {
        Ipv6Prefix subnet = Node(number).Subnet(Network);
        return new BabelPrefix(subnet.Bits, (byte)subnet.Length);
    }

    private static BabelPrefix Parse(string text)
    {
        string[] parts = text.Split('/');
        return new BabelPrefix(Ipv6Address.Parse(parts[0]).Value, byte.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private static NetworkParameters Parameters(TimeSpan hello) => new() { Version = NetworkVersion.Initial, Protocol = 10, RegistryPrefix = Node(9), Hello = hello };

    private static RouteKind Lookup(ForwardingTable table, string address) => table.Lookup(Ipv6Address.Parse(address).Value).Kind;

    private NodeStatus Status()
    {
        TestProbe asker = _kit.CreateProbe();
        asker.Send(_babel, new DescribeRoutes(new NodeStatus(Self, Self.NodeAddress(Network), 0, [], []) { Certificate = new CertificateStatus(CertificateState.Valid, DateTimeOffset.UnixEpoch, 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, null) }));
        return asker.ExpectMsg<NodeStatus>();
    }

    private IReadOnlyList<NodeRoute> LastRoutes() => _routes.ReceiveAll().OfType<RoutesPublished>().Last().Routes;

    /// <summary>A real speaker at the other end of a tunnel, run by hand.</summary>
    private sealed class PlayedRouter : IBabelOutput
    {
        private static readonly InterfaceId Link = new(1);

        private readonly BabelActorTests _test;
        private readonly BabelSpeaker _speaker;
        private readonly TestProbe _tunnel;
        private readonly TunnelIndex _index;
        private readonly int _number;

        public PlayedRouter(BabelActorTests test, int number, int tunnel)
        {
            (_test, _number, _index) = (test, number, new TunnelIndex(tunnel));
            _tunnel = test._kit.CreateProbe();
            var random = new DeterministicRandom((ulong)number);
            _speaker = new BabelSpeaker(new RouterId((ulong)number), new BabelOptions(), random.NextUInt64, this);
            test._played.Add(this);
        }

        public RttParameters? Rtt { get; init; }

        public void Join(params BabelPrefix[] prefixes)
        {
            foreach (BabelPrefix prefix in prefixes)
                _speaker.Announce(prefix, Now);
            _speaker.RemoveInterface(Link, Now);
            _speaker.AddInterface(Link, new InterfaceParameters { Address = Address(_number), HelloInterval = TimeSpan.FromSeconds(4), Mtu = 1280, Rtt = Rtt }, Now);
            _test._babel.Tell(new RoutingLinkUp(_index, Node(_number), _tunnel.Ref));
            Exchange(TimeSpan.FromSeconds(20));
        }

        public void Announce(params BabelPrefix[] prefixes) => Announce(metric: 0, prefixes);

        public void Announce(ushort metric, params BabelPrefix[] prefixes)
        {
            foreach (BabelPrefix prefix in prefixes)
                Change(metric, prefix);
            Exchange(TimeSpan.FromSeconds(20));
        }

        public void Change(ushort metric, BabelPrefix prefix) => _speaker.Announce(prefix, Now, metric);

        public RouteSnapshot? RouteTo(BabelPrefix prefix) => _speaker.TryGetSelected(prefix, out RouteSnapshot route) ? route : null;

        public void Request(SeqnoRequestTlv request)
        {
            var writer = new PacketWriter();
            writer.Begin(1200);
            Span<byte> octets = stackalloc byte[64];
            Assert.True(writer.TryAppend(octets[..request.Encode(octets)]));
            _test._babel.Tell(new RoutingPacket(_index, writer.Finish().ToArray()));
            Exchange(TimeSpan.FromSeconds(1));
        }

        public void Withdraw(BabelPrefix prefix)
        {
            _speaker.Withdraw(prefix, Now);
            Exchange(TimeSpan.FromSeconds(5));
        }

        void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload) => _test._babel.Tell(new RoutingPacket(_index, payload.ToArray()));

        void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes)
        {
            // Its routes do not matter.
        }

        private TimeSpan Now => _test._kit.Now;

        // What both ends of a tunnel derive from the nodes' prefixes: the number, the length in the top octet, and the top bit.
        private static BabelAddress Address(int number) => new(((UInt128)0xFE80 << 112) | ((ulong)number ^ (16UL << 56)) | (1UL << 63));

        public void Exchange(TimeSpan duration)
        {
            for (TimeSpan end = Now + duration; Now < end;)
            {
                _test._kit.Advance(TimeSpan.FromMilliseconds(50));
                foreach (PlayedRouter router in _test._played)
                    router.Exchange();
            }

            _test._kit.Settle();
        }

        private void Exchange()
        {
            foreach (RoutingPacket packet in _tunnel.ReceiveAll().OfType<RoutingPacket>())
                _speaker.Receive(Link, Address(100), packet.Packet.Span, Now);
            if (_speaker.NextDeadline <= Now)
                _speaker.Tick(Now);
        }
    }
}
