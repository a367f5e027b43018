using System.Diagnostics;
using Mesh.Cli.Configuration;
using Mesh.Cli.Demo;
using Mesh.Cli.Node;
using Mesh.Cli.Ping;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;
using Mesh.Node.Certificates;
using Mesh.Node.Peers;

namespace Mesh.Cli.Tests.Processes;

/// <summary>What an operator changes at the registry of a running network: how fast it is everywhere, and what it costs.</summary>
public sealed class NetworkChangesTests
{
    private static readonly TimeSpan SpreadLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RevocationLimit = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_changed_parameter_is_in_use_on_every_node_within_a_minute()
    {
        NeedsRoot.Check();
        using RunningOverlay network = await RunningOverlay.StartAsync();
        ulong before = (await network.RotationAsync("status")).Version;
        await network.AwaitVersionAsync(before, SpreadLimit);

        long start = Stopwatch.GetTimestamp();
        await network.RestartRegistryAsync("registry.client-count=3");
        TimeSpan restarted = Stopwatch.GetElapsedTime(start);
        await network.AwaitVersionAsync(before + 1, SpreadLimit);
        TimeSpan spread = Stopwatch.GetElapsedTime(start);
        Report($"the registry restarted in {restarted.TotalSeconds:0.0} s; the last node used the new version {spread.TotalSeconds:0.0} s after the order");
        Assert.True(spread < SpreadLimit, $"{spread}");
        CliRun status = await CliRun.OfAsync("status", "--dir", network.Overlay[network.Machines[^1]].Directory, "--json");
        Assert.Equal(before + 1, JoiningTests.Json(status).GetProperty("parameters").GetProperty("used").GetUInt64());
    }

    [Fact]
    public async Task A_node_that_has_no_way_to_the_registry_but_the_overlay_hears_of_a_change_and_gets_it_there()
    {
        NeedsRoot.Check();
        using RunningOverlay network = await RunningOverlay.StartAsync();
        ulong before = (await network.RotationAsync("status")).Version;
        await network.AwaitVersionAsync(before, SpreadLimit);
        DemoMachine cut = network.Machines[^1];
        DemoNetwork.Nft(cut.Namespace, $"add table ip cut; add chain ip cut out {{ type filter hook output priority 0; }}; add rule ip cut out ip daddr {network.Overlay.Network.Registry.Address} tcp dport {RegistryKeys.DefaultPort} drop");

        long start = Stopwatch.GetTimestamp();
        await network.RestartRegistryAsync("registry.client-count=3");
        await network.AwaitVersionAsync(before + 1, SpreadLimit);
        Report($"every node used the new version {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after the order");
    }

    [Fact]
    public async Task A_node_that_is_revoked_is_out_of_the_network_within_ten_seconds()
    {
        NeedsRoot.Check();
        using RunningOverlay network = await RunningOverlay.StartAsync();
        DemoMachine victim = network.Machines[^1];
        DemoMachine[] others = [.. network.Machines.Where(machine => machine != victim)];
        NodeStatusReport revoked = network.Overlay[victim].Status!;
        string[] addresses = [.. others.Select(machine => network.Overlay[machine].Address)];
        Assert.All(await PingAsync(network, victim, addresses), static report => Assert.Equal(report.Sent, report.Received));

        long start = Stopwatch.GetTimestamp();
        await network.Overlay.AwaitRegistryAsync(Cancellation, "registry", "revoke", revoked.Prefix, "--dir", network.Overlay.RegistryDirectory);
        await network.AwaitAsync(
            "without the revoked node", others, node => !node.Status!.Tunnels.Any(tunnel => tunnel.Peer == revoked.Prefix) && !node.Status.Routes.Any(route => route.Destination == revoked.Subnet), RevocationLimit);
        TimeSpan forgotten = Stopwatch.GetElapsedTime(start);
        Assert.All(await PingAsync(network, victim, addresses), static report => Assert.Equal(0, report.Received));
        Assert.True(forgotten < RevocationLimit, $"{forgotten}");

        await network.AwaitAsync("revoked", [victim], static node => node.Status!.Certificate.State == CertificateState.Revoked, RevocationLimit);
        Report($"no tunnel and no route {forgotten.TotalSeconds:0.0} s after the order; the node said so itself after {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s at most");
        Assert.Contains("so this node is out of service", JoiningTests.Done(await CliRun.OfAsync("status", "--dir", network.Overlay[victim].Directory)), StringComparison.Ordinal);
        await network.AwaitAsync("connected", others, node => node.Routes == others.Length - 1, RevocationLimit);
    }

    [Fact]
    public async Task Routing_keys_come_and_change_without_a_lost_packet()
    {
        NeedsRoot.Check();
        // A network that was made without keys; and with Hellos so often that a node which is not heard any more shows within the time that each step is watched.
        using RunningOverlay network = await RunningOverlay.StartAsync("registry.babel-authentication=off", "registry.hello=1s");
        Assert.All(network.Machines, machine => Assert.Equal(0, network.Overlay[machine].Status!.Parameters.RoutingKeys));
        using var ping = new ContinuousPing(network);
        foreach ((string state, int keys) in ((string, int)[])[("init", 1), ("stable", 1), ("prepare", 2), ("switch", 2), ("stable", 1)])
        {
            long start = Stopwatch.GetTimestamp();
            HmacReport step = await network.RotationAsync("advance", "--force");
            Assert.Equal(state, step.State);
            await network.AwaitVersionAsync(step.Version, SpreadLimit);
            TimeSpan spread = Stopwatch.GetElapsedTime(start);
            Assert.All(network.Machines, machine => Assert.Equal((keys, state == "init"), (network.Overlay[machine].Status!.Parameters.RoutingKeys, network.Overlay[machine].Status!.Parameters.AcceptsAny)));
            await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);
            await network.CheckRoutesAsync();
            Report($"{state}: in use everywhere after {spread.TotalSeconds:0.0} s; {ping.Losses}");
        }

        await ping.StopAsync();
        Assert.True(ping.Sent > 1000, $"{ping.Sent}");
        Assert.True(ping.Lost == 0, ping.Losses);
        Assert.True((await network.Overlay.PingAllAsync(network.Machines, Cancellation)).IsComplete);
    }

    [Fact]
    public async Task Every_parameter_changes_without_a_lost_packet()
    {
        NeedsRoot.Check();
        // Those that no node applies yet are among them: they must cost nothing either.
        string[] changes =
        [
            "registry.hello=3s", "registry.client-count=3", "registry.max-clients=12", "registry.min-protocol=10", "registry.tunnel-refresh=200s", "registry.encrypt=off",
            "registry.ipv4=10.42.0.0/16,registry.ipv4-subnet-length=8", "registry.same-country=FR", "registry.babel-default=default rtt-min 20", "registry.delay-restart=7s",
        ];
        using RunningOverlay network = await RunningOverlay.StartAsync();
        ulong version = (await network.RotationAsync("status")).Version;
        using var ping = new ContinuousPing(network);
        var settings = new List<string>();
        foreach (string change in changes)
        {
            settings.AddRange(change.Split(','));
            long start = Stopwatch.GetTimestamp();
            await network.RestartRegistryAsync(settings);
            await network.AwaitVersionAsync(++version, SpreadLimit);
            Report($"{change}: in use everywhere after {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s; {ping.Losses}");
            Assert.Equal(version, (await network.RotationAsync("status")).Version);   // one change, one version
        }

        await network.CheckRoutesAsync();
        await ping.StopAsync();
        Assert.True(ping.Lost == 0, ping.Losses);
        Assert.True((await network.Overlay.PingAllAsync(network.Machines, Cancellation)).IsComplete);

        // The registry asks nodes through its own, so all have a session with that one by now, or soon.
        DemoMachine registry = network.Overlay.Network.Registry;
        PeersReport peers;
        long since = Stopwatch.GetTimestamp();
        do
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), Cancellation);
            peers = JsonText.Read<PeersReport>(JoiningTests.Done(await CliRun.OfAsync("peers", "--dir", network.Overlay[registry].Directory, "--json")));
        }
        while (peers.Peers.Count(static peer => peer is { State: PeerState.Connected, Capabilities: not null }) < network.Machines.Count - 1 && Stopwatch.GetElapsedTime(since) < SpreadLimit);
        Assert.Equal(network.Machines.Count - 1, peers.Peers.Count);
        Assert.All(peers.Peers, static peer => Assert.Equal((PeerState.Connected, 10, "native-tunnels"), (peer.State, peer.Protocol, peer.Capabilities?[0])));
        Assert.Equal(0, peers.Counters.GetValueOrDefault(PeerCounter.VersionForged) + peers.Counters.GetValueOrDefault(PeerCounter.CertificateRefused));
    }

    private static async Task<PingReport[]> PingAsync(RunningOverlay network, DemoMachine from, string[] addresses)
    {
        (_, string output, _) = await network.Overlay.RunAsync(from, mayFail: true, Cancellation, ["ping", .. addresses, "--count", "3", "--interval", "100", "--timeout", "1000", "--json"]);
        return JsonText.Read<PingReport[]>(output);
    }

    private static void Report(string text) => TestContext.Current.TestOutputHelper!.WriteLine(text);
}
