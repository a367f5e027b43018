using System.Collections.Immutable;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Babel;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Routing;

/// <summary>The way out of the network, between routers that are joined by tunnels.</summary>
public sealed class BabelGatewayTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly UInt128 World = Ipv6Address.Parse("2600::1").Value, Inside = Ipv6Address.Parse("2001:db8:42:64::1").Value;
    private readonly ActorTestKit _kit = new();
    private readonly List<Router> _routers = [];

    [Fact]
    public void Packets_from_the_network_go_to_a_gateway_and_no_others()
    {
        Router member = Add(100), gateway = Add(9, isGateway: true);
        Join(member, gateway);
        Run();
        Assert.Equal(Route.Local, gateway.Table.Lookup(World, Inside));
        Assert.Equal(Route.Unreachable, gateway.Table.Lookup(World, World + 1));
        Assert.Equal(RouteKind.Tunnel, member.Table.Lookup(World, Inside).Kind);
        Assert.Equal(Route.Unreachable, member.Table.Lookup(World, World + 1));
        Assert.Equal(Route.Unreachable, member.Table.Lookup(Ipv6Address.Parse("2001:db8:42:77::1").Value, Inside));   // what nobody announces does not leak

        RouteExplanation explanation = member.Explain(World);
        Assert.Equal((RouteOutcome.Routed, gateway.Node), (explanation.Outcome, explanation.Route!.Via));
        Assert.Equal(PrefixUse.Forwarded, Assert.Single(explanation.Prefixes).Use);
        Assert.Equal(RouteOutcome.OutsideNetwork, member.Explain(World, World + 1).Outcome);
        Assert.Equal(RouteOutcome.LeavesHere, gateway.Explain(World).Outcome);
        Assert.Equal(RouteOutcome.OutsideNetwork, gateway.Explain(World, World + 1).Outcome);

        // The kernel hands such packets to the data plane.
        Assert.Equal(new KernelHopRoute(new Ipv6Prefix(0, 0), null) { From = Network.Prefix }, Assert.Single(member.Kernel.Routes));
        Assert.Empty(gateway.Kernel.Routes);
    }

    [Fact]
    public void The_nearest_of_two_gateways_is_taken_and_the_other_when_it_is_gone()
    {
        Router member = Add(100), near = Add(9, isGateway: true), middle = Add(8), far = Add(7, isGateway: true);
        Join(member, near);
        Join(member, middle);
        Join(middle, far);
        Run();
        TunnelIndex toNear = member.Table.Lookup(Ipv6Address.Parse("2001:db8:42:9::1").Value).Tunnel, toMiddle = member.Table.Lookup(Ipv6Address.Parse("2001:db8:42:8::1").Value).Tunnel;
        Assert.Equal(Route.Through(toNear), member.Table.Lookup(World, Inside));
        Cut(member, near);
        Run();
        Assert.Equal(Route.Through(toMiddle), member.Table.Lookup(World, Inside));
        Cut(member, middle);
        Run();
        Assert.Equal(Route.Unreachable, member.Table.Lookup(World, Inside));
        Assert.Empty(member.Kernel.Routes);
    }

    private Router Add(int number, bool isGateway = false)
    {
        var router = new Router(_kit, number, isGateway);
        _routers.Add(router);
        return router;
    }

    private static void Join(Router one, Router other)
    {
        one.Attach(other);
        other.Attach(one);
    }

    private static void Cut(Router one, Router other)
    {
        one.Detach(other);
        other.Detach(one);
    }

    private void Run()
    {
        for (int step = 0; step < 1200; step++)   // a minute
        {
            _kit.Advance(TimeSpan.FromMilliseconds(50));
            foreach (Router router in _routers)
                router.Carry();
        }

        _kit.Settle();
    }

    private sealed class Router
    {
        private readonly ActorTestKit _kit;
        private readonly ActorRef _babel;
        private readonly Dictionary<Router, (TunnelIndex Tunnel, TestProbe Probe)> _tunnels = [];
        private readonly RecordingDataPlane _plane = new();
        private readonly NodePrefix _node;
        private int _next;

        public Router(ActorTestKit kit, int number, bool isGateway)
        {
            (_kit, _node) = (kit, new NodePrefix((UInt128)number, 16));
            var options = new RoutingOptions { Network = Network, Self = _node, HelloInterval = TimeSpan.FromSeconds(4), IsGateway = isGateway };
            _babel = kit.ActorOf(Props.Create(() => new BabelActor(options, _plane, Kernel)));
        }

        public ForwardingTable Table => _plane.Tables[^1];

        public RecordingKernel Kernel { get; } = new();

        public NodePrefix Node => _node;

        public RouteExplanation Explain(UInt128 destination, UInt128? source = null)
        {
            TestProbe asker = _kit.CreateProbe();
            _babel.Tell(new ExplainRoute(new Ipv6Address(destination), source is { } known ? new Ipv6Address(known) : null), asker.Ref);
            return asker.ExpectMsg<RouteExplanation>();
        }

        public void Attach(Router other)
        {
            (TunnelIndex Tunnel, TestProbe Probe) tunnel = (new TunnelIndex(++_next), _kit.CreateProbe());
            _tunnels.Add(other, tunnel);
            _babel.Tell(new RoutingLinkUp(tunnel.Tunnel, other._node, tunnel.Probe.Ref));
        }

        public void Detach(Router other)
        {
            _tunnels.Remove(other, out (TunnelIndex Tunnel, TestProbe Probe) tunnel);
            _babel.Tell(new RoutingLinkDown(tunnel.Tunnel));
        }

        public void Carry()
        {
            foreach ((Router other, (_, TestProbe probe)) in _tunnels)
            {
                foreach (RoutingPacket packet in probe.ReceiveAll().OfType<RoutingPacket>())
                    other._babel.Tell(packet with { Tunnel = other._tunnels[this].Tunnel });
            }
        }
    }

    private sealed class RecordingKernel : IKernelLinkPort
    {
        public ImmutableArray<KernelHopRoute> Routes { get; private set; } = [];

        public void Open(int link, Ipv6Address address, ActorRef owner) => throw new InvalidOperationException("There is no link.");

        public void Send(int link, Ipv6Address to, ReadOnlyMemory<byte> packet) => throw new InvalidOperationException("There is no link.");

        public void Close(int link) => throw new InvalidOperationException("There is no link.");

        public void Publish(ImmutableArray<KernelHopRoute> routes) => Routes = routes;
    }
}
