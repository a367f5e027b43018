using System.Net;
using Mesh.Cli.Node;
using Mesh.Cli.Ping;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Tunnels;

namespace Mesh.Interop.Tests.OpenVpn;

/// <summary>Tunnels of OpenVPN that are destroyed in order, while there is another way.</summary>
public sealed class DestructionTests
{
    private const int Rounds = 3;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_tunnel_that_is_replaced_again_and_again_loses_no_packet_of_either_end()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3, "registry.tunnel-refresh=10s", "registry.client-count=2");
        (Machine zero, Machine one, Machine two) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        await ConnectThreeAsync(network);

        using var enough = new CancellationTokenSource();
        (Machine From, Machine[] To)[] flows = [(two, [zero, one]), (zero, [two, one]), (one, [two])];
        Pinger[] pingers = [.. flows.Select(static flow => flow.From.Space.Run(static () => new Pinger(Patience)))];
        Task<IReadOnlyList<PingReport>>[] pinging =
            [.. pingers.Zip(flows, (pinger, flow) => pinger.RunAsync([.. flow.To.Select(to => IPAddress.Parse(network.AddressOf(to)))], ushort.MaxValue, Interval, enough.Token))];
        await Eventually.TrueAsync(
            () => CountOf(network.LogOf(two), "ended: it makes room for a tunnel with another node") >= Rounds, $"{Rounds} tunnels are replaced", () => network.LogOf(two), TimeSpan.FromSeconds(90));
        await network.AwaitAsync(two, "two tunnels again", static status => status.Tunnels.Count(static t => t is { State: TunnelState.Up, Destruction: null }) == 2);
        await enough.CancelAsync();
        IReadOnlyList<PingReport>[] reports = await Task.WhenAll(pinging);
        foreach (Pinger pinger in pingers)
            pinger.Dispose();
        foreach (PingReport report in reports.SelectMany(static r => r))
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"{report}");
            Assert.True(report.Sent > 100 && report.Received >= report.Sent - 1, $"{report}\n{network.LogOf(two)}\n{network.LogOf(zero)}");   // the last one may have been cut off by us
        }

        // The other end was asked, and agreed before it was cut.
        Assert.True(CountOf(network.LogOf(zero), "closed by the peer, as agreed") + CountOf(network.LogOf(one), "closed by the peer, as agreed") >= Rounds, network.LogOf(zero) + network.LogOf(one));
    }

    // The third one has two tunnels that it has opened itself, since nobody can reach it.
    private static async Task ConnectThreeAsync(InteropNetwork network)
    {
        (Machine zero, Machine one, Machine two) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        network.StartNode(zero);
        await network.AwaitAsync(zero, "it serves", _ => zero.OpenVpnProcesses().Count == 1);
        network.StartNode(one);
        await network.AwaitAsync(one, "a tunnel", static status => status.Tunnels is [{ State: TunnelState.Up }] && status.Routes.Count == 1);
        network.StartNode(two, "node.openvpn.listen=1194/tcp6");
        await network.AwaitAsync(two, "two tunnels", static status => status.Tunnels.Count(static t => t.State == TunnelState.Up) == 2 && status.Routes.Count == 2);
        foreach (Machine from in network.Machines)
        {
            foreach (Machine to in network.Machines.Where(to => to != from))
                await from.ReachAsync(network.AddressOf(to), () => network.LogOf(from));
        }
    }

    private static int CountOf(string log, string text) => log.Split(text).Length - 1;
}
