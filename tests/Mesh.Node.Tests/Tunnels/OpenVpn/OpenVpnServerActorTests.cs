using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Tests.Tunnels.OpenVpn;

public sealed class OpenVpnServerActorTests
{
    private const int Link = 7;

    private readonly ActorTestKit _kit = new();
    private readonly RecordingOpenVpn _openVpn = new();
    private readonly TestProbe _manager;
    private readonly TestProbe _router;
    private readonly ActorRef _server;

    public OpenVpnServerActorTests()
    {
        (_manager, _router) = (_kit.CreateProbe("manager"), _kit.CreateProbe("router"));
        _server = _kit.ActorOf(Props.Create(() => new OpenVpnServerActor(new OpenVpnListen(1194, AddressProtocol.Tcp), _openVpn.With(), _manager.Ref, _router.Ref)));
        _kit.Settle();
    }

    [Fact]
    public void It_starts_when_the_networks_parameters_are_known_and_then_takes_part_in_routing()
    {
        _kit.Advance(TimeSpan.FromMinutes(5));
        Assert.Empty(_openVpn.Servers);
        Parameters(hello: 15, encrypt: false);
        OpenVpnServerOrder order = Assert.Single(_openVpn.Servers).Order;
        Assert.Equal((AddressProtocol.Tcp, (ushort)1194, "mesh-tcp", TimeSpan.FromSeconds(60), false), (order.Protocol, order.Port, order.Link.Device, order.Link.Silence, order.Link.Encrypt));
        Serve();
        Assert.Equal([new KernelLinkUp(Link, IsShared: true)], _router.ReceiveAll());
        _kit.System.EventStream.Publish(new RoutingLinksWanted());
        _kit.Settle();
        Assert.Equal([new KernelLinkUp(Link, IsShared: true)], _router.ReceiveAll());
    }

    [Fact]
    public void Clients_are_for_the_manager_to_decide_about()
    {
        Parameters();
        Serve();
        OpenVpnClientAsks asks = RecordingOpenVpn.Asks(Process, 0, "1/16", 2);
        _server.Tell(asks);
        Assert.Equal(new OpenVpnPeerAsks(asks, AddressProtocol.Tcp, Link), _manager.ExpectMsg<OpenVpnPeerAsks>());
    }

    [Fact]
    public void A_process_that_ends_is_replaced_later_and_later()
    {
        Parameters();
        TimeSpan expected = TimeSpan.FromSeconds(1);
        for (int failure = 1; failure <= 8; failure++)
        {
            End("the port is taken");
            _kit.Advance(expected - TimeSpan.FromMilliseconds(1));
            Assert.Equal(failure, _openVpn.Servers.Count);
            _kit.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(failure + 1, _openVpn.Servers.Count);
            expected = expected * 2 < TimeSpan.FromMinutes(1) ? expected * 2 : TimeSpan.FromMinutes(1);
        }
    }

    [Fact]
    public void One_that_has_served_for_long_is_replaced_soon()
    {
        Parameters();
        for (int i = 0; i < 5; i++)
        {
            End("killed");
            _kit.Advance(TimeSpan.FromMinutes(1));
        }

        Serve();
        _kit.Advance(TimeSpan.FromMinutes(2));
        int before = _openVpn.Servers.Count;
        _router.ReceiveAll();
        End("killed");
        Assert.Equal([new KernelLinkDown(Link)], _router.ReceiveAll());
        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(before + 1, _openVpn.Servers.Count);
    }

    [Theory]
    [InlineData(15, true, 0)]
    [InlineData(30, true, 1)]
    [InlineData(15, false, 1)]
    public void Other_parameters_start_it_anew_where_they_matter(int hello, bool encrypt, int stopped)
    {
        Parameters(hello: 15, encrypt: true);
        Serve();
        Parameters(hello, encrypt);
        Assert.Equal(stopped, _openVpn.Stopped.Count);
        Assert.Single(_openVpn.Servers);   // the port is free when the old process has ended
        if (stopped == 0)
            return;
        OpenVpnClientAsks late = RecordingOpenVpn.Asks(Process, 0, "1/16", 2);
        _server.Tell(late);
        End("SIGTERM");
        Assert.Equal(late, Assert.Single(_openVpn.Refused).Asks);
        Assert.Equal((2, encrypt, TimeSpan.FromSeconds(4 * hello)), (_openVpn.Servers.Count, _openVpn.Servers[^1].Order.Link.Encrypt, _openVpn.Servers[^1].Order.Link.Silence));
    }

    [Fact]
    public void When_it_is_stopped_its_process_is_too()
    {
        Parameters();
        Serve();
        _router.ReceiveAll();
        _kit.System.Stop(_server);
        _kit.Settle();
        Assert.Equal(Process, Assert.Single(_openVpn.Stopped));
        Assert.Equal([new KernelLinkDown(Link)], _router.ReceiveAll());
    }

    private OpenVpnProcessId Process => _openVpn.Servers[^1].Process;

    private void Parameters(int hello = 15, bool encrypt = true)
    {
        var parameters = new NetworkParameters { Version = NetworkVersion.Initial, Protocol = 10, RegistryPrefix = TunnelsWorld.Node(0), Hello = TimeSpan.FromSeconds(hello), Encrypt = encrypt };
        _kit.System.EventStream.Publish(new NetworkParametersChanged(parameters));
        _kit.Settle();
    }

    private void Serve()
    {
        _server.Tell(new OpenVpnUp(Process, "mesh-tcp", Link, Peer: null, SeenAt: null));
        _kit.Settle();
    }

    private void End(string reason)
    {
        _server.Tell(new OpenVpnEnded(Process, reason));
        _kit.Settle();
    }
}
