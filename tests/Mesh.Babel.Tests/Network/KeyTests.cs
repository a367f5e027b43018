using Mesh.Babel.Mac;
using Mesh.Babel.Tests.Mac;

namespace Mesh.Babel.Tests.Network;

/// <summary>Whole networks with keys: a rotation step by step, nodes that lag behind, and two networks on one wire.</summary>
public sealed class KeyTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Hello = TimeSpan.FromSeconds(15);
    private static readonly MacKey A = MacBench.KeyA;
    private static readonly MacKey B = MacBench.KeyB;
    private static readonly MacKeys Init = new([A], acceptAny: true);
    private static readonly MacKeys StableA = new([A]);
    private static readonly MacKeys Prepare = new([A], [B]);
    private static readonly MacKeys Switch = new([B], [A]);
    private static readonly MacKeys StableB = new([B]);

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(i => (ulong)i)];

    /// <summary>The steps of a registry (none, init, stable, prepare, switch, stable), each node taking each one at a time of its own.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_chain_gets_a_key_and_another_one_and_loses_no_neighbour_and_no_route_at_any_instant(ulong seed)
    {
        VirtualNetwork network = Shapes.Line(6, seed, Hello);
        Rotate(network);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void So_does_a_lan(ulong seed)
    {
        var network = new VirtualNetwork(seed, Hello);
        VirtualNode[] nodes = [.. Enumerable.Range(0, 6).Select(_ => network.AddNode())];
        _ = network.ConnectLan(nodes);
        Rotate(network);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void So_does_a_random_network(ulong seed) => Rotate(Shapes.RandomGraph(seed, Hello));

    [Fact]
    public void A_keyed_network_converges_within_a_second_of_the_last_start()
    {
        foreach (MacKeys keys in new[] { StableA, new MacKeys([MacKey.Create(MacAlgorithm.HmacSha256, [1])]), Init, Prepare })
        {
            VirtualNetwork network = Shapes.Line(5, seed: 1, Hello);
            foreach (VirtualNode node in network.Nodes)
                node.SetKeys(keys);
            network.StartAll();
            network.RunUntil(Hello);
            TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(1));
            Assert.True(time is not null, network.FirstDifference());
            output.WriteLine($"{keys}: {time}");
            network.AssertNoViolation();
        }
    }

    [Fact]
    public void A_keyed_lan_converges_within_a_second_of_the_last_start()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var network = new VirtualNetwork(seed, Hello);
            VirtualNode[] nodes = [.. Enumerable.Range(0, 12).Select(_ => network.AddNode())];
            _ = network.ConnectLan(nodes);
            foreach (VirtualNode node in nodes)
                node.SetKeys(seed % 2 == 0 ? StableA : Init);
            network.StartAll();
            network.RunUntil(Hello);
            TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(1));
            Assert.True(time is not null, $"seed {seed}: {network.FirstDifference()}");
            network.AssertNoViolation();
        }
    }

    /// <summary>A node that crashes and comes back has other numbers for its packets. It is challenged, and everything it knew is known again.</summary>
    [Fact]
    public void A_node_that_restarts_is_back_within_a_second()
    {
        VirtualNetwork network = Shapes.Line(3, seed: 5, Hello);
        foreach (VirtualNode node in network.Nodes)
            node.SetKeys(StableA);
        network.StartAll();
        network.RunFor(TimeSpan.FromMinutes(2));
        VirtualNode middle = network.Nodes[1];
        long passed = network.Nodes[0].Speaker[BabelCounter.ChallengesPassed];
        middle.Crash();
        network.RunFor(TimeSpan.FromSeconds(1));
        middle.Start();
        TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(1));
        Assert.True(time is not null, network.FirstDifference());
        Assert.Equal(passed + 1, network.Nodes[0].Speaker[BabelCounter.ChallengesPassed]);
        network.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(network.IsConverged(), network.FirstDifference());
        network.AssertNoViolation();
    }

    /// <summary>Which pairs of steps understand each other: neighbours in the order of the rotation do, and no others.</summary>
    [Fact]
    public void Steps_next_to_each_other_understand_each_other_and_steps_further_apart_do_not()
    {
        MacKeys[] steps = [MacKeys.None, Init, StableA, Prepare, Switch, StableB];
        for (int left = 0; left < steps.Length; left++)
        {
            for (int right = left; right < steps.Length; right++)
            {
                VirtualNetwork network = Shapes.Line(2, seed: 3, Hello);
                network.Nodes[0].SetKeys(steps[left]);
                network.Nodes[1].SetKeys(steps[right]);
                network.StartAll();
                network.RunFor(TimeSpan.FromMinutes(3));
                // Init and prepare both sign with A, too; init takes everything but must itself be understood.
                bool isExpected = right - left <= 1 || (left is 1 && right is 3);
                Assert.True(isExpected == network.IsConverged(), $"{steps[left]} and {steps[right]}: {network.FirstDifference()}");
                if (isExpected)
                    continue;
                Assert.False(network.Nodes[0].Speaker.TryGetSelected(network.Nodes[1].Prefix, out _));
                Assert.False(network.Nodes[1].Speaker.TryGetSelected(network.Nodes[0].Prefix, out _));
                Assert.True(network.Nodes.Sum(n => n.Speaker[BabelCounter.WrongMac] + n.Speaker[BabelCounter.MissingMac]) > 0);
            }
        }
    }

    /// <summary>What cannot be helped: two steps apart the link is lost. What can: they are together again as soon as their keys are, without waiting for a Hello.</summary>
    [Theory]
    [InlineData(1, false)]   // still remembered: nobody is challenged
    [InlineData(1, true)]
    [InlineData(20, false)]   // long forgotten
    [InlineData(20, true)]
    public void A_node_that_lags_two_steps_behind_is_lost_and_is_back_at_once_when_it_follows(int minutes, bool isOneStepOnly)
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            VirtualNetwork network = Shapes.Line(2, seed, Hello);
            network.Jitter = TimeSpan.Zero;   // an IHU that overtakes a newer one would have to be waited for, with or without keys
            (VirtualNode ahead, VirtualNode behind) = (network.Nodes[0], network.Nodes[1]);
            ahead.SetKeys(StableA);
            behind.SetKeys(StableA);
            network.StartAll();
            network.RunFor(TimeSpan.FromMinutes(1));
            Assert.True(network.IsConverged(), network.FirstDifference());

            ahead.SetKeys(Switch);   // it still understands the one behind, and is not understood
            network.RunFor(TimeSpan.FromMinutes(minutes));
            Assert.False(behind.Speaker.TryGetSelected(ahead.Prefix, out _));
            Assert.All(behind.Speaker.Neighbours(), n => Assert.Equal(Metric.Infinity, n.Cost));
            Assert.True(behind.Speaker[BabelCounter.WrongMac] > 0);

            behind.SetKeys(isOneStepOnly ? Prepare : Switch);
            TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(1));
            Assert.True(time is not null, $"seed {seed}: {network.FirstDifference()}");
            if (seed == 1)
                output.WriteLine($"after {minutes} min, {(isOneStepOnly ? "one step" : "two steps")}: {time}, latency {network.Links[0].Latency}");
            network.AssertNoViolation();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void Nodes_that_understood_nothing_of_each_other_are_together_at_once_when_their_keys_meet(int minutes)
    {
        VirtualNetwork network = Shapes.Line(2, seed: 9, Hello);
        network.Jitter = TimeSpan.Zero;
        (VirtualNode left, VirtualNode right) = (network.Nodes[0], network.Nodes[1]);
        left.SetKeys(StableA);
        right.SetKeys(StableA);
        network.StartAll();
        network.RunFor(TimeSpan.FromMinutes(1));
        right.SetKeys(StableB);
        network.RunFor(TimeSpan.FromMinutes(minutes));
        Assert.All(network.Nodes.SelectMany(n => n.Speaker.Neighbours()), n => Assert.Equal(Metric.Infinity, n.Cost));
        Assert.False(left.Speaker.TryGetSelected(right.Prefix, out _));
        left.SetKeys(StableB);
        Assert.NotNull(network.RunUntilConverged(TimeSpan.FromSeconds(1)));
        network.AssertNoViolation();
    }

    /// <summary>Eight nodes on one wire, four of each network, and one of each network behind a tunnel.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_networks_on_one_lan_do_not_mix(bool hasOtherNetworkKeys)
    {
        var network = new VirtualNetwork(seed: 11, Hello);
        VirtualNode[] nodes = [.. Enumerable.Range(0, 10).Select(_ => network.AddNode())];
        VirtualLink lan = network.ConnectLan(nodes[..8]);
        _ = network.Connect(nodes[0], nodes[8]);
        _ = network.Connect(nodes[1], nodes[9]);
        foreach (VirtualNode node in nodes)
            node.SetKeys(IsFirst(node) ? StableA : hasOtherNetworkKeys ? StableB : MacKeys.None);
        network.StartAll();
        network.RunFor(TimeSpan.FromMinutes(10));
        foreach (VirtualNode node in nodes)
        {
            if (!IsFirst(node) && !hasOtherNetworkKeys)
                continue;   // who checks nothing hears everybody
            VirtualNode[] others = [.. nodes.Where(other => other != node)];
            Assert.All(others, other => Assert.Equal(IsFirst(other) == IsFirst(node), node.Speaker.TryGetSelected(other.Prefix, out _)));
            Assert.Equal(others.Count(other => IsFirst(other) == IsFirst(node)), node.Speaker.Routes().Count(r => r.IsSelected));
            if (!node.Links.Contains(lan))
                continue;
            BabelAddress[] expected = [.. others.Where(other => IsFirst(other) == IsFirst(node) && other.Links.Contains(lan)).Select(lan.AddressOf)];
            Assert.Equal(expected, node.Speaker.Neighbours().Where(n => n.Interface == lan.Id).Select(n => n.Address).OrderBy(a => a.Bits));
            Assert.True(node.Speaker[hasOtherNetworkKeys ? BabelCounter.WrongMac : BabelCounter.MissingMac] > 100);
            Assert.Equal(0, node.Speaker[BabelCounter.Tolerated]);
        }

        network.AssertNoViolation();

        static bool IsFirst(VirtualNode node) => node.Index % 2 == 0;
    }

    [Fact]
    public void The_same_seed_gives_the_same_packets_with_keys()
    {
        (ulong Digest, long Packets) first = Run(77);
        Assert.Equal(first, Run(77));
        Assert.NotEqual(first, Run(78));

        static (ulong Digest, long Packets) Run(ulong seed)
        {
            VirtualNetwork network = Shapes.RandomGraph(seed, Hello);
            network.Links[0].Loss = 0.2;
            foreach (VirtualNode node in network.Nodes)
                node.SetKeys(Prepare);
            network.StartAll();
            network.RunFor(TimeSpan.FromMinutes(2));
            return (network.Digest, network.Packets);
        }
    }

    private static void Rotate(VirtualNetwork network)
    {
        network.StartAll();
        network.RunFor(TimeSpan.FromMinutes(1));
        Assert.True(network.IsConverged(), network.FirstDifference());
        network.MustKeepRoutes = true;
        foreach (MacKeys step in new[] { Init, StableA, Prepare, Switch, StableB, new MacKeys([B], [A]), Prepare, StableA })
        {
            TimeSpan begin = network.Now;
            foreach (VirtualNode node in network.Nodes)
            {
                VirtualNode changing = node;
                network.At(begin + network.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(40)), () => changing.SetKeys(step));
            }

            network.RunUntil(begin + TimeSpan.FromSeconds(41));
            network.AssertNoViolation();
            Assert.True(network.IsConverged(), $"{step}: {network.FirstDifference()}");
        }

        Assert.All(network.Nodes, n => Assert.Equal(0, n.Speaker[BabelCounter.NeighboursLost]));
        Assert.All(network.Nodes, n => Assert.Equal(0, n.Speaker[BabelCounter.WrongMac]));
        Assert.All(network.Nodes.SelectMany(n => n.Speaker.Neighbours()), n => Assert.Equal(NeighbourAuthentication.Verified, n.Authentication));
    }
}
