using System.Diagnostics;
using System.Globalization;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Cli.Tests;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.PortMapping;
using Mesh.Node.Tunnels;

namespace Mesh.Interop.Tests.PortMapping;

/// <summary>Two nodes, each behind a router of its own, and a public one with the registry beside it: all real processes.</summary>
public sealed class NatedPairTests
{
    private static readonly string[] Natted = ["node.accept=true", "node.openvpn.enabled=false", "node.advertise-own=public"];

    [Fact]
    public async Task Without_mappings_two_nodes_behind_NAT_reach_each_other_through_a_public_one()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3, behindNat: 2, []);
        Start(network, 0);
        Start(network, 1, "node.port-mapping.methods=pcp,nat-pmp");
        Start(network, 2, "node.port-mapping.methods=pcp,nat-pmp");
        foreach (Machine machine in network.Machines.Skip(1))
        {
            NodeStatusReport status = await network.AwaitAsync(machine, "two routes and no mapping", static s => s.Routes.Count == 2 && s.PortMapping is { State: PortMappingState.Resting });
            Assert.Equal("0/16", Assert.Single(status.Tunnels).Peer);
            Assert.All(status.Routes, static route => Assert.Equal("0/16", route.Via));
            Assert.Empty(status.PortMapping!.Mappings);
        }

        await network.Machines[1].ReachAsync(network.AddressOf(network.Machines[2]), () => network.LogOf(network.Machines[1]));
        // They are not troubled about it.
        Assert.DoesNotContain("port-mapping", string.Join('\n', network.LogOf(network.Machines[1]).Split('\n').Where(static line => !line.Contains("DEBUG", StringComparison.OrdinalIgnoreCase))), StringComparison.Ordinal);
        // Who has the public address asks nobody.
        Assert.Equal(PortMappingState.Resting, (await InteropNetwork.StatusAsync(network.Machines[0]))!.PortMapping!.State);
    }

    [Theory]
    [InlineData("pcp")]
    [InlineData("nat-pmp")]
    [InlineData("upnp")]
    public async Task Where_one_router_maps_ports_the_other_node_gets_a_direct_tunnel_and_a_stop_gives_the_ports_back(string method)
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3, behindNat: 2, []);
        Machine mapped = network.Machines[1], other = network.Machines[2];
        network.Routers[0].Serve(natPmp: method != "upnp", upnp: method == "upnp");
        Start(network, 0);
        Start(network, 1, $"node.port-mapping.methods={method}");
        NodeStatusReport status = await network.AwaitAsync(mapped, "two mappings", static s => s is { PortMapping: { State: PortMappingState.Mapped, Mappings.Count: 2 }, Tunnels.Count: 1 });
        Assert.Equal(method, status.PortMapping!.Method);
        Assert.All(status.PortMapping.Mappings, static m => Assert.Equal(("20.88.0.2", 6626, 6626), (m.ExternalAddress, m.Port, m.ExternalPort)));
        Assert.Equal(["tcp 6626", "udp 6626"], network.Routers[0].Mappings());
        Assert.Contains("others can reach us at 20.88.0.2,6626,mesh", network.LogOf(mapped), StringComparison.Ordinal);

        long start = Stopwatch.GetTimestamp();
        Start(network, 2);
        await network.AwaitAsync(other, "a direct tunnel of datagrams", static s => s.Tunnels.Any(static t => t is { Peer: "1/16", IsClient: true, State: TunnelState.Up, Path: TunnelPathKind.Datagram, Remote: "20.88.0.2:6626" })
            && s.Routes.Any(static r => r is { Via: "1/16" }));
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{method}: a direct tunnel {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after the start of the other node"));
        await other.ReachAsync(network.AddressOf(mapped), () => network.LogOf(other));

        CliRun run = await network.StopNodeAsync(mapped);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Empty(network.Routers[0].Mappings());
    }

    private static void Start(InteropNetwork network, int machine, params string[] settings) => network.StartNode(network.Machines[machine], [.. Natted, .. settings]);
}
