using System.Net;
using System.Net.Sockets;
using Mesh.Interop.Tests.Harness;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Gateways;

/// <summary>A real node as the way out of the network, and a host in the world behind it.</summary>
public sealed class GatewayTests
{
    private const string World = "2600::1", GatewaySide = "2600::2";

    [Fact]
    public async Task A_member_reaches_the_world_through_a_gateway_with_its_address_of_the_network()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3);
        Machine gateway = network.Machines[1], member = network.Machines[2];
        NetworkNamespace.RemoveLeftovers("mesh-world-");
        using NetworkNamespace world = NetworkNamespace.Create("mesh-world-");
        world.Connect("out", IPAddress.Parse(World), gateway.Space, "world", IPAddress.Parse(GatewaySide), 64);
        world.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddRoute(new KernelRoute(IPAddress.Parse("2001:db8:42::"), 48) { Gateway = IPAddress.Parse(GatewaySide), Link = netlink.GetLink("out").Index, Protocol = 4 });
        });

        string[] native = ["node.openvpn.enabled=false", "node.accept=true"];
        network.StartNode(network.Machines[0], native);
        network.StartNode(gateway, [.. native, "node.gateway=true"]);
        network.StartNode(member, native);
        string Explain() => $"{network.LogOf(gateway)}\n{network.LogOf(member)}";
        await Eventually.TrueAsync(() => RoutesOf(member).Any(static route => route.ToString() == "::/0 from 2001:db8:42::/48"), "the member's kernel has a default route for the network", Explain);
        await ConnectAsync(member, IPAddress.Parse(network.AddressOf(member)), world);

        await network.StopNodeAsync(gateway);
        await Eventually.TrueAsync(() => RoutesOf(member).Count == 0, "it is gone with the gateway", () => network.LogOf(member));
        Assert.Equal("0", gateway.Space.Run(static () => File.ReadAllText("/proc/sys/net/ipv6/conf/all/forwarding")).Trim());   // as it was before
    }

    // From an address of the network, the world sees just that.
    private static async Task ConnectAsync(Machine member, IPAddress own, NetworkNamespace world)
    {
        using Socket listener = world.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        using Socket connection = member.Space.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(World), 80));
        listener.Listen();
        connection.Bind(new IPEndPoint(own, 0));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        ValueTask<Socket> accepting = listener.AcceptAsync(limit.Token);
        await connection.ConnectAsync(listener.LocalEndPoint!, limit.Token);
        using Socket accepted = await accepting;
        Assert.Equal(own, ((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    private static List<KernelRoute> RoutesOf(Machine machine) => machine.Space.Run(static () =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Routes().Where(static route => route.Protocol == KernelRoute.BabelProtocol && route.FromLength > 0).ToList();
    });
}
