using Mesh.Babel;
using Mesh.Cli.Control;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Node.Routing;

namespace Mesh.Cli.Tests.Node;

/// <summary>What an operator sees of a node's routing, whose answers the test gives.</summary>
public sealed class RoutingViewTests
{
    private const string Subnet = "2001:db8:42:1::/64", Origin = "02:00:00:00:00:00:00:99";

    private static readonly RouteDetails Selected = new(
        Subnet, Source: null, "2/16", Tunnel: 5, "fe80::2", "fe80::2", Metric: 192, RefMetric: 96, LinkCost: 96, SmoothedMetric: 200, Seqno: 10, Origin, IsFeasible: true,
        new DistanceReport(10, 192), ExpiresSeconds: 41.6, RouteVerdict.Selected, PrefixUse.Forwarded);

    private static readonly RouteDetails Other = Selected with { Via = "3/16", Tunnel = 6, Metric = 384, RefMetric = 288, SmoothedMetric = 390, Verdict = RouteVerdict.WorseMetric };

    [Fact]
    public async Task Routes_are_a_table_with_everything_that_decides()
    {
        var report = new RoutesReport(
            ["2001:db8:42::/64"],
            [
                Selected, Other,
                Selected with { Prefix = "::/0", Source = "2001:db8:42::/48", Via = "?", Tunnel = 0, Use = PrefixUse.SourceSpecific },
                Other with { Prefix = "2001:db8:42:7::/64", Metric = Metric.Infinity, LinkCost = Metric.Infinity, SmoothedMetric = Metric.Infinity, Verdict = RouteVerdict.NeighbourUnusable },
            ],
            Omitted: 3);
        (string text, _) = await ShowAsync(report, "routes");
        Assert.Contains("announced by this node: 2001:db8:42::/64", text, StringComparison.Ordinal);
        Assert.Matches(@"2001:db8:42:1::/64 +2/16 +5 +192 +96 \+ 96 +200 +42 s +selected *\n", text);
        Assert.Matches(@"2001:db8:42:1::/64 +3/16 +6 +384 +288 \+ 96 +390 .*worse-metric", text);
        Assert.Matches(@"::/0 from 2001:db8:42::/48 +\? +0 .*selected, not used: source-specific", text);
        Assert.Matches(@"2001:db8:42:7::/64 +3/16 +6 +inf +288 \+ inf +inf .*neighbour-unusable", text);
        Assert.Contains("3 more routes are not shown", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_to_be_shown_is_for_the_node_to_choose()
    {
        Assert.Equal("""{"to":null,"via":null,"all":false}""", (await ShowAsync(new RoutesReport([], [], 0), "routes")).Argument);
        Assert.Equal(
            """{"to":"2001:db8:42:8000::/49","via":"2/16","all":true}""",
            (await ShowAsync(new RoutesReport([], [], 0), "routes", "--to", "2001:db8:42:8000::/49", "--via", "2/16", "--all")).Argument);
        Assert.Equal("""{"node":"2/16"}""", (await ShowAsync(new NeighboursReport([], new Dictionary<BabelCounter, long>()), "neighbours", "--node", "2/16")).Argument);
        Assert.Equal("""{"destination":"2001:db8:42:1::1","source":"fd00::1"}""", (await ExplainAsync(Explanation(RouteOutcome.Own), "--from", "fd00::1")).Argument);
    }

    [Fact]
    public async Task As_json_a_route_has_its_numbers_and_the_reason_by_name()
    {
        (string json, _) = await ShowAsync(new RoutesReport([], [Other], 0), "routes", "--json");
        RouteDetails route = Assert.Single(JsonText.Read<RoutesReport>(json).Routes);
        Assert.Equal(Other with { Distance = route.Distance }, route);
        foreach (string part in (string[])["\"verdict\": \"worse-metric\"", "\"use\": \"forwarded\"", "\"refMetric\": 288", "\"source\": null", "\"expiresSeconds\": 41.6", "\"omitted\": 0"])
            Assert.Contains(part, json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Neighbours_are_a_table_with_what_makes_up_their_cost_and_what_was_counted()
    {
        var report = new NeighboursReport(
            [
                new NeighbourReport("2/16", 5, KernelLink: null, "fe80::2", "fffe", "0000", 96, 96, 12.34, 40, 256, 136, NeighbourAuthentication.Verified, 17),
                new NeighbourReport("?", 0, KernelLink: 9, "fe80::3", "8000", "c000", Metric.Infinity, Metric.Infinity, RoundTripMilliseconds: null, 0, 1024, Metric.Infinity, NeighbourAuthentication.Off, 0),
            ],
            new SortedDictionary<BabelCounter, long> { [BabelCounter.PacketsReceived] = 5, [BabelCounter.OctetsSent] = 77, [BabelCounter.WrongMac] = 2 });
        (string text, _) = await ShowAsync(report, "neighbours");
        Assert.Matches(@"2/16 +tunnel 5 +fffe +96, 96 +12\.3 ms \+40 +1 +136 +verified +17", text);
        Assert.Matches(@"\? fe80::3 +device 9 +8000, c000 +inf, inf +4 +inf +off +0", text);
        Assert.Contains("packets received 5, sent 0 (77 octets); updates sent 0", text, StringComparison.Ordinal);
        Assert.Matches(@"wrong-mac +2", text);
        Assert.Contains("\"wrong-mac\": 2", (await ShowAsync(report, "neighbours", "--json")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Neighbours_on_the_LAN_are_shown_with_the_interface()
    {
        RouteDetails onLan = Selected with { Tunnel = 0, Device = "eth0" };
        Assert.Matches(@"2001:db8:42:1::/64 +2/16 +eth0 +192", (await ShowAsync(new RoutesReport([], [onLan], 0), "routes")).Text);
        var neighbour = new NeighbourReport("2/16", 0, KernelLink: 3, "fe80::2", "fffe", "0000", 96, 96, null, 0, 256, 96, NeighbourAuthentication.Verified, 4) { Device = "eth0" };
        (string text, _) = await ShowAsync(new NeighboursReport([neighbour], new SortedDictionary<BabelCounter, long>()), "neighbours");
        Assert.Matches(@"2/16 +eth0 +fffe +96, 96 +1 +96 +verified +4", text);
        ExplanationReport explanation = Explanation(RouteOutcome.Routed, new PrefixReport(Subnet, null, Reachability.Reachable, PrefixUse.Forwarded, [onLan]));
        (text, _) = await ExplainAsync(explanation with { Route = new RouteReport(Subnet, "2/16", 0, 192) { Device = "eth0" } });
        Assert.Contains("is routed: packets go to node 2/16 on eth0, by the route to", text, StringComparison.Ordinal);
        Assert.Contains("  selected: via 2/16, on eth0: metric 192", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RouteVerdict.WorseMetric, "worse: metric 384, the selected one's is 192")]
    [InlineData(RouteVerdict.Waiting, "smoothed metric 390 has still to fall below 200")]
    [InlineData(RouteVerdict.Due, "nothing is against it")]
    [InlineData(RouteVerdict.Unfeasible, "not feasible: this node has announced metric 192 with number 10, and number 10 with metric 288 is not nearer to the origin than that")]
    [InlineData(RouteVerdict.Retracted, "has taken it back or has not repeated it in time")]
    [InlineData(RouteVerdict.NeighbourUnusable, "the link to the neighbour cannot be used")]
    [InlineData(RouteVerdict.TooFar, "it is too far")]
    [InlineData(RouteVerdict.OwnPrefix, "this node announces the prefix itself")]
    internal async Task Explain_says_why_a_route_was_rejected(RouteVerdict verdict, string reason)
    {
        (string text, _) = await ExplainAsync(Explanation(RouteOutcome.Routed, new PrefixReport(Subnet, null, Reachability.Reachable, PrefixUse.Forwarded, [Selected, Other with { Verdict = verdict }])));
        Assert.Contains("2001:db8:42:1::1 is routed: packets go to node 2/16 through tunnel 5, by the route to 2001:db8:42:1::/64 of metric 192", text, StringComparison.Ordinal);
        Assert.Contains("  selected: via 2/16, tunnel 5: metric 192 (announced 96, link 96), smoothed 200; number 10 of origin 02:00:00:00:00:00:00:99; lapses in 42 s", text, StringComparison.Ordinal);
        Assert.Contains("  not selected: via 3/16, tunnel 6: metric 384 (announced 288, link 96)", text, StringComparison.Ordinal);
        Assert.Contains(reason, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RouteVerdict.WorseMetric, "its metric is the smallest: 192, the next one's is 384")]
    [InlineData(RouteVerdict.Waiting, "1 other is better at the moment, and may take over after a while")]
    [InlineData(RouteVerdict.Retracted, "it is the only one that can be used")]
    internal async Task Explain_says_why_a_route_was_selected(RouteVerdict other, string reason) => Assert.Contains(
        reason,
        (await ExplainAsync(Explanation(RouteOutcome.Routed, new PrefixReport(Subnet, null, Reachability.Reachable, PrefixUse.Forwarded, [Selected, Other with { Verdict = other }])))).Text,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(RouteOutcome.Own, "2001:db8:42:1::1 is this node's own: its subnet is 2001:db8:42::/64")]
    [InlineData(RouteOutcome.Unreachable, "2001:db8:42:1::1 is unreachable: it is in the network 2001:db8:42::/48, and no route that is in use leads to it")]
    [InlineData(RouteOutcome.OutsideNetwork, "2001:db8:42:1::1 is not the overlay's, whose network is 2001:db8:42::/48")]
    [InlineData(RouteOutcome.LeavesHere, "2001:db8:42:1::1 is not the overlay's, whose network is 2001:db8:42::/48: this node is a gateway")]
    internal async Task Explain_says_what_happens_where_there_is_no_route(RouteOutcome outcome, string sentence)
    {
        (string text, _) = await ExplainAsync(Explanation(outcome));
        Assert.StartsWith(sentence, text, StringComparison.Ordinal);
        Assert.Contains("the routing protocol knows no prefix that contains it", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_says_which_prefixes_are_not_forwarded_by_and_which_are_held()
    {
        (string text, _) = await ExplainAsync(Explanation(
            RouteOutcome.Unreachable,
            new PrefixReport(Subnet, null, Reachability.Unreachable, PrefixUse.Forwarded, []),
            new PrefixReport("2001:db8::/32", null, Reachability.Reachable, PrefixUse.OutsideNetwork, [Selected]),
            new PrefixReport("::/0", "2001:db8:42::/48", Reachability.Unknown, PrefixUse.SourceSpecific, [Other])));
        Assert.Contains("2001:db8:42:1::/64: unreachable: its last route was lost a short while ago", text, StringComparison.Ordinal);
        Assert.Contains("2001:db8::/32: reachable; this node does not forward by it: it forwards only to what is in 2001:db8:42::/48", text, StringComparison.Ordinal);
        Assert.Contains("::/0 from 2001:db8:42::/48: no route that can be used; this node does not forward by it: of routes for some sources it uses the default route of the network alone", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_example_in_the_page_is_what_explain_writes()
    {
        const string Seven = "2001:db8:42:7::/64";
        RouteDetails selected = Selected with
        {
            Prefix = Seven,
            Via = "9/16",
            SmoothedMetric = 192,
            Seqno = 4711,
            RouterId = "5c:1e:90:3b:77:a2:04:d9",
            Distance = new DistanceReport(4711, 192),
            ExpiresSeconds = 48,
        };
        var prefix = new PrefixReport(Seven, null, Reachability.Reachable, PrefixUse.Forwarded,
        [
            selected,
            selected with { Via = "8/16", Tunnel = 6, Metric = 384, RefMetric = 288, SmoothedMetric = 384, ExpiresSeconds = 55, IsFeasible = false, Verdict = RouteVerdict.Unfeasible },
            selected with { Via = "11/16", Tunnel = 3, Metric = 596, RefMetric = 100, LinkCost = 496, SmoothedMetric = 601, ExpiresSeconds = 31, Verdict = RouteVerdict.WorseMetric },
        ]);
        (string text, _) = await ExplainAsync(Explanation(RouteOutcome.Routed, prefix) with { Destination = "2001:db8:42:7::1", Route = new RouteReport(Seven, "9/16", 5, 192) });
        Assert.Contains(text, await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "docs", "routing.md"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_as_json_has_the_outcome_by_name()
    {
        (string json, _) = await ExplainAsync(Explanation(RouteOutcome.OutsideNetwork), "--json");
        Assert.Contains("\"outcome\": \"outside-network\"", json, StringComparison.Ordinal);
        Assert.Equal("2001:db8:42::1", JsonText.Read<ExplanationReport>(json).Source);
    }

    [Theory]
    [InlineData("--to 2001:db8::1/32: expected an IPv6 prefix", "routes", "--to", "2001:db8::1/32")]
    [InlineData("--to 10.0.0.0/8: expected an IPv6 prefix", "routes", "--to", "10.0.0.0/8")]
    [InlineData("--via 2: expected a node as its certificate names it, as in 2/16", "routes", "--via", "2")]
    [InlineData("--node x/16: expected a node", "neighbours", "--node", "x/16")]
    [InlineData("ADDRESS 2001:db8::/32: expected an IPv6 address", "explain", "2001:db8::/32")]
    [InlineData("--from 192.0.2.1: expected an IPv6 address", "explain", "::1", "--from", "192.0.2.1")]
    [InlineData("--watch 0: expected a whole number of seconds from 1 to 60", "routes", "--watch", "0")]
    [InlineData("--watch 61: expected", "neighbours", "--watch", "61")]
    [InlineData("--watch 1.5: expected", "status", "--watch", "1.5")]
    public async Task What_is_wrong_is_named_with_what_was_expected(string problem, params string[] args) => (await CliRun.OfAsync([.. args, "--dir", "/nowhere"])).RefusesWith(problem);

    [Theory]
    [InlineData("routes")]
    [InlineData("neighbours")]
    [InlineData("explain", "::1")]
    public async Task A_node_that_does_not_run_is_said_not_to(params string[] args)
    {
        using var folder = new TempFolder();
        (await CliRun.OfAsync([.. args, "--dir", folder.Path])).FailsWith("is not running; start it with: mesh node run");
        (await CliRun.OfAsync([.. args, "--dir", folder["none"]])).RefusesWith("there is no such directory");
        (await CliRun.OfAsync(args)).RefusesWith("--dir");
    }

    [Theory]
    [InlineData(false, 3)]
    [InlineData(true, 3)]
    public async Task Watching_shows_it_again_until_it_is_cancelled_and_ends_as_done(bool isJson, int times)
    {
        using var folder = new TempFolder();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        int asked = 0;
        await using ControlServer server = ControlServer.Start(folder["control.sock"], request =>
        {
            if (++asked > times)
                stop.Cancel();
            return Task.FromResult(ControlAnswer.Of(new RoutesReport([$"{asked}"], [], 0)));
        });
        using StringWriter output = new(), error = new();
        string[] args = ["routes", "--dir", folder.Path, "--watch", "1", .. (string[])(isJson ? ["--json"] : [])];
        int code = await MeshCommandLine.RunAsync(args, new CliContext { Out = output, Error = error }, stop.Token);
        Assert.Equal((ExitCode.Ok, ""), (code, error.ToString()));
        string[] lines = [.. output.ToString().Split('\n').Where(line => line.StartsWith(isJson ? "{" : "announced by this node: ", StringComparison.Ordinal))];
        Assert.InRange(lines.Length, times, times + 1);
        for (int i = 0; isJson && i < times; i++)
            Assert.Equal($"{i + 1}", JsonText.Read<RoutesReport>(lines[i]).Own.Single());   // each on a line of its own
    }

    [Fact]
    public async Task Watching_ends_with_the_node()
    {
        using var folder = new TempFolder();
        ControlServer server = ControlServer.Start(folder["control.sock"], static _ => Task.FromResult(ControlAnswer.Of(new RoutesReport([], [], 0))));
        Task<CliRun> run = CliRun.OfAsync("routes", "--dir", folder.Path, "--watch");
        await Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken);
        await server.DisposeAsync();
        CliRun ended = await run;
        Assert.Equal(ExitCode.Failed, ended.ExitCode);
        Assert.Contains("the node stopped while it was asked", ended.Error, StringComparison.Ordinal);
    }

    private static ExplanationReport Explanation(RouteOutcome outcome, params PrefixReport[] prefixes) => new(
        "2001:db8:42:1::1", "2001:db8:42::1", "2001:db8:42::/48", "2001:db8:42::/64", outcome, outcome == RouteOutcome.Routed ? new RouteReport(Subnet, "2/16", 5, 192) : null, prefixes);

    private static Task<(string Text, string Argument)> ExplainAsync(ExplanationReport report, params string[] args) => ShowAsync(report, ["explain", "2001:db8:42:1::1", .. args]);

    private static async Task<(string Text, string Argument)> ShowAsync<T>(T report, params string[] args)
    {
        using var folder = new TempFolder();
        string argument = "";
        await using ControlServer server = ControlServer.Start(folder["control.sock"], request =>
        {
            argument = request.Argument;
            return Task.FromResult(request.Name == args[0] ? ControlAnswer.Of(report) : ControlAnswer.Refuse(request.Name));
        });
        CliRun run = await CliRun.OfAsync([.. args, "--dir", folder.Path]);
        Assert.True(run.ExitCode == ExitCode.Ok, run.Error);
        return (run.Out, argument);
    }
}
