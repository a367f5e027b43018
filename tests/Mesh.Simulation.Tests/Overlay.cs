using System.Net;
using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

/// <summary>Short words for the tests that let a whole overlay run.</summary>
internal static class Overlay
{
    public static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    public static SimulatedNetwork Make(ulong seed, int open, int[] homes, InternetOptions? internet = null, TunnelOptions? tunnel = null, int tokenUses = 100, ILogSink? log = null)
    {
        var world = new SimulatedNetwork(
            seed, Network, internet ?? new InternetOptions(), diameter: 40, new RegistryOptions { ClientCount = 2, MaxClients = 10, Hello = TimeSpan.FromSeconds(4) },
            new NodeOptions { RegistryUrl = "", Tunnels = new TunnelsOptions { Self = NodePrefix.Empty, Tunnel = tunnel ?? new TunnelOptions() } }, tokenUses, log);
        world.AddPublicNodes("open", open);
        for (int site = 0; site < homes.Length; site++)
            world.AddNatSite($"home{site}", homes[site]);
        return world;
    }

    public static SimulatedNetwork BootAll(this SimulatedNetwork world)
    {
        int i = 0;
        foreach (SimulatedNode node in world.Nodes)
            world.Engine.At(world.Engine.Now + TimeSpan.FromMilliseconds(150 * i++), () => world.Boot(node));
        world.Run(TimeSpan.FromMilliseconds(150 * i));
        return world;
    }

    public static void AwaitRoutes(this SimulatedNetwork world, TimeSpan? limit = null) =>
        Assert.True(world.Engine.RunUntil(() => world.HasAllRoutes(), limit ?? TimeSpan.FromMinutes(2), Step), world.Describe());

    public static bool HasAllRoutes(this SimulatedNetwork world)
    {
        SimulatedNode[] running = [.. world.Nodes.Where(n => n.Machine.System is not null)];
        return running.All(n => n.IsRunning) && RouteTrace.FindBroken(running, Network) is null;
    }

    /// <summary>Sends a ping between each pair of nodes and returns those that were not answered.</summary>
    public static IReadOnlyList<string> Unanswered(this SimulatedNetwork world)
    {
        var missing = new List<string>();
        foreach (SimulatedNode from in world.Nodes.Where(n => n.IsRunning))
        {
            var answered = new HashSet<Ipv6Address>();
            SimulatedNode[] others = [.. world.Nodes.Where(n => n != from && n.IsRunning)];
            foreach (SimulatedNode to in others)
                from.Host!.Ping(to.Identity!.Address, _ => answered.Add(to.Identity.Address));
            world.Run(TimeSpan.FromSeconds(2));
            missing.AddRange(others.Where(o => !answered.Contains(o.Identity!.Address)).Select(o => $"{from.Machine.Name} -> {o.Machine.Name}"));
        }

        return missing;
    }

    public static void Run(this SimulatedNetwork world, TimeSpan duration) => world.Engine.RunUntil(world.Engine.Now + duration);

    public static string Describe(this SimulatedNetwork world) => string.Join('\n', world.Nodes.Select(n =>
        $"{n.Machine.Name} {n.Identity?.Prefix}: {n.JoinProblem} v{n.ParametersVersion}, {n.Routes.Length} routes, tunnels {string.Join(", ", n.Tunnels.Select(t => $"{t.Peer} {t.State} {t.Path}"))}"));
}
