using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

/// <summary>Whole nodes whose tunnels are replaced all the time, and that crash meanwhile.</summary>
public sealed class OrderlyDestructionTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData(1, KillerState.SoftLocking)]
    [InlineData(2, KillerState.SoftLocking)]
    [InlineData(3, KillerState.Locked)]
    [InlineData(4, KillerState.Locked)]
    [InlineData(5, KillerState.Unlocking)]
    public void A_node_that_crashes_in_the_middle_leaves_tunnels_that_are_gone_or_cost_what_they_should(ulong seed, KillerState when)
    {
        SimulatedNetwork world = Make(seed);
        DeterministicRandom random = world.ForkRandom();
        for (int crash = 0; crash < 12; crash++)
        {
            SimulatedNode? victim = null;
            bool reached = world.Engine.RunUntil(
                () => (victim = world.Nodes.FirstOrDefault(n => n.IsRunning && n.Destructions.Values.Contains(when))) is not null, TimeSpan.FromMinutes(3), Step);
            Assert.True(reached, $"nobody was {when}");
            if (random.Next(2) == 0)
                victim!.Machine.Kill();
            else
                victim!.Machine.Crash();
            world.Run(random.NextTimeSpan(Step, TimeSpan.FromSeconds(40)));
            world.Boot(victim);
            world.AwaitRoutes();
            world.Run(random.NextTimeSpan(Step, TimeSpan.FromSeconds(20)));
        }

        AssertTunnelsAreUsed(world);
    }

    [Fact]
    public void Where_all_crash_at_once_in_the_middle_no_lock_survives()
    {
        SimulatedNetwork world = Make(seed: 7);
        world.Engine.RunUntil(() => world.Nodes.Sum(static n => n.Destructions.Count) > 4, TimeSpan.FromMinutes(5), Step);
        foreach (SimulatedNode node in world.Nodes)
            node.Machine.Crash();
        world.Run(TimeSpan.FromSeconds(1));
        world.BootAll();
        world.AwaitRoutes();
        Assert.All(world.Nodes, static n => Assert.Empty(n.Destructions));
        AssertTunnelsAreUsed(world);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_node_that_stops_in_order_takes_fewer_packets_of_others_with_it(ulong seed)
    {
        int inOrder = LostByStop(seed, isInOrder: true), atOnce = LostByStop(seed, isInOrder: false);
        TestContext.Current.TestOutputHelper!.WriteLine($"pings lost between others: {inOrder}, and {atOnce} where it stops at once");
        Assert.True(inOrder * 3 < atOnce * 2, $"{inOrder} and {atOnce}");
    }

    // The node that most others go through stops, while all others ping each other.
    private static int LostByStop(ulong seed, bool isInOrder)
    {
        SimulatedNetwork world = Make(seed, clientCount: 5, refresh: 3600);
        SimulatedNode leaver = world.Nodes.MaxBy(n => world.Nodes.Sum(o => o.Routes.Count(r => r.Via == n.Identity!.Prefix)))!;
        SimulatedNode[] others = [.. world.Nodes.Where(n => n != leaver)];
        int missing = 0;
        void Ping(TimeSpan duration)
        {
            for (TimeSpan end = world.Engine.Now + duration; world.Engine.Now < end; world.Run(TimeSpan.FromMilliseconds(20)))
            {
                foreach ((SimulatedNode from, SimulatedNode to) in others.SelectMany(from => others.Where(to => to != from).Select(to => (from, to))))
                {
                    missing++;
                    from.Host!.Ping(to.Identity!.Address, _ => missing--);
                }
            }
        }

        bool hasLeft = !isInOrder;
        if (isInOrder)
            leaver.Leave(() => hasLeft = true);
        Ping(LeaveNetwork.Time);
        Assert.True(hasLeft);
        leaver.Machine.Kill();
        Ping(TimeSpan.FromSeconds(2));
        world.Run(TimeSpan.FromSeconds(2));
        return missing;
    }

    private static SimulatedNetwork Make(ulong seed, int clientCount = 2, int refresh = 20)
    {
        var world = new SimulatedNetwork(
            seed, Overlay.Network, new InternetOptions(), diameter: 40,
            new RegistryOptions { ClientCount = clientCount, MaxClients = 10, Hello = TimeSpan.FromSeconds(2), TunnelRefresh = TimeSpan.FromSeconds(refresh) }, new NodeOptions { RegistryUrl = "" }, expectedNodes: 100);
        world.AddPublicNodes("open", 6);
        world.AddNatSite("home", 2);
        world.BootAll();
        world.AwaitRoutes();
        world.Run(TimeSpan.FromSeconds(30));
        return world;
    }

    // A tunnel that is not being destroyed at either end, and was not for a while, carries at least what goes to its other end.
    private static void AssertTunnelsAreUsed(SimulatedNetwork world)
    {
        world.AwaitRoutes();
        int used = 0;
        var idle = new Dictionary<(string Node, TunnelIndex Tunnel), int>();
        for (int look = 0; look < 120; look++)
        {
            world.Run(TimeSpan.FromSeconds(1));
            foreach (SimulatedNode node in world.Nodes)
            {
                foreach (TunnelStatus tunnel in node.Tunnels.Where(static t => t.State == TunnelState.Up))
                {
                    SimulatedNode peer = world.Nodes.Single(n => n.Identity!.Prefix == tunnel.Peer);
                    bool isQuiet = !node.Destructions.ContainsKey(tunnel.Index.Value) && !peer.Tunnels.Any(t => t.Peer == node.Identity!.Prefix && peer.Destructions.ContainsKey(t.Index.Value));
                    bool isUsed = node.Routes.Any(r => r.Tunnel == tunnel.Index && r.Destination == tunnel.Peer.Subnet(world.Network));
                    idle[(node.Machine.Name, tunnel.Index)] = isQuiet && !isUsed ? idle.GetValueOrDefault((node.Machine.Name, tunnel.Index)) + 1 : 0;
                    used += isUsed ? 1 : 0;
                    Assert.True(idle[(node.Machine.Name, tunnel.Index)] < 60, $"the tunnel from {node.Machine.Name} to {peer.Machine.Name} is not used, and nobody destroys it\n{world.Describe()}");
                }
            }
        }

        Assert.True(used > 0);
        Assert.True(world.Nodes.Sum(static n => n.OrderlyEnds) > 10);
    }
}
