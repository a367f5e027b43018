using Mesh.Node.Tunnels;
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
}
