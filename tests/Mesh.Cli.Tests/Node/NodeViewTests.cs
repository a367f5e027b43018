using Mesh.Cli.Control;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Node.Certificates;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Routing.Lan;
using Mesh.Protocol.PortMapping;

namespace Mesh.Cli.Tests.Node;

/// <summary>What an operator sees of a node, whose answers the test gives.</summary>
public sealed class NodeViewTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ParametersReport Quiet = new(5, 5, Noon.AddHours(1), IsFetching: false, RoutingKeys: 0, AcceptsAny: false, ValidUntil: null, Refused: 0, Forged: 0, Fetches: 1);

    [Fact]
    public async Task Peers_shows_sessions_and_what_was_refused()
    {
        var report = new PeersReport(
            [
                new PeerReport("0/16", PeerState.Connected, Noon, Noon.AddMinutes(1), 10, ["native-tunnels", "bit-7"], 3, 4),
                new PeerReport("1/16", PeerState.Connected, Noon, Noon, 10, Capabilities: null, 1, 1),
                new PeerReport("2/16", PeerState.Greeting, Noon, LastHeard: null, Protocol: null, Capabilities: null, 0, 0),
            ],
            new SortedDictionary<PeerCounter, long> { [PeerCounter.Received] = 77, [PeerCounter.BadMac] = 2, [PeerCounter.CertificateRefused] = 1 });
        string text = await ShowAsync(report, "peers");
        Assert.Matches(@"0/16 +connected +2026-03-01 12:00:00Z +2026-03-01 12:01:00Z +10 +native-tunnels, bit-7 +3 +4", text);
        Assert.Matches(@"1/16 +connected .*not told", text);
        Assert.Matches(@"2/16 +greeting +2026-03-01 12:00:00Z +not told +0 +0", text);
        Assert.Contains("datagrams received 77, sent 0; sessions begun 0, messages 0", text, StringComparison.Ordinal);
        Assert.Matches(@"bad-mac +2", text);
        Assert.Matches(@"certificate-refused +1", text);
        Assert.DoesNotContain("nothing was refused", text, StringComparison.Ordinal);

        string json = await ShowAsync(report, "peers", "--json");
        PeersReport read = JsonText.Read<PeersReport>(json);
        Assert.Equal((3, "native-tunnels", 2L), (read.Peers.Count, read.Peers[0].Capabilities![0], read.Counters[PeerCounter.BadMac]));
        Assert.Contains("\"certificate-refused\": 1", json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peers_says_so_where_nothing_was_refused() =>
        Assert.Contains("nothing was refused or given up", await ShowAsync(new PeersReport([], new Dictionary<PeerCounter, long> { [PeerCounter.Sent] = 1 }), "peers"), StringComparison.Ordinal);

    [Fact]
    public async Task Status_shows_which_parameters_are_used_and_what_is_to_come()
    {
        await ShowsAsync("network parameters: version 5, newest heard of 5, to be checked at 2026-03-01 13:00Z; routing without a key", Quiet);
        await ShowsAsync(
            "version 5, newest heard of 6, to be fetched at 2026-03-01 12:00:01Z; routing with 2 keys, next step at 2026-03-01 14:00Z",
            Quiet with { Newest = 6, NextFetch = Noon.AddSeconds(1), RoutingKeys = 2, ValidUntil = Noon.AddHours(2) });
        await ShowsAsync("none yet, newest heard of 0, being fetched; routing with 1 key, and any other is accepted, too", Quiet with { Used = 0, Newest = 0, IsFetching = true, RoutingKeys = 1, AcceptsAny = true });
    }

    [Fact]
    public async Task Status_shows_what_a_gateway_maps_and_why_it_does_not()
    {
        var mapping = new PortMappingReport(
            PortMappingState.Mapped, "10.1.0.254", "nat-pmp", [new MappingReport(TransportProtocol.Tcp, 6626, "198.51.100.7", 7000, Noon), new MappingReport(TransportProtocol.Udp, 6626, null, 7001, null)],
            Problem: null, new Dictionary<PortMappingCounter, long> { [PortMappingCounter.WrongNonces] = 3 });
        await ShowsAsync("mapped ports: tcp 6626 at 198.51.100.7:7000, udp 6626 at ?:7001 by nat-pmp at 10.1.0.254\n", Quiet, mapping);
        var nothing = new PortMappingReport(PortMappingState.Resting, null, null, [], "there is no default route to a gateway", new Dictionary<PortMappingCounter, long>());
        await ShowsAsync("mapped ports: none, resting (there is no default route to a gateway)\n", Quiet, nothing);
        string json = JsonText.Text(mapping);
        Assert.Contains("\"wrong-nonces\": 3", json, StringComparison.Ordinal);
        Assert.Contains("\"protocol\": \"tcp\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_shows_interfaces_of_the_LAN_and_why_one_is_not_used()
    {
        await ShowsAsync("interface eth0: speaking, from fe80::1\n", Quiet, lan: new LanReport("eth0", LanInterfaceState.Speaking, "fe80::1", Problem: null, 1));
        await ShowsAsync("interface eth0: absent, there is no such interface; it is waited for\n", Quiet, lan: new LanReport("eth0", LanInterfaceState.Absent, null, "there is no such interface; it is waited for", 0));
    }

    private static async Task ShowsAsync(string expected, ParametersReport parameters, PortMappingReport? mapping = null, LanReport? lan = null)
    {
        var certificate = new CertificateReport(1, CertificateState.Valid, Noon, Noon, Noon, Problem: null);
        var report = new NodeStatusReport("0/16", "2001:db8:42::1", "2001:db8:42::/64", "2001:db8:42::/48", "http://r", "mesh0", "[::]:6626", certificate, parameters, [], [], new PacketReport(0, 0, 0, 0)) { PortMapping = mapping, Lans = lan is null ? [] : [lan] };
        Assert.Contains(expected, await ShowAsync(report, "status"), StringComparison.Ordinal);
    }

    private static async Task<string> ShowAsync<T>(T report, params string[] args)
    {
        using var folder = new TempFolder();
        await using ControlServer server = ControlServer.Start(folder["control.sock"], request => Task.FromResult(request.Name == args[0] ? ControlAnswer.Of(report) : ControlAnswer.Refuse(request.Name)));
        CliRun run = await CliRun.OfAsync([.. args, "--dir", folder.Path]);
        Assert.True(run.ExitCode == ExitCode.Ok, run.Error);
        return run.Out;
    }
}
