using System.Globalization;
using Mesh.Babel;
using Mesh.Interop.Tests.Harness;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Several on one link, many prefixes, costs that change (reference page 19, scenarios 15, 16, 20).</summary>
public sealed class LanTests
{
    [Fact]
    public async Task Ours_babeld_and_bird_share_a_LAN_and_one_of_each_may_go()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3), d = lab.Machine(4);
        lab.Link("lan", a, b, c, d);
        OurSpeaker first = new OurSpeaker(a).On("lan", OurSpeaker.Parameters() with { SplitHorizon = true }).Announce(a.Prefix), second = new OurSpeaker(d).On("lan").Announce(d.Prefix);
        BabelDaemon babeld = BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["lan"], Announced = [b.Prefix] });
        BabelDaemon bird = BabelDaemon.Start(BabelDaemon.Bird, c, new DaemonOptions { Links = ["lan"], Announced = [c.Prefix] });
        LabMachine[] all = [a, b, c, d];
        string Explain() => $"{first.Explain()}\n{second.Explain()}\n{babeld.Explain()}\n{bird.Explain()}";
        bool Knows(Func<string, bool> reaches, LabMachine self, params LabMachine[] gone) => all.Except(gone).All(other => other == self || reaches(other.Prefix));
        await Eventually.TrueAsync(
            () => Knows(prefix => first.Selected(prefix)?.Metric == 96, a) && Knows(prefix => second.Selected(prefix)?.Metric == 96, d) && Knows(babeld.Reaches, b) && Knows(bird.Reaches, c), "all know all, each directly", Explain);

        second.Stop();
        bird.Kill();   // without a word
        await Eventually.TrueAsync(() => first.Selected(d.Prefix) is null && first.Selected(c.Prefix) is null && !babeld.Reaches(d.Prefix), "who is gone is gone", Explain);
        Assert.NotNull(first.Selected(b.Prefix));
        Assert.True(babeld.Reaches(a.Prefix));
        await Eventually.TrueAsync(() => !first.Hears(c), "the silent one is heard no more", Explain);
    }

    [Theory]
    [InlineData(BabelDaemon.Babeld, 1000)]
    [InlineData(BabelDaemon.Bird, 1000)]
    [InlineData(BabelDaemon.Babeld, 10_000)]
    public async Task Tables_are_learned_whole_in_both_directions_and_do_not_lapse(string kind, int count)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        string[] theirs = [.. Enumerable.Range(0, count).Select(static i => string.Create(CultureInfo.InvariantCulture, $"2001:db8:8000:{i:x}::/64"))];
        string[] own = [.. Enumerable.Range(0, count).Select(static i => string.Create(CultureInfo.InvariantCulture, $"2001:db8:9000:{i:x}::/64"))];
        OurSpeaker ours = new OurSpeaker(a).On("ab").Announce(own);
        BabelDaemon daemon = BabelDaemon.Start(kind, b, new DaemonOptions { Links = ["ab"], Announced = theirs });
        string Explain() => $"we {ours.Table().Count}, it {daemon.Routes().Count} {daemon.Said}";
        int Installed() => daemon.Routes().Count(route => route.IsInstalled && route.Prefix.StartsWith("2001:db8:9000:", StringComparison.Ordinal));
        await Eventually.TrueAsync(() => ours.Table().Count == count && Installed() == count, "both tables are whole", Explain);
        long requests = ours.Ask(static speaker => speaker[BabelCounter.UnfeasibleUpdate]);

        for (int second = 0; second < 12; second++)   // updates come every 4 s, routes lapse after 14 s
        {
            await Task.Delay(1000, TestContext.Current.CancellationToken);
            Assert.Equal(count, ours.Table().Count);
        }

        Assert.Equal(count, Installed());
        Assert.Equal(requests, ours.Ask(static speaker => speaker[BabelCounter.UnfeasibleUpdate]));
        Assert.All(ours.SentSnapshot(), static packet => Assert.InRange(packet.Length, 4, 1500 - 48));
    }

    // How a tunnel is drained before it is destroyed: protocol reference 16.2.
    [Fact]
    public async Task A_multiplied_cost_drains_a_link_while_there_is_another_and_gives_it_back()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("one", a, b);
        lab.Link("two", a, b);
        OurSpeaker ours = new OurSpeaker(a).On("one").On("two").Announce(a.Prefix);
        BabelDaemon daemon = BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["one", "two"], Announced = [b.Prefix], Costs = new Dictionary<string, int>(StringComparer.Ordinal) { ["two"] = 200 } });
        InterfaceId one = ours.Id("one"), two = ours.Id("two");
        var neighbour = BabelAddress.From(b.LinkLocal);
        string Explain() => $"{ours.Explain()}\n{daemon.Explain()}";
        await Eventually.TrueAsync(() => ours.Selected(b.Prefix)?.Interface == one && ours.Ask(static speaker => speaker.Routes().Count(static route => route.Metric < ushort.MaxValue)) == 2, "two ways, the cheap one is taken", Explain);

        ours.Do((speaker, now) => Assert.True(speaker.SetCostMultiplier(one, neighbour, 4096, now)));
        Assert.Equal(two, ours.Selected(b.Prefix)!.Value.Interface);
        ours.Do((speaker, now) => Assert.True(speaker.SetCostMultiplier(one, neighbour, 0, now)));
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        Assert.Equal(two, ours.Selected(b.Prefix)!.Value.Interface);
        Assert.Equal(2, ours.Ask(static speaker => speaker.Neighbours().Count));   // it stays a neighbour all the time
        ours.Do((speaker, now) => Assert.True(speaker.SetCostMultiplier(one, neighbour, 256, now)));
        Assert.Equal(one, ours.Selected(b.Prefix)!.Value.Interface);
    }
}
