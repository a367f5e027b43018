using System.Diagnostics;
using Mesh.Babel;
using Mesh.Interop.Tests.Harness;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Links that fall silent, and what has to be asked for then (reference page 19, scenarios 10, 11, 13, 19, 21).</summary>
public sealed class FailureTests
{
    // a - b - d and a - c - d: the way over c is feasible all the time.
    [Theory]
    [InlineData(BabelDaemon.Babeld, 9)]   // babeld looks every 1.5 Hellos, jittered, and then sends through its queue
    [InlineData(BabelDaemon.Bird, 9)]
    [InlineData(null, 4)]
    public async Task A_silent_link_is_left_for_the_other_way(string? kind, int seconds)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3), d = lab.Machine(4);
        lab.Link("ab", a, b);
        lab.Link("ac", a, c);
        lab.Link("bd", b, d);
        lab.Link("cd", c, d);
        OurSpeaker ours = new OurSpeaker(a).On("ab").On("ac").Announce(a.Prefix);
        new OurSpeaker(d).On("bd").On("cd").Announce(d.Prefix);
        foreach ((LabMachine machine, string near, string far) in ((LabMachine, string, string)[])[(b, "ab", "bd"), (c, "ac", "cd")])
        {
            if (kind is null)
                new OurSpeaker(machine).On(near).On(far);
            else
                BabelDaemon.Start(kind, machine, new DaemonOptions { Links = [near, far] });
        }

        await Eventually.TrueAsync(() => ours.Ask(speaker => speaker.Routes().Count(route => route.Prefix.ToString() == d.Prefix && route.IsFeasible && route.Metric < ushort.MaxValue)) == 2 && ours.Selected(d.Prefix) is not null, "there are two ways", ours.Explain);
        bool isOverB = ours.Selected(d.Prefix)!.Value.Neighbour == BabelAddress.From(b.LinkLocal);
        lab.Cut(isOverB ? b : c, isOverB ? "bd" : "cd");   // the far link: the daemon has to tell us, or its own alternative comes back over us
        long start = Stopwatch.GetTimestamp();
        BabelAddress other = BabelAddress.From((isOverB ? c : b).LinkLocal);
        await Eventually.TrueAsync(() => ours.Selected(d.Prefix) is { } route && route.Neighbour == other, "the other way is taken", ours.Explain);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, seconds);
        await Eventually.TrueAsync(() => a.KernelRoutes().Any(route => route.ToString() == d.Prefix && route.Gateway!.ToString() == other.ToString()), "the kernel knows", ours.Explain);
    }

    // Triangle a - b 96, a - c 600, b - c 96, with a's prefix: when a - b is cut, what c knows is unfeasible for b until a has raised its number.
    [Theory]
    [InlineData("origin", BabelDaemon.Babeld)]
    [InlineData("forwarder", BabelDaemon.Babeld)]
    [InlineData("requester", BabelDaemon.Babeld)]
    [InlineData("origin", BabelDaemon.Bird)]
    [InlineData("forwarder", BabelDaemon.Bird)]
    [InlineData("requester", BabelDaemon.Bird)]
    public async Task Starvation_is_ended_by_a_newer_sequence_number(string role, string kind)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3);
        lab.Link("ab", a, b);
        lab.Link("ac", a, c);
        lab.Link("bc", b, c);
        Dictionary<string, int> costs = new(StringComparer.Ordinal) { ["ac"] = 600 };
        OurSpeaker? ours = null;
        var daemons = new List<BabelDaemon>();
        foreach ((LabMachine machine, string name, string[] links) in ((LabMachine, string, string[])[])[(a, "origin", ["ab", "ac"]), (b, "requester", ["ab", "bc"]), (c, "forwarder", ["ac", "bc"])])
        {
            if (name == role)
            {
                ours = new OurSpeaker(machine);
                foreach (string link in links)
                    ours.On(link, OurSpeaker.Parameters() with { Cost = (ushort)costs.GetValueOrDefault(link, 96) });
                if (machine == a)
                    ours.Announce(a.Prefix);
            }
            else
                daemons.Add(BabelDaemon.Start(kind, machine, new DaemonOptions { Links = links, Costs = costs, Announced = machine == a ? [a.Prefix] : [] }));
        }

        string Explain() => $"{ours!.Explain()}\n{string.Join('\n', daemons.Select(static daemon => daemon.Explain()))}";
        int? MetricAt(LabMachine machine) => machine == b && role == "requester" || machine == c && role == "forwarder"
            ? ours!.Selected(a.Prefix)?.Metric
            : daemons.FirstOrDefault(daemon => daemon.Machine == machine)?.Routes().FirstOrDefault(route => route.Prefix == a.Prefix && route.IsInstalled && route.Metric < ushort.MaxValue)?.Metric;
        await Eventually.TrueAsync(() => MetricAt(b) == 96 && MetricAt(c) == 192, "b is next to a, and c goes through b", Explain);

        Seqno before = role == "origin" ? ours!.Ask(static speaker => speaker.Seqno) : default;
        lab.Cut(b, "ab");
        await Eventually.TrueAsync(() => MetricAt(b) == 696 && MetricAt(c) == 600, "b goes through c", Explain);
        if (role == "origin")
            Assert.True(ours!.Ask(static speaker => speaker.Seqno) != before, "the number was not raised");
        else
            Assert.True(ours!.Ask(speaker => speaker[role == "requester" ? BabelCounter.SeqnoRequestsSent : BabelCounter.SeqnoRequestsForwarded]) > 0, Explain());
    }

    // a - daemon - c: what is taken back at a is gone at c, and comes back with the next update.
    [Theory]
    [InlineData(BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Bird)]
    public async Task A_prefix_that_is_taken_back_is_gone_behind_the_daemon_and_can_come_again(string kind)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3);
        lab.Link("ab", a, b);
        lab.Link("bc", b, c);
        OurSpeaker near = new OurSpeaker(a).On("ab").Announce(a.Prefix, "2001:db8:77::/48"), far = new OurSpeaker(c).On("bc");
        BabelDaemon daemon = BabelDaemon.Start(kind, b, new DaemonOptions { Links = ["ab", "bc"] });
        string Explain() => $"{far.Explain()}\n{daemon.Explain()}";
        await Eventually.TrueAsync(() => far.Selected(a.Prefix)?.Metric == 192 && far.Selected("2001:db8:77::/48")?.Metric == 192, "c has both", Explain);

        near.Do((speaker, now) => Assert.True(speaker.Withdraw(BabelPrefix.Parse(a.Prefix), now)));
        long start = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => far.Selected(a.Prefix) is null, "c has lost it", Explain);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 2);
        Assert.Equal(Reachability.Unreachable, far.Ask(speaker => speaker.GetReachability(BabelPrefix.Parse(a.Prefix))));   // no shorter prefix meanwhile
        Assert.NotNull(far.Selected("2001:db8:77::/48"));
        near.Announce(a.Prefix);
        await Eventually.TrueAsync(() => far.Selected(a.Prefix)?.Metric == 192, "c has it again", Explain);
    }

    // Reference page 10.4: babeld 1.12 retracts another prefix than the one that is gone.
    [Fact]
    public async Task What_babeld_takes_back_wrongly_does_no_harm()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        string[] prefixes = ["2001:db8:70::/48", "2001:db8:71::/48", "2001:db8:72::/48"];
        var babeld = (BabeldDaemon)BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["ab"], Announced = prefixes });
        OurSpeaker ours = new OurSpeaker(a).On("ab");
        await Eventually.TrueAsync(() => ours.Table().Keys.SequenceEqual(prefixes, StringComparer.Ordinal), "we have three", ours.Explain);

        babeld.Withdraw(prefixes[1]);
        // Updates come every 4 s and say 4 s: it lapses after 14 s, and we ask at 5/6 of that.
        await Eventually.TrueAsync(() => ours.Selected(prefixes[1]) is null, "the withdrawn one lapses", ours.Explain);
        Assert.NotNull(ours.Selected(prefixes[0]));
        Assert.NotNull(ours.Selected(prefixes[2]));
        await Task.Delay(5000, TestContext.Current.CancellationToken);
        Assert.True(ours.Table().Keys.SequenceEqual([prefixes[0], prefixes[2]], StringComparer.Ordinal), ours.Explain());
    }

    [Fact]
    public async Task An_origin_that_lost_its_sequence_number_is_reached_again()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        var options = new DaemonOptions { Links = ["ab"], Announced = [b.Prefix], KeepsState = false };
        // We refuse a number that seems older until we forget the last one: after 3 minutes, and here after 4 update intervals.
        OurSpeaker ours = new OurSpeaker(a, new BabelOptions { SourceLifetime = TimeSpan.FromSeconds(1) }).On("ab").Announce(a.Prefix);
        BabelDaemon babeld = BabelDaemon.Start(BabelDaemon.Babeld, b, options);
        string Explain() => $"{ours.Explain()}\n{babeld.Explain()}";
        await Eventually.TrueAsync(() => ours.Selected(b.Prefix) is not null && babeld.Reaches(a.Prefix), "both learn", Explain);

        for (int restart = 0; restart < 3; restart++)
        {
            babeld.Kill();
            babeld = BabelDaemon.Start(BabelDaemon.Babeld, b, options);   // the same router-id, and a number drawn anew
            await Eventually.TrueAsync(() => ours.Hears(b) && babeld.Reaches(a.Prefix), "it hears us", Explain);
            await Eventually.TrueAsync(() => ours.Selected(b.Prefix) is not null, "it is reached again", Explain);
        }
    }
}
