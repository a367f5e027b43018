using System.Net;
using Mesh.Cli.Ping;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Tunnels;

namespace Mesh.Interop.Tests.OpenVpn;

/// <summary>A server with two clients, of which one is revoked.</summary>
public sealed class RevocationTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100), Patience = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_revoked_client_is_cut_off_and_not_let_in_again_and_the_others_do_not_notice()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3);
        (Machine server, Machine revoked, Machine other) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        network.StartNode(server);
        await network.AwaitAsync(server, "it serves", _ => server.OpenVpnProcesses().Count == 1);
        Re6stPeer first = await Re6stPeer.ConnectAsync(network, revoked, server, "0/16"), second = await Re6stPeer.ConnectAsync(network, other, server, "0/16");
        await server.ReachAsync(network.AddressOf(revoked), () => network.LogOf(server));
        await server.ReachAsync(network.AddressOf(other), () => network.LogOf(server));
        await network.AwaitAsync(server, "two tunnels", static status => status.Tunnels.Count(static tunnel => tunnel.State == TunnelState.Up) == 2);
        int process = server.OpenVpnProcesses()["mesh-tcp"];

        using Pinger pinger = other.Space.Run(static () => new Pinger(Patience));
        using var enough = new CancellationTokenSource();
        Task<IReadOnlyList<PingReport>> pinging = pinger.RunAsync([IPAddress.Parse(network.AddressOf(server))], ushort.MaxValue, Interval, enough.Token);
        await network.OrderAsync("revoke", "1/16");
        await network.AwaitAsync(server, "one tunnel and one route", static status => status.Tunnels is [{ Peer: "2/16", State: TunnelState.Up }] && status.Routes is [{ Via: "2/16" }]);
        await first.OpenVpn.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        // It comes back with the same certificate, which is still good for OpenVPN itself.
        first.ConnectAgain();
        await first.OpenVpn.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => first.Said.Contains("AUTH_FAILED,its certificate has been revoked", StringComparison.Ordinal), "it is told why", () => first.Said);
        Assert.Contains("refused a tunnel of OpenVPN from 1/16", network.LogOf(server), StringComparison.Ordinal);

        await Task.Delay(Patience, TestContext.Current.CancellationToken);   // answers that are under way
        await enough.CancelAsync();
        PingReport report = (await pinging)[0];
        Assert.True(report.Sent > 20 && report.Received >= report.Sent - 1, $"{report}");   // the last one may have been cut off by us
        Assert.Equal(process, server.OpenVpnProcesses()["mesh-tcp"]);
        Assert.False(second.OpenVpn.HasExited);
    }
}
