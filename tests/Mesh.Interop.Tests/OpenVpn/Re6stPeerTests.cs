using Mesh.Cli.Node;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Tunnels;

namespace Mesh.Interop.Tests.OpenVpn;

/// <summary>One of our nodes, and a machine that is set up as a node of re6st does it: plain OpenVPN and babeld, with the network's routing keys.</summary>
public sealed class Re6stPeerTests
{
    private const int Octets = 4_000_000;

    [Fact]
    public async Task As_a_server_we_take_a_client_of_re6st_and_both_reach_each_other()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        (Machine ours, Machine theirs) = (network.Machines[0], network.Machines[1]);
        network.StartNode(ours);
        await network.AwaitAsync(ours, "it serves", _ => ours.OpenVpnProcesses().Count == 1);
        Re6stPeer peer = await Re6stPeer.ConnectAsync(network, theirs, ours, "0/16");
        await AwaitBothWaysAsync(network, ours, theirs, peer);

        NodeStatusReport status = (await InteropNetwork.StatusAsync(ours))!;
        Assert.Equal(("1/16", false, TunnelState.Up), (status.Tunnels.Single().Peer, status.Tunnels[0].IsClient, status.Tunnels[0].State));
        Assert.Equal(("1/16", status.Tunnels[0].Index), (status.Routes.Single().Via, status.Routes[0].Tunnel));
        // Without the address in it, a client of re6st never counts its tunnel as established.
        Assert.Equal($"route-up 0/16 1 {theirs.Address}", Assert.Single(peer.Reports));
    }

    [Fact]
    public async Task As_a_client_we_come_to_a_server_of_re6st_and_both_reach_each_other()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        (Machine ours, Machine theirs) = (network.Machines[0], network.Machines[1]);
        Re6stPeer peer = await Re6stPeer.ServeAsync(network, theirs);
        await network.AdvertiseAsync(theirs, $"{theirs.Address},1194,udp;{theirs.Address},1194,tcp");   // UDP is not tried: it is disabled
        network.StartNode(ours);
        await network.AwaitAsync(ours, "a tunnel", static node => node.Tunnels is [{ State: TunnelState.Up, IsClient: true, Peer: "1/16", Path: TunnelPathKind.OpenVpnTcp }]);
        await AwaitBothWaysAsync(network, ours, theirs, peer);
        Assert.Equal($"client-connect 0/16 1 {ours.Address}", Assert.Single(peer.Reports));

        peer.OpenVpn.Kill();
        await network.AwaitAsync(ours, "no tunnel", static node => node.Routes.Count == 0 && node.Tunnels.All(static tunnel => tunnel.State != TunnelState.Up));
    }

    [Fact]
    public async Task The_kernel_forwards_between_a_node_of_re6st_and_our_native_tunnels_both_ways()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3);
        (Machine between, Machine theirs, Machine native) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        network.StartNode(between, "node.accept=true");
        await network.AwaitAsync(between, "it serves", _ => between.OpenVpnProcesses().Count == 1);
        network.StartNode(native, "node.openvpn.enabled=false", "node.accept=true");
        Re6stPeer peer = await Re6stPeer.ConnectAsync(network, theirs, between, "0/16");
        await network.AwaitAsync(native, "routes to both", static node => node.Routes.Count == 2);
        await AwaitBothWaysAsync(network, native, theirs, peer);
        Assert.Equal(TunnelPathKind.Datagram, (await network.AwaitAsync(native, "datagrams", static node => node.Tunnels is [{ Path: TunnelPathKind.Datagram }])).Tunnels[0].Path);
        // Devices and tunnels on the way have several MTUs.
        await theirs.TransferAsync(native, network.AddressOf(native), Octets);
        await native.TransferAsync(theirs, network.AddressOf(theirs), Octets);
    }

    private static async Task AwaitBothWaysAsync(InteropNetwork network, Machine ours, Machine theirs, Re6stPeer peer)
    {
        string Explain() => $"{peer.Said}\n{theirs.Run("ip", "-6", "route")}\n{network.LogOf(ours)}";
        await theirs.ReachAsync(network.AddressOf(ours), Explain);
        await ours.ReachAsync(network.AddressOf(theirs), Explain);
    }
}
