using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;
using Mesh.Platform.Linux.PortMapping;
using Mesh.Protocol.PortMapping;

namespace Mesh.Platform.Linux.Tests.PortMapping;

/// <summary>The way to a gateway in real networks; that gateways map ports is shown in Mesh.Interop.Tests.</summary>
[SupportedOSPlatform("linux")]
public sealed class PortMappingPortTests : IDisposable
{
    private static readonly IPAddress Router = IPAddress.Parse("10.1.0.254"), Local = IPAddress.Parse("10.1.0.1"), Second = IPAddress.Parse("10.2.0.254");
    private static readonly Gateway Gateway = new(Router, Local);

    private readonly Mailbox _box = new();
    private readonly NetworkNamespace _host, _router;

    public PortMappingPortTests()
    {
        (_host, _router) = (NeedsRoot.Namespace("host"), NeedsRoot.Namespace("router"));
        _host.Connect("under", Local, _router, "lan", Router, 24);
        _host.Connect("other", IPAddress.Parse("10.2.0.1"), _router, "lan2", Second, 24);
    }

    public void Dispose()
    {
        _host.Dispose();
        _router.Dispose();
    }

    [Fact]
    public void The_gateway_is_where_the_best_default_route_leads()
    {
        using PortMappingPort port = Open();
        port.FindGateway(_box);
        Assert.Equal("there is no default route to a gateway", _box.Next<GatewayMissing>().Reason);
        Route(Second, "other", metric: 200);
        port.FindGateway(_box);
        Assert.Equal(new Gateway(Second, IPAddress.Parse("10.2.0.1")), _box.Next<GatewayFound>().Gateway);
        Route(Router, "under", metric: 100);
        port.FindGateway(_box);
        Assert.Equal(Gateway, _box.Next<GatewayFound>().Gateway);
    }

    [Fact]
    public void The_gateway_the_own_address_and_the_interface_can_be_said()
    {
        Route(Router, "under", metric: 100);
        Route(Second, "other", metric: 200);
        using PortMappingPort bound = Open(new PortMappingPortOptions { UnderlayDevice = "other" }), said = Open(new PortMappingPortOptions { Gateway = IPAddress.Parse("10.1.0.7"), Local = Local });
        bound.FindGateway(_box);
        Assert.Equal(Second, _box.Next<GatewayFound>().Gateway.Address);
        said.FindGateway(_box);
        Assert.Equal(new Gateway(IPAddress.Parse("10.1.0.7"), Local), _box.Next<GatewayFound>().Gateway);
        using PortMappingPort nowhere = Open(new PortMappingPortOptions { UnderlayDevice = "nowhere" });
        nowhere.FindGateway(_box);
        Assert.Contains("nowhere", _box.Next<GatewayMissing>().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Datagrams_go_to_the_gateway_and_come_back_with_who_sent_them()
    {
        using PortMappingPort port = Open();
        using Socket server = UdpAt(_router, Router, PcpMessage.ServerPort), stranger = UdpAt(_router, Router, 0);
        port.Attach(Gateway, _box);
        port.Send(new byte[] { 1, 2 });
        byte[] buffer = new byte[16];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        Assert.Equal(2, server.ReceiveFrom(buffer, ref from));
        Assert.Equal(Local, ((IPEndPoint)from).Address);
        server.SendTo([3], from);
        GatewayDatagram answer = _box.Next<GatewayDatagram>();
        Assert.Equal((new IPEndPoint(Router, PcpMessage.ServerPort), 3, false), (answer.From, answer.Datagram.Span[0], answer.IsAnnouncement));
        stranger.SendTo([4], from);
        Assert.NotEqual(PcpMessage.ServerPort, _box.Next<GatewayDatagram>().From.Port);
    }

    [Fact]
    public void What_a_gateway_announces_to_all_is_heard()
    {
        using PortMappingPort port = Open();
        using Socket server = UdpAt(_router, Router, PcpMessage.ServerPort);
        server.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, Router.GetAddressBytes());
        port.Attach(Gateway, _box);
        port.FindGateway(_box);
        _box.Next<GatewayMissing>();   // what was asked before is done
        server.SendTo([7], new IPEndPoint(IPAddress.Parse("224.0.0.1"), PcpMessage.ClientPort));
        GatewayDatagram announced = _box.Next<GatewayDatagram>();
        Assert.Equal((Router, true), (announced.From.Address, announced.IsAnnouncement));
    }

    [Fact]
    public void A_gateway_where_nobody_listens_is_told_at_once_and_so_is_an_address_that_is_not_ours()
    {
        using PortMappingPort port = Open();
        port.Attach(Gateway, _box);
        port.Send(new byte[] { 1 });
        Assert.Equal("nobody listens at 10.1.0.254:5351", _box.Next<GatewayRefused>().Reason);
        port.Attach(Gateway with { Local = IPAddress.Parse("10.9.9.9") }, _box);
        Assert.Contains("10.9.9.9 cannot be used", _box.Next<GatewayRefused>().Reason, StringComparison.Ordinal);
        port.Send(new byte[] { 1 });   // to nobody
    }

    [Fact]
    public void A_flood_of_datagrams_is_dropped_beyond_what_may_wait()
    {
        using PortMappingPort port = Open();
        using Socket server = UdpAt(_router, Router, PcpMessage.ServerPort);
        port.Attach(Gateway, _box);
        port.Send(new byte[] { 1 });
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        server.ReceiveFrom(new byte[16], ref from);
        for (int i = 0; i < 3 * PortMappingPort.MaxUnhandled; i++)
            server.SendTo([3], from);
        Assert.True(SpinWait.SpinUntil(() => port.DroppedCount > 0, TimeSpan.FromSeconds(10)));
        Assert.Equal(PortMappingPort.MaxUnhandled, _box.Count);
        int taken = _box.Count;
        for (int i = 0; i < taken; i++)
        {
            _box.Next<GatewayDatagram>();
            port.Handled();
        }

        server.SendTo([3], from);
        _box.Next<GatewayDatagram>();
    }

    private PortMappingPort Open(PortMappingPortOptions? options = null) => _host.Run(() => new PortMappingPort(options ?? new PortMappingPortOptions()));

    private void Route(IPAddress gateway, string link, uint metric) => _host.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        netlink.AddRoute(new KernelRoute(IPAddress.Any, 0) { Gateway = gateway, Link = netlink.GetLink(link).Index, Metric = metric });
    });

    private static Socket UdpAt(NetworkNamespace space, IPAddress address, int port)
    {
        Socket socket = space.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.ReceiveTimeout = 10_000;
        socket.Bind(new IPEndPoint(address, port));
        return socket;
    }
}
