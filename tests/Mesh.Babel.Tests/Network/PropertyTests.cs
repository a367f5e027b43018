using System.Globalization;

namespace Mesh.Babel.Tests.Network;

/// <summary>What must hold in every network, whatever it is made of and whatever fails: tunnels, wires, radio and LANs, delays that count and change, and routes for some sources only.</summary>
/// <remarks>
/// <c>BABEL_NETWORKS</c> says how many networks, 60 where it is not set; <c>BABEL_SEED</c> with which seed they begin. Loops are looked for at every change of any route; in every tenth
/// network at every node after every event, too.
/// </remarks>
public sealed class PropertyTests(ITestOutputHelper output)
{
    private const int Groups = 10;

    /// <summary>What a node may send on a link in ten seconds, to all and to its peers there, whatever happens around it. In 1,000 networks the most was 37.</summary>
    private const int MostPackets = 60;

    private static readonly TimeSpan Hello = TimeSpan.FromSeconds(4);
    private static readonly RttParameters Rtt = new() { Max = TimeSpan.FromMilliseconds(500), MaxPenalty = 5000, Decay = 125 };
    private static readonly BabelPrefix Default = BabelPrefix.Parse("::/0");
    private static readonly BabelPrefix[] Sources = [default, BabelPrefix.Parse("2001:db8::/32"), BabelPrefix.Parse("2001:db8:1::/48")];

    public static TheoryData<int> AllGroups => [.. Enumerable.Range(0, Groups)];

    private static int Networks => Setting("BABEL_NETWORKS", 60);

    [Theory]
    [MemberData(nameof(AllGroups))]
    public void No_loop_at_any_instant_bounded_traffic_and_everything_reachable_in_the_end(int group)
    {
        int busiest = 0;
        long changes = 0;
        for (int i = group; i < Networks; i += Groups)
        {
            ulong seed = (ulong)(Setting("BABEL_SEED", 50_000) + i);
            VirtualNetwork network = Make(seed);
            network.AuditEvery = i % 100 < Groups ? 1 : 500;
            network.StartAll();
            network.RunFor(TimeSpan.FromSeconds(30));
            int faults = 6 + network.Random.Below(10);
            for (int fault = 0; fault < faults; fault++)
            {
                Churn.Disturb(network);
                Reroute(network);
                network.RunFor(network.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(25)));
                Assert.True(network.Violations.Count == 0, $"seed {seed}: {string.Join('\n', network.Violations.Take(3))}");
            }

            network.RunFor(network.MinDowntime);
            Churn.Heal(network);
            TimeSpan? time = network.RunUntilConverged(TimeSpan.FromSeconds(90));
            Assert.True(time is not null, $"seed {seed}: {network.FirstDifference()}");
            network.RunFor(TimeSpan.FromSeconds(60));
            Assert.True(network.Violations.Count == 0, $"seed {seed}: {string.Join('\n', network.Violations.Take(3))}");
            Assert.True(network.IsConverged(), $"seed {seed}: {network.FirstDifference()}");
            Assert.True(network.BusiestWindow <= MostPackets, $"seed {seed}: {network.BusiestWindow} packets in {VirtualNetwork.RateWindow} by one node on one link");
            busiest = Math.Max(busiest, network.BusiestWindow);
            changes += network.RouteChanges;
        }

        output.WriteLine($"{changes} route changes, at most {busiest} packets in {VirtualNetwork.RateWindow} by one node on one link");
    }

    private static VirtualNetwork Make(ulong seed)
    {
        LinkKind[] kinds = (seed % 4) switch
        {
            0 => [LinkKind.Tunnel],
            1 => [LinkKind.Tunnel, LinkKind.Wired],
            2 => [LinkKind.Lossy],
            _ => [LinkKind.Tunnel, LinkKind.Wired, LinkKind.Lossy],
        };
        VirtualNetwork network = Shapes.RandomGraph(seed, Hello, minNodes: 4, maxNodes: 12, seed % 2 == 0 ? Rtt : null, kinds);
        network.MaxMultiplier = 4;
        network.MinDowntime = Hello * 14;   // a lossy link is lost when twelve Hellos are, and an IHU of three intervals has lapsed
        if (seed % 3 == 0)
            _ = network.ConnectLan([.. network.Nodes.Take(3 + network.Random.Below(2))]);
        int gateways = 1 + network.Random.Below(3);
        for (int i = 0; i < gateways; i++)
        {
            (RouteKey Key, VirtualNode Node) extra = (new RouteKey(Default, Sources[network.Random.Below(Sources.Length)]), network.Nodes[network.Random.Below(network.Nodes.Count)]);
            if (!network.Extras.Contains(extra))
                network.Extras.Add(extra);
        }

        return network;
    }

    /// <summary>Now and then a gateway takes its route back for a moment.</summary>
    private static void Reroute(VirtualNetwork network)
    {
        (RouteKey key, VirtualNode node) = network.Extras[network.Random.Below(network.Extras.Count)];
        if (!node.IsAlive || !network.Random.Chance(0.3))
            return;
        node.Do(s => s.Withdraw(key, network.Now));
        network.RunFor(TimeSpan.FromMilliseconds(network.Random.Below(5000)));
        if (node.IsAlive)
            node.Do(s => s.Announce(key, network.Now));
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
