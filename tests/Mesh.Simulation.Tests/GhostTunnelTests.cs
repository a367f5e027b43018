using Mesh.Node.Tunnels;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class GhostTunnelTests
{
    // A node that was off for some seconds does not know its old tunnels, and their other ends have not noticed: nothing was sent. Whenever it opens another tunnel with
    // such a node, packets pass again, though the old one would only be asked within ten seconds.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Packets_to_a_node_that_was_switched_off_and_on_pass_as_soon_as_it_has_opened_a_tunnel(ulong seed)
    {
        for (int phase = 0; phase < 10; phase++)
        {
            SimulatedNetwork world = Overlay.Make(seed, open: 2, homes: []).BootAll();
            world.AwaitRoutes();
            world.Run(TimeSpan.FromSeconds(30 + phase));
            SimulatedNode neighbour = world.Nodes.First(n => n.Tunnels.Any(t => t.IsClient && t.State == TunnelState.Up));
            SimulatedNode restarted = world.Nodes.Single(n => n != neighbour);
            restarted.Machine.Crash();
            world.Run(TimeSpan.FromSeconds(8));
            world.Boot(restarted);
            Assert.True(world.Engine.RunUntil(() => restarted.Tunnels.Any(t => t.State == TunnelState.Up), TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(10)), world.Describe());
            world.Run(TimeSpan.FromSeconds(1));
            Assert.True(neighbour.Tunnels.Count == 1, $"phase {phase}: {world.Describe()}");
            Assert.Empty(world.Unanswered());
        }
    }
}
