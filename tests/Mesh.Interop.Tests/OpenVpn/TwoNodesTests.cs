using System.Diagnostics;
using System.Globalization;
using Mesh.Cli.Node;
using Mesh.Cli.Tests;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Tunnels;

namespace Mesh.Interop.Tests.OpenVpn;

/// <summary>Two of our nodes with nothing but OpenVPN between them.</summary>
public sealed class TwoNodesTests
{
    [Fact]
    public async Task Two_nodes_reach_each_other_and_again_after_each_of_their_OpenVPN_processes_was_killed()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        (Machine one, Machine two) = await ConnectAsync(network);
        foreach ((Machine machine, bool isClient) in new[] { (one, false), (two, true) })
        {
            NodeStatusReport status = (await InteropNetwork.StatusAsync(machine))!;
            TunnelReport tunnel = Assert.Single(status.Tunnels);
            Assert.Equal((isClient, TunnelState.Up, TunnelPathKind.OpenVpnTcp), (tunnel.IsClient, tunnel.State, tunnel.Path));
            Assert.Equal((tunnel.Peer, tunnel.Index), (Assert.Single(status.Routes).Via, status.Routes[0].Tunnel));
        }

        int client = two.OpenVpnProcesses()["mesh-1"], server = one.OpenVpnProcesses()["mesh-tcp"];
        Kill(client);
        await AwaitReturnAsync(network, one, two);
        Assert.Equal(server, one.OpenVpnProcesses()["mesh-tcp"]);
        Kill(server);
        await AwaitReturnAsync(network, one, two);
        Assert.NotEqual(server, one.OpenVpnProcesses()["mesh-tcp"]);
    }

    [Fact]
    public async Task Of_a_node_that_is_killed_or_stopped_no_process_no_device_no_route_and_no_setting_is_left()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        (Machine one, Machine two) = await ConnectAsync(network);
        Assert.Equal(["mesh-1", "mesh-tcp6", "mesh0"], two.Devices());
        Assert.True(two.IsForwarding());

        await network.KillNodeAsync(two);
        await Eventually.TrueAsync(() => two.OpenVpnProcesses().Count == 0 && two.Devices().Length == 0, "OpenVPN ends by itself", () => string.Join(' ', two.Devices()));
        Assert.DoesNotContain(two.Routes(), static route => route.Kind == Platform.Linux.Netlink.KernelRouteKind.Unicast);

        // A process that cannot end by itself is ended by the next start, which needs its device's name.
        network.StartNode(two, "node.openvpn.listen=1194/tcp6");
        await two.ReachAsync(network.AddressOf(one), () => network.LogOf(two));
        int stopped = two.OpenVpnProcesses()["mesh-1"];
        two.Run("kill", "-STOP", stopped.ToString(CultureInfo.InvariantCulture));
        await network.KillNodeAsync(two);
        await Eventually.TrueAsync(() => two.Devices() is ["mesh-1"], "the device of the process that was stopped is left", () => string.Join(' ', two.Devices()));
        network.StartNode(two, "node.openvpn.listen=1194/tcp6");
        await two.ReachAsync(network.AddressOf(one), () => network.LogOf(two));
        Assert.NotEqual(stopped, two.OpenVpnProcesses()["mesh-1"]);

        CliRun run = await network.StopNodeAsync(two);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(two.OpenVpnProcesses());
        Assert.Empty(two.Devices());
        Assert.Empty(two.Routes());
        Assert.False(two.IsForwarding());   // as before the crash, too
        await network.AwaitAsync(one, "without the other", static status => status.Tunnels.Count == 0 && status.Routes.Count == 0);
    }

    // The first one is the server of the two, since the second one meets nobody else.
    internal static async Task<(Machine One, Machine Two)> ConnectAsync(InteropNetwork network, params string[] settings)
    {
        (Machine one, Machine two) = (network.Machines[0], network.Machines[1]);
        network.StartNode(one, settings);
        await network.AwaitAsync(one, "it serves", _ => one.OpenVpnProcesses().Count == 1);
        network.StartNode(two, [.. settings, "node.openvpn.listen=1194/tcp6"]);
        await two.ReachAsync(network.AddressOf(one), () => network.LogOf(two) + network.LogOf(one));
        await one.ReachAsync(network.AddressOf(two), () => network.LogOf(two) + network.LogOf(one));
        return (one, two);
    }

    private static async Task AwaitReturnAsync(InteropNetwork network, Machine one, Machine two)
    {
        await network.AwaitAsync(two, "connected again", static status => status.Tunnels is [{ State: TunnelState.Up }] && status.Routes.Count == 1);
        await two.ReachAsync(network.AddressOf(one), () => network.LogOf(two));
    }

    private static void Kill(int process)
    {
        using var found = Process.GetProcessById(process);
        found.Kill();
    }
}
