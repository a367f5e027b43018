using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class RekeyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void No_ping_is_lost_while_keys_change_all_the_time(ulong seed)
    {
        var log = new FreshKeys();
        var tunnel = new TunnelOptions { ProbeInterval = TimeSpan.FromSeconds(1), RekeyInterval = TimeSpan.FromSeconds(6) };
        SimulatedNetwork world = Overlay.Make(seed, open: 1, homes: [1, 1], new InternetOptions { Jitter = TimeSpan.FromMilliseconds(20) }, tunnel, log: log).BootAll();
        world.AwaitRoutes();
        world.Run(TimeSpan.FromSeconds(5));
        Assert.All(world.Nodes.SelectMany(n => n.Tunnels), t => Assert.Equal(TunnelPathKind.Datagram, t.Path));
        log.Count = 0;
        int sent = 0, answered = 0;
        for (int i = 0; i < 6000; i++)
        {
            SimulatedNode from = world.Nodes[i % 3], to = world.Nodes[(i + 1 + (i / 3 % 2)) % 3];
            from.Host!.Ping(to.Identity!.Address, _ => answered++);
            sent++;
            world.Run(TimeSpan.FromMilliseconds(20));
        }

        world.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(sent, answered);
        // Two tunnels with two directions each, for two minutes.
        Assert.InRange(log.Count, 4 * 12, 4 * 21);
        Assert.All(world.Nodes, n => Assert.Equal(0, n.DataPlane!.Engine.Counters()[DropReason.NotAuthentic]));
    }

    private sealed class FreshKeys : ILogSink
    {
        public int Count { get; set; }

        public LogLevel Level => LogLevel.Debug;

        public void Write(LogEntry entry) => Count += entry.Message.Contains("fresh key", StringComparison.Ordinal) ? 1 : 0;
    }
}
