using Mesh.Node;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class NetworkTests
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    [Fact]
    public void Nodes_behind_two_nats_and_in_the_open_join_and_reach_each_other_in_datagrams()
    {
        SimulatedNetwork world = Start(seed: 1);
        bool reached = world.Engine.RunUntil(() => world.Nodes.All(n => n.Routes.Count >= world.Nodes.Count - 1), TimeSpan.FromMinutes(2), Step);
        Assert.True(reached, Describe(world));
        Assert.Empty(PingAll(world));
        Assert.All(world.Nodes.SelectMany(n => n.Tunnels), t => Assert.Equal(TunnelPathKind.Datagram, t.Path));
    }

    private static SimulatedNetwork Start(ulong seed)
    {
        var log = new TextLog();
        var world = new SimulatedNetwork(
            seed, Network, new InternetOptions(), diameter: 40, new RegistryOptions { ClientCount = 2, MaxClients = 10, Hello = TimeSpan.FromSeconds(4) },
            new NodeOptions { RegistryUrl = "" }, expectedNodes: 8, log);
        world.AddPublicNodes("open", 2);
        world.AddNatSite("a", 3);
        world.AddNatSite("b", 3);
        int i = 0;
        foreach (SimulatedNode node in world.Nodes)
            world.Engine.At(TimeSpan.FromMilliseconds(200 * i++), () => world.Boot(node));
        return world;
    }

    private static List<string> PingAll(SimulatedNetwork world)
    {
        var missing = new List<string>();
        foreach (SimulatedNode from in world.Nodes.Where(n => n.IsRunning))
        {
            var answered = new HashSet<Ipv6Address>();
            from.Host!.Answered = (address, _) => answered.Add(address);
            SimulatedNode[] others = [.. world.Nodes.Where(n => n != from && n.IsRunning)];
            foreach (SimulatedNode to in others)
                from.Host.Ping(to.Identity!.Address);
            world.Engine.RunUntil(world.Engine.Now + TimeSpan.FromSeconds(2));
            missing.AddRange(others.Where(o => !answered.Contains(o.Identity!.Address)).Select(o => $"{from.Machine.Name} -> {o.Machine.Name}"));
        }

        return missing;
    }

    private static string Describe(SimulatedNetwork world) => string.Join('\n', world.Nodes.Select(n =>
        $"{n.Machine.Name}: {n.Identity?.Prefix} joined={n.Identity is not null} problem={n.JoinProblem} v{n.ParametersVersion} tunnels={string.Join(',', n.Tunnels.Select(t => $"{t.Peer}/{t.State}/{t.Path}"))} routes={n.Routes.Count}"));

    private sealed class TextLog : Mesh.Actors.ILogSink
    {
        public Mesh.Actors.LogLevel Level => Mesh.Actors.LogLevel.Info;

        public void Write(Mesh.Actors.LogEntry entry)
        {
            if (Environment.GetEnvironmentVariable("MESH_TEST_LOG") is not null)
                Console.WriteLine($"{entry.Utc:HH:mm:ss.fff} {entry.Level} {entry.Source} {entry.Message}");
        }
    }
}
