using System.Text.Json;
using Mesh.Cli.Node;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;
using Mesh.Node.Certificates;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;

namespace Mesh.Cli.Tests.Node;

public sealed class CheckCommandTests
{
    [Fact]
    public async Task Nodes_that_are_as_they_should_be_are_found_so()
    {
        using var folder = new TempFolder();
        CliRun run = await CliRun.OfAsync("check", Write(folder, Node("0/16", 1, ["1/16"])), Write(folder, Node("1/16", 2, ["0/16"])));
        Assert.Equal((ExitCode.Ok, "2 nodes, 5 invariants, 0 violations\n", ""), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task A_circle_an_old_version_and_a_revoked_neighbour_are_named()
    {
        using var folder = new TempFolder();
        NodeStatusReport a = Node("0/16", 1, ["1/16"]), b = Node("1/16", 2, ["0/16"]), c = Node("2/16", 3, ["0/16"]);
        a = a with { Routes = [.. a.Routes, new RouteReport("2001:db8:42:7::/64", "1/16", 1, 96)] };
        b = b with { Routes = [.. b.Routes, new RouteReport("2001:db8:42:7::/64", "0/16", 1, 96)], Parameters = b.Parameters with { Used = 3 } };
        a = a with { Tunnels = [.. a.Tunnels, new TunnelReport(9, "2/16", IsClient: true, TunnelState.Up, default, null, null, 0, 0, null)] };
        c = c with { Certificate = c.Certificate with { State = CertificateState.Revoked } };
        NodeStatusReport d = Node("7/16", 8, []);
        CliRun run = await CliRun.OfAsync("check", Write(folder, a), Write(folder, b), Write(folder, c), Write(folder, d), "--json");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        using var json = JsonDocument.Parse(run.Out);
        string[] found = [.. json.RootElement.GetProperty("breaches").EnumerateArray().Select(static breach => $"{breach.GetProperty("invariant").GetString()}: {string.Join(' ', breach.GetProperty("nodes").EnumerateArray().Select(static node => node.GetString()))}")];
        Assert.Equal(["revoked-isolated: 0/16 2/16", "parameters-spread: 1/16", "routing-loops: 0/16 1/16"], found, StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_route_over_a_tunnel_that_is_locked_is_named()
    {
        using var folder = new TempFolder();
        NodeStatusReport node = Node("0/16", 1, ["1/16"]);
        CliRun run = await CliRun.OfAsync("check", Write(folder, node with { Tunnels = [node.Tunnels[0] with { Destruction = KillerState.Locked }] }));
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("orderly-closure: 0/16: it routes 2001:db8:42:1::/64 over tunnel 1 with 1/16, which it has told to be locked; docs/invariants/orderly-closure.md\n", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_state_of_a_node_is_refused_with_the_file()
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync("check")).RefusesWith("FILE or --dir: expected the state of one node at least");
        (await CliRun.OfAsync("check", folder.Write("x.json", "[1]"))).RefusesWith("x.json: expected the state of a node as mesh status --json writes it");
        NodeStatusReport good = Node("0/16", 1, ["1/16"]);
        (await CliRun.OfAsync("check", Write(folder, good with { Prefix = "zero" }))).RefusesWith("prefix: 'zero' is not the name of a node such as 2/16");
        (await CliRun.OfAsync("check", Write(folder, good with { Network = "10.0.0.0/8" }))).RefusesWith("network: '10.0.0.0/8' is not an IPv6 prefix");
        string file = Write(folder, good);
        (await CliRun.OfAsync("check", file, file)).RefusesWith("the state of 0/16 is there twice");
        (await CliRun.OfAsync("check", file, Write(folder, Node("1/16", 2, []) with { Network = "2001:db8:43::/48" }))).RefusesWith("expected a node of network 2001:db8:42::/48, not of 2001:db8:43::/48");
    }

    [Fact]
    public async Task With_the_registrys_list_routes_to_nobody_are_named_and_certificates_that_it_does_not_know()
    {
        using var folder = new TempFolder();
        NodeStatusReport a = Node("0/16", 1, ["1/16"]), b = Node("1/16", 2, ["0/16"]);
        string good = List(folder, Registered("0/16", 1), Registered("1/16", 2));
        CliRun run = await CliRun.OfAsync("check", Write(folder, a), Write(folder, b), "--registry", good);
        Assert.Equal((ExitCode.Ok, "2 nodes, 7 invariants, 0 violations\n", ""), (run.ExitCode, run.Out, run.Error));

        a = a with { Routes = [.. a.Routes, new RouteReport("2001:db8:42:7::/64", "1/16", 1, 96)] };
        Assert.Equal(ExitCode.Ok, (await CliRun.OfAsync("check", Write(folder, a))).ExitCode);   // without the list nobody can know
        run = await CliRun.OfAsync("check", Write(folder, a), Write(folder, b), "--registry", List(folder, Registered("0/16", 1), Registered("1/16", 1)));
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("routes-to-members: 0/16: it has a route to 2001:db8:42:7::/64, which the registry gave to nobody; docs/invariants/routes-to-members.md\n", run.Out, StringComparison.Ordinal);
        Assert.Contains("registry-memory: registry, 1/16: it no longer knows certificate 2, which it gave to 1/16; it has 1; docs/invariants/registry-memory.md\n", run.Out, StringComparison.Ordinal);
        Assert.EndsWith("2 nodes, 7 invariants, 2 violations\n", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whom_the_registrys_list_calls_revoked_may_have_no_tunnels()
    {
        using var folder = new TempFolder();
        string a = Write(folder, Node("0/16", 1, ["1/16"])), b = Write(folder, Node("1/16", 2, ["0/16"]));
        CliRun run = await CliRun.OfAsync("check", a, b, "--registry", List(folder, Registered("0/16", 1), Registered("1/16", 2) with { IsRevoked = true }));
        Assert.Contains("revoked-isolated: 0/16, 1/16: 0/16 still has a tunnel with 1/16", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_nodes_have_their_turn_however_many_there_are()
    {
        using var folder = new TempFolder();
        NodeStatusReport[] nodes = [.. Enumerable.Range(0, 120).Select(static i => Node($"{i}/16", (ulong)i + 1, []))];
        nodes[110] = nodes[110] with { Routes = [new RouteReport("2001:db8:42:fff::/64", "1/16", 1, 96)] };
        CliRun run = await CliRun.OfAsync(["check", .. nodes.Select(node => Write(folder, node)), "--registry", List(folder, [.. Enumerable.Range(0, 120).Select(static i => Registered($"{i}/16", (ulong)i + 1))])]);
        Assert.Contains("routes-to-members: 110/16: ", run.Out, StringComparison.Ordinal);
        Assert.EndsWith("120 nodes, 7 invariants, 1 violations\n", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_list_of_a_registry_is_refused_with_the_file()
    {
        using var folder = new TempFolder();
        string node = Write(folder, Node("0/16", 1, ["1/16"]));
        (await CliRun.OfAsync("check", node, "--registry", node)).RefusesWith($"--registry {node}: expected a list of nodes as mesh registry nodes --json writes it");
        string list = List(folder, Registered("0/16", 1), Registered("none", 2), Registered("0/16", 3));
        (await CliRun.OfAsync("check", node, "--registry", list)).RefusesWith($"--registry {list}: prefix: 'none' is not the name of a node such as 2/16", $"--registry {list}: prefix: 0/16 is there twice");
        (await CliRun.OfAsync("check", node, "--registry", folder.Write("null.json", "[null]"))).RefusesWith("prefix: '' is not the name of a node");
        (await CliRun.OfAsync("check", node, "--registry", folder["missing"])).FailsWith(folder["missing"]);
    }

    // Each neighbour behind a tunnel of its own, and a route to it.
    private static NodeStatusReport Node(string prefix, ulong serial, string[] neighbours)
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        return new NodeStatusReport(
            prefix, "2001:db8:42::1", "2001:db8:42::/64", "2001:db8:42::/48", "http://192.0.2.1", "mesh0", "0.0.0.0:1326", new CertificateReport(serial, CertificateState.Valid, now, DateTimeOffset.UtcNow.AddDays(1), now.AddDays(2), null),
            new ParametersReport(4, 4, null, IsFetching: false, 1, AcceptsAny: false, null, 0, 0, 1),
            [.. neighbours.Select(static (peer, i) => new TunnelReport(i + 1, peer, IsClient: true, TunnelState.Up, default, null, null, 0, 0, null))],
            [.. neighbours.Select(static (peer, i) => new RouteReport($"2001:db8:42:{peer.Split('/')[0]}::/64", peer, i + 1, 96))],
            new PacketReport(0, 0, 0, 0));
    }

    private static NodeReport Registered(string prefix, ulong serial) => new(prefix, $"2001:db8:42:{prefix}", "2001:db8:42::1", Email: null, serial, DateTimeOffset.UtcNow.AddDays(1), IsRevoked: false);

    private static string List(TempFolder folder, params NodeReport[] nodes) => folder.Write($"{Guid.NewGuid():n}.json", JsonText.Text(nodes));

    private static string Write(TempFolder folder, NodeStatusReport state) => folder.Write($"{Guid.NewGuid():n}.json", JsonText.Text(state));
}
