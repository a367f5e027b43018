using Mesh.Babel;
using Mesh.Interop.Tests.Harness;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Default routes of gateways, for packets from the network alone (RFC 9079; reference page 19, scenario 9).</summary>
public sealed class SourceSpecificTests
{
    private const string Network = "2001:db8::/32";

    // gateway - we - member
    [Theory]
    [InlineData(BabelDaemon.Babeld, BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Bird, BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Babeld, BabelDaemon.Bird)]
    public async Task A_gateways_default_route_passes_through_us_into_the_kernel_and_on_and_is_taken_back(string gatewayKind, string memberKind)
    {
        using var lab = new BabelLab();
        LabMachine g = lab.Machine(1), a = lab.Machine(2), m = lab.Machine(3);
        lab.Link("ga", g, a);
        lab.Link("am", a, m);
        BabelDaemon gateway = BabelDaemon.Start(gatewayKind, g, new DaemonOptions { Links = ["ga"], GatewayFor = Network });
        BabelDaemon member = BabelDaemon.Start(memberKind, m, new DaemonOptions { Links = ["am"], KnowsSources = true });
        OurSpeaker ours = new OurSpeaker(a).On("ga").On("am").Announce(a.Prefix);
        string Explain() => $"{ours.Explain()}\n{gateway.Explain()}\n{member.Explain()}";
        string key = $"::/0 from {Network}";
        await Eventually.TrueAsync(() => ours.Selected("::/0", Network)?.Metric == 96 && member.Reaches(key), "the default route is everywhere", Explain);
        Assert.Null(ours.Selected("::/0"));
        await Eventually.TrueAsync(() => a.KernelRoutes().Any(route => route.ToString() == key && route.Gateway!.ToString() == g.LinkLocal.ToString()), "our kernel has it", Explain);

        gateway.Stop();
        await Eventually.TrueAsync(() => ours.Selected("::/0", Network) is null && !member.Reaches(key), "it is gone everywhere", Explain);
        await Eventually.TrueAsync(() => a.KernelRoutes().Count == 0, "our kernel has none", Explain);
    }

    [Theory]
    [InlineData(BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Bird)]
    public async Task We_are_a_gateway_for_others(string kind)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        BabelDaemon daemon = BabelDaemon.Start(kind, b, new DaemonOptions { Links = ["ab"], KnowsSources = true });
        OurSpeaker ours = new OurSpeaker(a).On("ab").Announce(a.Prefix);
        ours.Do(static (speaker, now) => Assert.True(speaker.Announce(OurSpeaker.Key("::/0", Network), now)));
        string Explain() => $"{ours.Explain()}\n{daemon.Explain()}";
        await Eventually.TrueAsync(() => daemon.Reaches($"::/0 from {Network}") && daemon.Reaches(a.Prefix), "it has our default route", Explain);
        await Eventually.TrueAsync(() => b.KernelRoutes().Any(static route => route.ToString() == $"::/0 from {Network}"), "its kernel, too", Explain);
        ours.Do(static (speaker, now) => Assert.True(speaker.Withdraw(OurSpeaker.Key("::/0", Network), now)));
        await Eventually.TrueAsync(() => !daemon.Reaches($"::/0 from {Network}") && daemon.Reaches(a.Prefix), "it is taken back", Explain);
    }

    // Starvation as in FailureTests, of a route with a source; babeld puts the source's length where a reserved octet is.
    [Fact]
    public async Task Starvation_of_a_default_route_is_ended_too()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3);
        lab.Link("ab", a, b);
        lab.Link("ac", a, c);
        lab.Link("bc", b, c);
        Dictionary<string, int> costs = new(StringComparer.Ordinal) { ["ac"] = 600 };
        BabelDaemon gateway = BabelDaemon.Start(BabelDaemon.Babeld, a, new DaemonOptions { Links = ["ab", "ac"], Costs = costs, GatewayFor = Network });
        BabelDaemon requester = BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["ab", "bc"] });
        OurSpeaker ours = new OurSpeaker(c).On("ac", OurSpeaker.Parameters() with { Cost = 600 }).On("bc");
        string key = $"::/0 from {Network}";
        string Explain() => $"{ours.Explain()}\n{gateway.Explain()}\n{requester.Explain()}";
        await Eventually.TrueAsync(() => ours.Selected("::/0", Network)?.Metric == 192 && requester.Reaches(key), "we go through b", Explain);
        lab.Cut(b, "ab");
        await Eventually.TrueAsync(() => ours.Selected("::/0", Network)?.Metric == 600 && requester.Routes().Any(route => route.Prefix == key && route is { IsInstalled: true, Metric: 696 }), "b goes through us", Explain);
        Assert.True(ours.Ask(static speaker => speaker[BabelCounter.SeqnoRequestsForwarded]) > 0, Explain());
    }
}
