using Mesh.Node.Tunnels;
using Mesh.Protocol.Registry;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class NetworkTests
{
    [Fact]
    public void Nodes_behind_two_nats_and_in_the_open_join_and_reach_each_other_in_datagrams()
    {
        SimulatedNetwork world = Overlay.Make(seed: 1, open: 2, homes: [3, 3]).BootAll();
        world.AwaitRoutes();
        Assert.Empty(world.Unanswered());
        Assert.All(world.Nodes.SelectMany(n => n.Tunnels), t => Assert.Equal(TunnelPathKind.Datagram, t.Path));
    }

    [Fact]
    public void The_registrys_node_joins_first_and_the_two_hear_each_other_on_their_computer()
    {
        var scenario = new Scenario { Name = "pair", Sites = [new Site("open", IsBehindNat: false, Nodes: 3)], Steps = [new AwaitRoutes(TimeSpan.FromMinutes(1))] };
        var run = new ScenarioRun(scenario, seed: 1);
        Assert.Empty(run.Run().Violations);
        SimulatedNode first = run.World.RegistryNode!;
        Assert.Equal(SimulatedNetwork.RegistryNodeName, first.Machine.Name);
        Assert.Equal(4, run.World.Nodes.Count);
        Assert.All(run.World.Nodes.Skip(1), n => Assert.True(first.Identity!.Certificate.SerialNumber < n.Identity!.Certificate.SerialNumber));

        // Parameters name it, so the registry tells it its news, and it hears them.
        Assert.Equal(first.Identity!.Prefix, first.Parameters!.RegistryPrefix);
        var heard = new List<ReadOnlyMemory<byte>>();
        first.Machine.ListenLoopback(heard.Add);
        run.World.Registry.Machine.Kill();
        run.World.BootRegistry();
        run.World.Run(TimeSpan.FromSeconds(1));
        Assert.True(LocalDatagram.TryDecode(Assert.Single(heard).Span, out LocalDatagram? news));
        Assert.Equal(first.Identity.Prefix, news.Prefix);
    }
}
