using Mesh.Node;
using Mesh.Node.Tunnels;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class IslandsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Islands_that_come_together_grow_together_while_tunnels_are_replaced(ulong seed)
    {
        var world = new SimulatedNetwork(
            seed, Overlay.Network, new InternetOptions(), diameter: 40,
            new RegistryOptions { ClientCount = 2, MaxClients = 10, Hello = TimeSpan.FromSeconds(4), TunnelRefresh = TimeSpan.FromSeconds(60) }, new NodeOptions { RegistryUrl = "" }, expectedNodes: 100);
        world.AddRegistryNode();
        world.AddPublicNodes("open", 13);
        world.BootAll();
        world.AwaitRoutes();
        SimulatedNode[] island = [.. world.Nodes.Where(n => n != world.RegistryNode).Take(6)];
        world.Internet.Isolate([.. island.Select(static n => n.Machine.Gateway)]);
        world.Run(TimeSpan.FromMinutes(5));
        Assert.Equal(0, Bridges(world, island));

        world.Internet.Isolate([]);
        world.AwaitRoutes(TimeSpan.FromMinutes(5));
        int first = Bridges(world, island);
        world.Run(TimeSpan.FromMinutes(15));
        int later = Bridges(world, island);
        TestContext.Current.TestOutputHelper!.WriteLine($"{first} tunnels between the islands when the first routes led there, {later} a quarter of an hour later");
        Assert.True(later >= 6 && later > first, $"{first}, then {later}");
    }

    private static int Bridges(SimulatedNetwork world, SimulatedNode[] island) => island.Sum(n => n.Tunnels.Count(
        t => t is { State: TunnelState.Up, Path: TunnelPathKind.Datagram } && !island.Any(i => i.Identity!.Prefix == t.Peer)));
}
