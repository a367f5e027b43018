using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Mac;

namespace Mesh.Babel.Tests.Network;

/// <summary>Random networks under random faults: never a forwarding loop, and convergence when the faults stop.</summary>
public sealed class ChurnTests
{
    private static readonly TimeSpan Hello = TimeSpan.FromSeconds(4);

    /// <summary>250 networks in groups of ten, so that a failure names a small range of seeds and its message the seed.</summary>
    public static TheoryData<int> Groups => [.. Enumerable.Range(0, 25)];

    [Theory]
    [MemberData(nameof(Groups))]
    public void No_loop_at_any_instant_and_convergence_afterwards(int group) => Run(group, MacKeys.None);

    /// <summary>Packets that are refused must not make worse what faults do.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void No_loop_at_any_instant_and_convergence_afterwards_with_keys(int group) => Run(group, new MacKeys([MacBench.KeyA], [MacBench.KeyB]));

    /// <summary>Costs move all the time, because delays do.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void No_loop_at_any_instant_and_convergence_afterwards_with_delays_that_change(int group) =>
        Run(group, MacKeys.None, new RttParameters { Max = TimeSpan.FromMilliseconds(500), MaxPenalty = 5000, Decay = 125 });

    private static void Run(int group, MacKeys keys, RttParameters? rtt = null)
    {
        for (ulong seed = (ulong)group * 10; seed < ((ulong)group * 10) + 10; seed++)
        {
            VirtualNetwork network = Shapes.RandomGraph(1_000 + seed, Hello, rtt: rtt);
            network.MaxMultiplier = 4;
            foreach (VirtualNode node in network.Nodes)
                node.SetKeys(keys);
            network.StartAll();
            network.RunFor(TimeSpan.FromSeconds(30));
            int faults = 6 + network.Random.Below(10);
            for (int i = 0; i < faults; i++)
            {
                Disturb(network);
                network.RunFor(network.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(25)));
                Assert.True(network.Violations.Count == 0, $"seed {seed}: {string.Join('\n', network.Violations.Take(3))}");
            }

            Heal(network);
            TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(60));
            Assert.True(time is not null, $"seed {seed}: {network.FirstDifference()}");
            network.RunFor(TimeSpan.FromSeconds(60));
            Assert.True(network.Violations.Count == 0, $"seed {seed}: {string.Join('\n', network.Violations.Take(3))}");
            Assert.True(network.IsConverged(), $"seed {seed}: {network.FirstDifference()}");
        }
    }

    private static void Disturb(VirtualNetwork network)
    {
        VirtualLink link = network.Links[network.Random.Below(network.Links.Count)];
        if (network.Rtt is not null)
        {
            foreach (VirtualLink any in network.Links.Where(_ => network.Random.Chance(0.5)))
                any.Latency = TimeSpan.FromMilliseconds(1 + network.Random.Below(400));
        }

        VirtualNode node = network.Nodes[network.Random.Below(network.Nodes.Count)];
        switch (network.Random.Below(8))
        {
            case 0 or 1:
                link.IsUp = !link.IsUp;
                break;
            case 2:
                link.IsUp = false;
                foreach (VirtualNode end in new[] { link.Left, link.Right }.Where(n => n.IsAlive))
                    end.Do(s => s.LinkDown(link.Id, network.Now));
                break;
            case 3:
                link.Loss = network.Random.Below(60) / 100.0;
                break;
            case 4 when node.IsAlive:
                node.Crash();
                break;
            case 4 or 5 when !node.IsAlive:
                node.Start();
                break;
            case 5:
                node.Do(s => s.Withdraw(node.Prefix, network.Now));
                network.RunFor(TimeSpan.FromMilliseconds(network.Random.Below(3000)));
                node.Do(s => s.Announce(node.Prefix, network.Now));
                break;
            case 6 when node.IsAlive && node.Speaker.Neighbours() is { Count: > 0 } neighbours:
                NeighbourSnapshot neighbour = neighbours[network.Random.Below(neighbours.Count)];
                ushort multiplier = (ushort)(network.Random.Below(3) switch { 0 => 0, 1 => 256, _ => 1024 });
                node.Do(s => s.SetCostMultiplier(neighbour.Interface, neighbour.Address, multiplier, network.Now));
                break;
            default:
                link.IsUp = true;
                break;
        }
    }

    private static void Heal(VirtualNetwork network)
    {
        foreach (VirtualLink link in network.Links)
            (link.IsUp, link.Loss) = (true, 0);
        foreach (VirtualNode node in network.Nodes)
        {
            if (!node.IsAlive)
                node.Start();
            node.Do(s =>
            {
                foreach (NeighbourSnapshot neighbour in s.Neighbours())
                    _ = s.SetCostMultiplier(neighbour.Interface, neighbour.Address, 256, network.Now);
            });
        }
    }
}
