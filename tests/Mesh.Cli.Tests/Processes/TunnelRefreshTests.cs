using System.Diagnostics;
using System.Text.Json;
using Mesh.Cli.Demo;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Tests.Processes;

/// <summary>Tunnels between real processes are replaced by others all the time, and nobody who sends packets notices.</summary>
public sealed class TunnelRefreshTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);
    private const long MaxUnderWay = 8_000_000;   // of the stream, at its end
    private const long MaxSentAgain = 50;   // of 100,000 segments: what overtakes others when a route changes may look lost
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
        Process stream = StartStream(network, network.Machines[^1], network.Machines[^2]);
        Task<string> streamed = stream.StandardOutput.ReadToEndAsync(Cancellation);
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
        using JsonDocument result = JsonDocument.Parse(await streamed);
        JsonElement sums = result.RootElement.GetProperty("end");
        long sent = sums.GetProperty("sum_sent").GetProperty("bytes").GetInt64(), received = sums.GetProperty("sum_received").GetProperty("bytes").GetInt64();
        long again = sums.GetProperty("sum_sent").GetProperty("retransmits").GetInt64();
        TestContext.Current.TestOutputHelper!.WriteLine($"a TCP stream of {sent / 1e6:0} MB meanwhile: {again} segments were sent again");
        TestContext.Current.TestOutputHelper!.WriteLine($"{seen.Count - before} ends of tunnels came up beside the {before} that were there; seen {string.Join(", ", destructions.Order(StringComparer.Ordinal))}; {ping.Losses}");
        Assert.True(seen.Count - before >= 8, $"only {seen.Count - before} ends of tunnels came up");
        Assert.True(ping.Sent > 5000, $"{ping.Sent}");
        Assert.True(ping.Lost == 0, ping.Losses);
        Assert.NotEmpty(destructions);
        Assert.InRange(received, sent - MaxUnderWay, sent);
        Assert.InRange(again, 0, MaxSentAgain);
    }

    // Between two nodes behind NATs, so that it goes through a third, which changes.
    private static Process StartStream(RunningOverlay network, DemoMachine from, DemoMachine to)
    {
        string address = network.Overlay[to].Address;
        to.Namespace.Start(new ProcessStartInfo("iperf3", ["-s", "-1", "-B", address]) { RedirectStandardOutput = true, UseShellExecute = false });
        Thread.Sleep(Poll);
        string seconds = $"{Duration.TotalSeconds - 5:0}";
        return from.Namespace.Start(new ProcessStartInfo("iperf3", ["-c", address, "-t", seconds, "-b", "20M", "-J"]) { RedirectStandardOutput = true, UseShellExecute = false });
    }
}
