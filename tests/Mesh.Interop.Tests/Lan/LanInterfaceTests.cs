using System.Net;
using Mesh.Babel;
using Mesh.Cli.Control;
using Mesh.Cli.Node;
using Mesh.Cli.Tests;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tunnels;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Lan;

/// <summary>Real nodes on one LAN that reach each other over it, without tunnels.</summary>
public sealed class LanInterfaceTests
{
    private const string Lan = "under";   // which is the underlay, too

    private static readonly string[] Native = ["node.openvpn.enabled=false"];

    [Fact]
    public async Task Nodes_on_one_LAN_reach_each_other_and_are_reached_through_it_until_the_cable_is_pulled_and_once_it_is_back()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3);
        (Machine one, Machine two, Machine remote) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        string[] addresses = AddressesOf(two);
        network.StartNode(one, [.. Native, "node.accept=true", $"node.interfaces={Lan},usb7"]);
        network.StartNode(two, [.. Native, $"node.interfaces={Lan}", "node.advertise-own=none", "node.underlay.device=lo"]);   // no tunnel gets out of that
        network.StartNode(remote, [.. Native, "node.advertise-own=none"]);
        string Explain() => $"{network.LogOf(one)}\n\n{network.LogOf(two)}\n\n{network.LogOf(remote)}";

        await two.ReachAsync(network.AddressOf(one), Explain);
        NodeStatusReport status = (await InteropNetwork.StatusAsync(one))!;
        Assert.Equal([(Lan, LanInterfaceState.Speaking), ("usb7", LanInterfaceState.Absent)], status.Lans.Select(static lan => (lan.Interface, lan.State)));
        NeighbourReport neighbour = Assert.Single((await AskAsync<NeighboursReport>(two, NodeControl.Neighbours, new NeighboursOrder(null))).Neighbours);
        Assert.Equal(("0/16", 0, Lan, NeighbourAuthentication.Verified), (neighbour.Node, neighbour.Tunnel, neighbour.Device, neighbour.Authentication));
        Assert.All(OverLan(two), route => Assert.Equal((two.Link(Lan).Index, IPAddress.Parse(network.AddressOf(two))), (route.Link, route.Source)));

        // From a tunnel onto the LAN and back: the kernel of the node in between forwards.
        await remote.ReachAsync(network.AddressOf(two), Explain);
        await two.TransferAsync(remote, network.AddressOf(remote), 1_000_000);
        Assert.Equal("2/16", Assert.Single((await InteropNetwork.StatusAsync(one))!.Tunnels, static tunnel => tunnel.State == TunnelState.Up).Peer);
        ExplanationReport explanation = await AskAsync<ExplanationReport>(two, NodeControl.Explain, new ExplainOrder(network.AddressOf(remote), null));
        Assert.Equal(("0/16", Lan), (explanation.Route!.Via, explanation.Route.Device));

        network.SetCable(two, isIn: false);
        await Eventually.TrueAsync(() => OverLan(two).Length == 0, "who has no carrier has no routes at once", Explain, TimeSpan.FromSeconds(2));
        await Eventually.TrueAsync(() => OverLan(one).Length == 0, "the other one hears nothing any more", Explain);
        network.SetCable(two, isIn: true);
        await two.ReachAsync(network.AddressOf(remote), Explain);
        Assert.Equal(2, (await InteropNetwork.StatusAsync(two))!.Lans[0].Starts);

        CliRun run = await network.StopNodeAsync(two);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(two.Routes());
        Assert.False(two.IsForwarding());
        Assert.Equal(addresses, AddressesOf(two));
        await Eventually.TrueAsync(() => OverLan(one).Length == 0, "it has taken its routes back", Explain, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_node_of_re6st_on_the_LAN_and_one_of_ours_reach_each_other_by_the_networks_key()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 2);
        (Machine ours, Machine theirs) = (network.Machines[0], network.Machines[1]);
        network.StartNode(ours, [.. Native, $"node.interfaces={Lan}"]);
        Re6stPeer peer = await Re6stPeer.OnLanAsync(network, theirs, Lan);
        string Explain() => $"{network.LogOf(ours)}\n\n{peer.Said}";
        await theirs.ReachAsync(network.AddressOf(ours), Explain);
        await ours.ReachAsync(network.AddressOf(theirs), Explain);
        NeighbourReport neighbour = Assert.Single((await AskAsync<NeighboursReport>(ours, NodeControl.Neighbours, new NeighboursOrder(null))).Neighbours);
        Assert.Equal(("1/16", Lan, NeighbourAuthentication.Verified), (neighbour.Node, neighbour.Device, neighbour.Authentication));
        await network.StopNodeAsync(ours);
        Assert.Empty(ours.Routes());
        await Eventually.TrueAsync(() => !theirs.Routes().Any(static route => route.Kind == KernelRouteKind.Unicast), "babeld has no route of ours any more", () => peer.Said);
    }

    private static async Task<T> AskAsync<T>(Machine machine, string request, object argument)
    {
        using ControlClient client = RunningNode.Connect(machine.Directory);
        return await client.AskAsync<T>(request, argument, TestContext.Current.CancellationToken);
    }

    private static KernelRoute[] OverLan(Machine machine) => [.. machine.Routes().Where(static route => route.Gateway is not null)];

    private static string[] AddressesOf(Machine machine) => machine.Space.Run(static () =>
    {
        using var netlink = RouteNetlink.Open();
        int index = netlink.GetLink(Lan).Index;
        return netlink.Addresses().Where(address => address.Link == index).Select(static address => $"{address.Address}/{address.PrefixLength}").Order(StringComparer.Ordinal).ToArray();
    });
}
