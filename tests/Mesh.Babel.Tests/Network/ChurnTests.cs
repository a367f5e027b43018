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
            network.MinDowntime = Hello * 3;   // until then its neighbours may still send to it, and it has forgotten its distances
            foreach (VirtualNode node in network.Nodes)
                node.SetKeys(keys);
            network.StartAll();
            network.RunFor(TimeSpan.FromSeconds(30));
            int faults = 6 + network.Random.Below(10);
            for (int i = 0; i < faults; i++)
            {
                Churn.Disturb(network);
                network.RunFor(network.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(25)));
                Assert.True(network.Violations.Count == 0, $"seed {seed}: {string.Join('\n', network.Violations.Take(3))}");
            }

            network.RunFor(network.MinDowntime);
            Churn.Heal(network);
            TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(60));
            Assert.True(time is not null, $"seed {seed}: {network.FirstDifference()}");
            network.RunFor(TimeSpan.FromSeconds(60));
            Assert.True(network.Violations.Count == 0, $"seed {seed}: {string.Join('\n', network.Violations.Take(3))}");
            Assert.True(network.IsConverged(), $"seed {seed}: {network.FirstDifference()}");
        }
    }
}
