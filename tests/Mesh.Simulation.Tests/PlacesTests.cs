using Mesh.Node;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class PlacesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    public void Nobody_is_shut_out_although_there_are_fewer_places_than_nodes_want(ulong seed)
    {
        // Six nodes behind NAT want twelve places, and the two that can be reached have eight, one of which the other of the two wants.
        var world = new SimulatedNetwork(
            seed, NetworkPrefix.Parse("2001:db8:42::/48"), new InternetOptions(), diameter: 40,
            new RegistryOptions { ClientCount = 2, MaxClients = 4, Hello = TimeSpan.FromSeconds(4) }, new NodeOptions { RegistryUrl = "" }, expectedNodes: 8);
        world.AddPublicNodes("open", 2);
        for (int site = 0; site < 6; site++)
            world.AddNatSite($"home{site}", 1);
        Actors.DeterministicRandom random = world.ForkRandom();
        foreach (SimulatedNode node in world.Nodes)
            world.Engine.At(random.NextTimeSpan(TimeSpan.Zero, TimeSpan.FromSeconds(2)), () => world.Boot(node));
        bool reached = world.Engine.RunUntil(() => world.Nodes.All(n => n.Routes.Length == 7), TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100));
        Assert.True(reached, string.Join(Environment.NewLine, world.Nodes.Select(n => $"{n.Machine.Name} {n.Identity?.Prefix}: {n.Routes.Length} routes, tunnels {string.Join(",", n.Tunnels.Select(t => t.Peer))}")));
        world.Engine.RunUntil(world.Engine.Now + TimeSpan.FromMinutes(10));
        Assert.All(world.Nodes, n => Assert.Equal(7, n.Routes.Length));
        Assert.All(world.Nodes.Take(2), n => Assert.InRange(n.Tunnels.Count(t => !t.IsClient && t.State == Node.Tunnels.TunnelState.Up), 1, 4));
    }
}
