using System.Globalization;
using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

/// <summary>One end of a tunnel dies again and again, at any moment: in the middle of a greeting, of a destruction, of a rekey.</summary>
public sealed class RandomKillsTests
{
    private const int Usual = 300;

    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) && wanted > 0 ? wanted : Usual;

    [Fact]
    public void A_pair_heals_after_each_of_many_kills_of_one_end()
    {
        int kills = Kills;
        SimulatedNetwork world = new(
            seed: 11, NetworkPrefix.Parse("2001:db8:42::/48"), new InternetOptions(), diameter: 40,
            new RegistryOptions { ClientCount = 2, MaxClients = 10, Hello = TimeSpan.FromSeconds(4), TunnelRefresh = TimeSpan.FromSeconds(30) },
            new NodeOptions { RegistryUrl = "", Tunnels = new TunnelsOptions { Self = NodePrefix.Empty, Tunnel = new TunnelOptions { RekeyInterval = TimeSpan.FromSeconds(10) } } }, expectedNodes: 10);
        world.AddPublicNodes("open", 1);
        world.AddNatSite("home", 1);
        world.BootAll().AwaitRoutes();
        DeterministicRandom random = world.ForkRandom();
        TimeSpan longest = TimeSpan.Zero;
        for (int kill = 0; kill < kills; kill++)
        {
            SimulatedNode victim = world.Nodes[random.Next(world.Nodes.Count)];
            if (random.Next(2) == 0)
                victim.Machine.Kill();
            else
                victim.Machine.Crash();
            world.Run(random.NextTimeSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(2)));
            world.Boot(victim);
            // Often the next one comes before the pair has healed.
            world.Run(random.NextTimeSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(4)));
            if (kill % 20 != 19)
                continue;
            TimeSpan start = world.Engine.Now;
            world.AwaitRoutes();
            IReadOnlyList<string> unanswered = world.Unanswered();
            for (int i = 0; i < 12 && unanswered.Count > 0; i++)
            {
                world.Run(TimeSpan.FromSeconds(5));
                unanswered = world.Unanswered();
            }

            Assert.True(unanswered.Count == 0, $"after {kill + 1} kills: {string.Join(", ", unanswered)}\n{world.Describe()}");
            longest = world.Engine.Now - start > longest ? world.Engine.Now - start : longest;
        }

        Assert.All(world.Nodes, static node => Assert.Equal(0, node.Machine.System!.FailureCount));
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills; the pair talked again {longest.TotalSeconds:0.0} s after the last of twenty at the latest");
    }
}
