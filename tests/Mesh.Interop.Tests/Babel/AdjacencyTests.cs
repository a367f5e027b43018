using Mesh.Babel;
using Mesh.Interop.Tests.Harness;

namespace Mesh.Interop.Tests.Babel;

/// <summary>We and another daemon find each other and tell each other everything (reference page 19, scenarios 1, 2, 14).</summary>
public sealed class AdjacencyTests
{
    private static readonly string[] Odd =
    [
        "2001:db8:a000::/35", "2001:db8:a0ff:1::/64", "2001:db8:a0ff:1:8000::/65", "2001:db8:a0ff:2::/79", "2001:db8:a0ff:3::1/128", "2001:db8:a0ff:3::2/128",
        "2000::/20", "::/0", "10.1.0.0/20", "10.1.2.3/32", "10.0.0.0/8",
    ];

    [Theory]
    [InlineData(BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Bird)]
    public async Task Both_learn_everything_that_the_other_announces(string kind)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        BabelDaemon daemon = BabelDaemon.Start(kind, b, new DaemonOptions { Links = ["ab"], Announced = [b.Prefix, .. Odd] });
        OurSpeaker ours = new OurSpeaker(a).On("ab").Announce(a.Prefix, "2001:db8:beef::/48", "2001:db8:beef:1::/64", "2001:db8:1::1/128", "172.16.0.0/12");

        // IPv4 prefixes need an IPv4 next hop, which babeld has only where its link has an address.
        string[] expected = [.. Odd.Append(b.Prefix).Where(prefix => kind == BabelDaemon.Bird || prefix.Contains(':', StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        string Explain() => $"{ours.Explain()}\n{daemon.Explain()}";
        await Eventually.TrueAsync(() => ours.Table().Keys.SequenceEqual(expected, StringComparer.Ordinal), "we have the daemon's prefixes", Explain);
        await Eventually.TrueAsync(() => daemon.Reaches(a.Prefix) && daemon.Reaches("2001:db8:beef::/48") && daemon.Reaches("2001:db8:beef:1::/64") && daemon.Reaches("2001:db8:1::1/128"), "the daemon has ours", Explain);
        await Eventually.TrueAsync(() => ours.Table().Values.All(static metric => metric == 96), "all cost one link", Explain);

        // The kernel of either side sends packets to the other.
        Assert.Equal(b.LinkLocal, Assert.Single(a.KernelRoutes(), route => route.ToString() == b.Prefix).Gateway);
        await Eventually.TrueAsync(() => b.KernelRoutes().Any(route => route.ToString() == a.Prefix && route.Gateway is { } gateway && gateway.ToString() == a.LinkLocal.ToString()), "the daemon's kernel has our route", Explain);

        // What counts as strange among the packets would be a misunderstanding.
        Assert.Equal(0, ours.Ask(static speaker => speaker[BabelCounter.BadPacket] + speaker[BabelCounter.MalformedTlv] + speaker[BabelCounter.IncompleteUpdate] + speaker[BabelCounter.MandatorySubTlv]));
    }

    [Theory]
    [InlineData(BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Bird)]
    public async Task Who_stops_in_order_is_forgotten_at_once(string kind)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3);
        lab.Link("lan", a, b, c);
        BabelDaemon daemon = BabelDaemon.Start(kind, b, new DaemonOptions { Links = ["lan"], Announced = [b.Prefix] });
        OurSpeaker stays = new OurSpeaker(a).On("lan").Announce(a.Prefix), leaves = new OurSpeaker(c).On("lan").Announce(c.Prefix);
        string Explain() => $"{stays.Explain()}\n{daemon.Explain()}";
        // Directly: a way through who leaves would be lost with him for a moment.
        bool IsDirect(LabMachine machine) => daemon.Routes().Any(route => route.Prefix == machine.Prefix && route.IsInstalled && route.Via == machine.LinkLocal.ToString());
        await Eventually.TrueAsync(() => IsDirect(a) && IsDirect(c) && stays.Selected(b.Prefix) is not null && stays.Selected(c.Prefix) is not null, "all know all", Explain);

        long start = Environment.TickCount64;
        leaves.Stop();
        await Eventually.TrueAsync(() => !daemon.Reaches(c.Prefix) && stays.Selected(c.Prefix) is null, "our farewell is understood", Explain);
        Assert.InRange(Environment.TickCount64 - start, 0, 1500);
        Assert.True(daemon.Reaches(a.Prefix));

        start = Environment.TickCount64;
        daemon.Stop();
        await Eventually.TrueAsync(() => stays.Selected(b.Prefix) is null, "its farewell is understood", Explain);
        Assert.InRange(Environment.TickCount64 - start, 0, 1500);
        await Eventually.TrueAsync(() => !stays.Hears(b), "it is no neighbour any more", Explain);
        Assert.Empty(a.KernelRoutes());
    }
}
