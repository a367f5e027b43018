using Mesh.Cli.Node;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Tunnels;

namespace Mesh.Interop.Tests.OpenVpn;

/// <summary>Two of our nodes in other networks and with other settings.</summary>
public sealed class VariantsTests
{
    private const int Octets = 4_000_000;

    [Fact]
    public async Task Over_UDP_the_devices_have_an_MTU_that_fits_into_datagrams()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        string[] udp = ["node.openvpn.listen=1194/udp", "node.openvpn.disabled-protocols=tcp6"];
        (Machine one, Machine two) = await TwoNodesTests.ConnectAsync(network, udp);
        Assert.Equal(TunnelPathKind.OpenVpnUdp, Assert.Single((await InteropNetwork.StatusAsync(two))!.Tunnels).Path);
        Assert.Equal((1400, 1400), (one.Link("mesh-udp").Mtu, two.Link("mesh-1").Mtu));
        await one.TransferAsync(two, network.AddressOf(two), Octets);
        await two.TransferAsync(one, network.AddressOf(one), Octets);
    }

    [Fact]
    public async Task A_network_without_encryption_works_with_this_version_of_OpenVPN_too()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2, "registry.encrypt=off");
        await TwoNodesTests.ConnectAsync(network);
    }

    [Fact]
    public async Task Two_nodes_that_call_each_other_end_with_one_tunnel()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        (Machine one, Machine two) = (network.Machines[0], network.Machines[1]);
        await network.AdvertiseAsync(one, $"{one.Address},1194,tcp");   // so that both know of the other from the start
        await network.AdvertiseAsync(two, $"{two.Address},1194,tcp");
        network.StartNode(one);
        network.StartNode(two);
        foreach (Machine machine in network.Machines)
            await network.AwaitAsync(machine, "one tunnel and one route", static status => status.Tunnels is [{ State: TunnelState.Up }] && status.Routes.Count == 1);
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        (IReadOnlyList<TunnelReport> ofOne, IReadOnlyList<TunnelReport> ofTwo) = ((await InteropNetwork.StatusAsync(one))!.Tunnels, (await InteropNetwork.StatusAsync(two))!.Tunnels);
        Assert.True(ofOne is [{ State: TunnelState.Up }] && ofTwo is [{ State: TunnelState.Up }] && ofOne[0].IsClient != ofTwo[0].IsClient, network.LogOf(one) + network.LogOf(two));
        await two.ReachAsync(network.AddressOf(one), () => network.LogOf(two));
    }
}
