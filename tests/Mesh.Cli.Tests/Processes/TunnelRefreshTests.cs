using Mesh.Cli.Demo;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Tests.Processes;

/// <summary>Tunnels between real processes are replaced by others all the time, and nobody who sends packets notices.</summary>
public sealed class TunnelRefreshTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tunnels_are_replaced_without_a_lost_packet()
    {
        NeedsRoot.Check();
        using RunningOverlay network = await RunningOverlay.StartAsync("registry.tunnel-refresh=10s", "registry.hello=2s", "registry.client-count=2");
        var seen = new HashSet<(DemoMachine, int)>();
        var destructions = new HashSet<string>(StringComparer.Ordinal);
        using var ping = new ContinuousPing(network);
        int before = 0;
        for (TimeSpan passed = TimeSpan.Zero; passed < Duration; passed += Poll)
        {
            foreach (NodeInRun node in await network.Overlay.LookAsync(network.Machines, Cancellation))
            {
                seen.UnionWith(node.Status!.Tunnels.Where(static tunnel => tunnel.State == TunnelState.Up).Select(tunnel => (node.Machine, tunnel.Index)));
                destructions.UnionWith(node.Status.Tunnels.Where(static tunnel => tunnel.Destruction is not null).Select(static tunnel => $"{tunnel.Destruction}"));
            }

            before = before == 0 ? seen.Count : before;
            await Task.Delay(Poll, Cancellation);
        }

        await network.CheckRoutesAsync();
        await ping.StopAsync();
        TestContext.Current.TestOutputHelper!.WriteLine($"{seen.Count - before} ends of tunnels came up beside the {before} that were there; seen {string.Join(", ", destructions.Order(StringComparer.Ordinal))}; {ping.Losses}");
        Assert.True(seen.Count - before >= 8, $"only {seen.Count - before} ends of tunnels came up");
        Assert.True(ping.Sent > 5000, $"{ping.Sent}");
        Assert.True(ping.Lost == 0, ping.Losses);
        Assert.NotEmpty(destructions);
    }
}
