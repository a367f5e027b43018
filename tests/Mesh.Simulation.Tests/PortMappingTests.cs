using Mesh.Node.Tunnels;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

/// <summary>Homes whose routers map ports: nodes in two of them have tunnels with each other.</summary>
public sealed class PortMappingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Nodes_behind_two_boxes_that_map_ports_have_tunnels_with_each_other(ulong seed)
    {
        SimulatedNetwork world = Make(seed);
        SimulatedNode[] homes = [.. world.Nodes.Where(static n => n.Machine.IsBehindNat)];
        // Two nodes behind one box cannot both have the port that they want.
        Assert.True(world.Engine.RunUntil(() => homes.All(static n => n.Mapped.Count == 1), TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100)), world.Describe());
        Assert.Equal(homes.Length, homes.Select(static n => n.Mapped.ToString()).Distinct(StringComparer.Ordinal).Count());
        Assert.All(homes, static n => Assert.Equal(n.Machine.Gateway.Address.ToString(), n.Mapped[0].Host));
        world.AwaitRoutes();
        Assert.True(world.Engine.RunUntil(() => homes.Any(n => n.Tunnels.Any(t => t is { IsClient: false, State: TunnelState.Up, Path: TunnelPathKind.Datagram })), TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(100)), world.Describe());
        Assert.Empty(world.Unanswered());
    }

    [Fact]
    public void A_box_that_is_switched_off_and_on_maps_again_within_seconds()
    {
        SimulatedNetwork world = Make(seed: 4);
        SimulatedNode node = world.Nodes.First(static n => n.Machine.IsBehindNat);
        var box = (NatBox)node.Machine.Gateway;
        Assert.True(world.Engine.RunUntil(() => box.OpenPorts == 4, TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100)), world.Describe());
        world.Run(TimeSpan.FromMinutes(1));
        box.Restart();
        Assert.Equal(0, box.OpenPorts);
        Assert.True(world.Engine.RunUntil(() => box.OpenPorts == 4, TimeSpan.FromSeconds(6), TimeSpan.FromMilliseconds(100)), world.Describe());
        world.AwaitRoutes();
    }

    [Fact]
    public void A_node_that_stops_gives_its_ports_back_and_one_that_is_killed_takes_them_over_when_it_comes_back()
    {
        SimulatedNetwork world = Make(seed: 5);
        SimulatedNode[] homes = [.. world.Nodes.Where(static n => n.Machine.IsBehindNat)];
        var box = (NatBox)homes[0].Machine.Gateway;
        Assert.True(world.Engine.RunUntil(() => box.OpenPorts == 4 && homes[1].Mapped.Count == 1, TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100)), world.Describe());
        homes[0].Leave(homes[0].Machine.Kill);
        world.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(2, box.OpenPorts);
        string before = homes[1].Mapped.ToString();
        homes[1].Machine.Crash();
        world.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(2, box.OpenPorts);
        world.Boot(homes[1]);
        Assert.True(world.Engine.RunUntil(() => homes[1].Mapped.ToString() == before, TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(100)), homes[1].Mapped.ToString());
        Assert.Equal(2, box.OpenPorts);
    }

    private static SimulatedNetwork Make(ulong seed)
    {
        SimulatedNetwork world = Overlay.Make(seed, open: 1, homes: []);
        world.AddNatSite("left", 2, mapsPorts: true);
        world.AddNatSite("right", 2, mapsPorts: true);
        return world.BootAll();
    }
}
