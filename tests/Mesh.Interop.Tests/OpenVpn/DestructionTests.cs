using System.Diagnostics;
using System.Net;
using Mesh.Cli.Node;
using Mesh.Cli.Ping;
using Mesh.Interop.Tests.Harness;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;

namespace Mesh.Interop.Tests.OpenVpn;

/// <summary>Tunnels of OpenVPN that are destroyed in order, while there is another way.</summary>
public sealed class DestructionTests
{
    private const int Rounds = 3;

    // Of 16 s, the time for routes to move, a busy machine may need some.
    private const string Hello = "registry.hello=2s";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_tunnel_that_is_replaced_again_and_again_loses_no_packet_of_either_end()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3, Hello, "registry.tunnel-refresh=10s", "registry.client-count=2");
        (Machine zero, Machine one, Machine two) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        await ConnectThreeAsync(network);

        using var enough = new CancellationTokenSource();
        (Machine From, Machine[] To)[] flows = [(two, [zero, one]), (zero, [two, one]), (one, [two])];
        Pinger[] pingers = [.. flows.Select(static flow => flow.From.Space.Run(static () => new Pinger(Patience)))];
        Task<IReadOnlyList<PingReport>>[] pinging =
            [.. pingers.Zip(flows, (pinger, flow) => pinger.RunAsync([.. flow.To.Select(to => IPAddress.Parse(network.AddressOf(to)))], ushort.MaxValue, Interval, enough.Token))];
        await Eventually.TrueAsync(
            () => CountOf(network.LogOf(two), "ended: it makes room for a tunnel with another node") >= Rounds, $"{Rounds} tunnels are replaced", () => network.LogOf(two), TimeSpan.FromSeconds(150));
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

    [Fact]
    public async Task A_server_of_re6st_is_asked_by_code_2_and_its_tunnel_stays_until_it_has_agreed_by_code_3()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3, Hello, "registry.tunnel-refresh=20s", "registry.client-count=2");
        (Machine ours, Machine theirs, Machine third) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        Re6stPeer peer = await Re6stPeer.ServeAsync(network, theirs);
        using var messages = new Re6stMessages(theirs);
        await network.AdvertiseAsync(theirs, $"{theirs.Address},1194,tcp");
        network.StartNode(third, "node.tunnels.refresh=false");
        await network.AwaitAsync(third, "a tunnel with theirs", static status => status.Tunnels is [{ Peer: "1/16", State: TunnelState.Up }] && status.Routes.Count == 1);
        network.StartNode(ours, "node.openvpn.listen=1194/tcp6", "node.tunnels.neighbours=2/16");
        await network.AwaitAsync(ours, "two tunnels, each the way to its end", static status =>
            status.Tunnels.Count(static t => t.State == TunnelState.Up) == 2 && status.Routes.Count == 2 && status.Routes.All(r => status.Tunnels.Any(t => t.Peer == r.Via && t.Index == r.Tunnel)));
        await ours.ReachAsync(network.AddressOf(theirs), () => peer.Said);

        // The first time it does not answer: after 8 Hello intervals all is as it was.
        byte[][] asked = [];
        await Eventually.TrueAsync(() => (asked = messages.Take(code: 2)).Length > 0, "it is asked", () => network.LogOf(ours), TimeSpan.FromSeconds(60));
        Assert.Empty(Assert.Single(asked));   // code 2 and nothing else
        NodeStatusReport locked = await network.AwaitAsync(ours, "locked", static status => status.Tunnels.Any(static t => t is { Peer: "1/16", State: TunnelState.Up, Destruction: KillerState.Locked }));
        int tunnel = locked.Tunnels.Single(static t => t.Peer == "1/16").Index;
        Assert.All(locked.Routes, static route => Assert.Equal("2/16", route.Via));
        await ours.ReachAsync(network.AddressOf(theirs), () => peer.Said);
        await network.AwaitAsync(ours, "used as before", status => status.Tunnels.Any(t => t is { Destruction: null } && t.Index == tunnel) && status.Routes.Any(r => r.Tunnel == tunnel));

        // The second time it does.
        await Eventually.TrueAsync(() => messages.Take(code: 2).Length > 0, "it is asked again", () => network.LogOf(ours), TimeSpan.FromSeconds(60));
        Assert.Empty(messages.Take(code: 3));
        messages.Say(network.AddressOf(ours), code: 3);
        await Eventually.TrueAsync(() => CountOf(network.LogOf(ours), "tunnel to 1/16 ended: it makes room") == 1, "it is closed", () => network.LogOf(ours));
        await ours.ReachAsync(network.AddressOf(theirs), () => peer.Said);
    }

    [Fact]
    public async Task A_client_of_re6st_that_asks_by_code_2_is_told_by_code_3_when_our_routes_have_moved_away()
    {
        await using InteropNetwork network = await InteropNetwork.StartAsync(machines: 3, Hello);
        (Machine ours, Machine theirs, Machine third) = (network.Machines[0], network.Machines[1], network.Machines[2]);
        network.StartNode(ours, "node.tunnels.refresh=false");
        await network.AwaitAsync(ours, "it serves", _ => ours.OpenVpnProcesses().Count == 1);
        network.StartNode(third, "node.tunnels.refresh=false");
        await network.AwaitAsync(third, "a tunnel with ours", static status => status.Tunnels.Any(static t => t is { Peer: "0/16", State: TunnelState.Up }) && status.Routes.Count == 1);
        Re6stPeer peer = await Re6stPeer.ConnectAsync(network, theirs, (ours, "0/16"), (third, "2/16"));
        using var messages = new Re6stMessages(theirs);
        string address = network.AddressOf(ours);
        await network.AwaitAsync(ours, "two tunnels, each the way to its end", static status =>
            status.Tunnels.Count(static t => t.State == TunnelState.Up) == 2 && status.Routes.Count == 2 && status.Routes.All(r => status.Tunnels.Any(t => t.Peer == r.Via && t.Index == r.Tunnel)));
        await network.AwaitAsync(third, "routes to both", static status => status.Routes.Count == 2);
        await Eventually.TrueAsync(() => messages.HasSession(address), "a session", () => network.LogOf(ours));
        using Pinger pinger = ours.Space.Run(static () => new Pinger(Patience));
        using var enough = new CancellationTokenSource();
        Task<IReadOnlyList<PingReport>> pinging = pinger.RunAsync([IPAddress.Parse(network.AddressOf(theirs))], ushort.MaxValue, Interval, enough.Token);

        // It is said once, and may be lost; and where its routes have no other way in time nobody answers.
        long asked = 0;
        byte[][] answered = [];
        bool AskNowAndThen()
        {
            if (asked == 0 || Stopwatch.GetElapsedTime(asked) > TimeSpan.FromSeconds(5))
            {
                messages.Say(address, code: 2);
                asked = Stopwatch.GetTimestamp();
            }

            return (answered = messages.Take(code: 3)).Length > 0;
        }

        await Eventually.TrueAsync(AskNowAndThen, "it is answered", () => $"{network.LogOf(ours)}\n{network.LogOf(third)}\n{third.Run("ip", "-6", "route")}\n{theirs.Run("ip", "-6", "route")}", TimeSpan.FromSeconds(60));
        Assert.Empty(Assert.Single(answered));
        NodeStatusReport locked = (await InteropNetwork.StatusAsync(ours))!;
        Assert.Equal(KillerState.Locked, locked.Tunnels.Single(static t => t.Peer == "1/16").Destruction);
        Assert.All(locked.Routes, static route => Assert.Equal("2/16", route.Via));
        await Task.Delay(Patience, TestContext.Current.CancellationToken);   // answers that are under way
        await enough.CancelAsync();
        PingReport report = (await pinging)[0];
        TestContext.Current.TestOutputHelper!.WriteLine($"{report}");
        Assert.True(report.Sent > 40 && report.Received >= report.Sent - 1, $"{report}");

        // Nobody here plays the routing of a node of re6st, which is locked, too: packets from there to us are lost when it cuts.
        peer.OpenVpn.Kill();
        await Eventually.TrueAsync(() => CountOf(network.LogOf(ours), "tunnel to 1/16 ended: closed by the peer, as agreed") == 1, "it is gone", () => network.LogOf(ours));
        await ours.ReachAsync(network.AddressOf(theirs), () => peer.Said);
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
