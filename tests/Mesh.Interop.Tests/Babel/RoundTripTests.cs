using System.Globalization;
using Mesh.Babel;
using Mesh.Interop.Tests.Harness;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Round-trip times and what they cost (RFC 9616; reference page 19, scenarios 8, 12, 17).</summary>
public sealed class RoundTripTests
{
    private static readonly RttParameters Re6st = new() { Min = TimeSpan.FromMilliseconds(10), Max = TimeSpan.FromMilliseconds(500), MaxPenalty = 5000, Decay = 125 };

    [Theory]
    [InlineData(40, 40)]
    [InlineData(70, 10)]   // what is measured is the sum
    [InlineData(150, 150)]
    public async Task We_and_babeld_measure_the_same(int outwards, int inwards)
    {
        int expected = outwards + inwards;
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        var babeld = (BabeldDaemon)BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["ab"], Announced = [b.Prefix], MeasuresRoundTrips = true });
        OurSpeaker ours = new OurSpeaker(a) { Delay = (TimeSpan.FromMilliseconds(outwards), TimeSpan.FromMilliseconds(inwards)) };
        ours.On("ab", OurSpeaker.Parameters() with { Rtt = Re6st }).Announce(a.Prefix);
        string Explain() => $"{ours.Explain()}\n{babeld.Explain()}";
        double Theirs() => babeld.Of(a, "rtt") is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : 0;

        // babeld begins with twice its first sample and comes down from there; a sample comes every third Hello. What both say is true of one moment: a machine
        // with much to do adds some milliseconds to single samples.
        NeighbourSnapshot last = default;
        bool BothAreRight()
        {
            if (ours.Neighbour(b) is not { Rtt: { } rtt } neighbour)
                return false;
            last = neighbour;
            return Math.Abs(rtt.TotalMilliseconds - expected) < 0.07 * expected
                && IsBetween(neighbour.RttCost, Penalty(0.93), Penalty(1.07))
                && Math.Abs(Theirs() - expected) < 0.25 * expected
                && babeld.Of(a, "cost") is { } cost && IsBetween(int.Parse(cost, CultureInfo.InvariantCulture), 96 + Penalty(0.7), 96 + Penalty(1.3));
        }

        await Eventually.TrueAsync(() => ours.Hears(b) && babeld.Of(a, "cost") is not (null or "65535"), "the link can be used", Explain);
        await Eventually.TrueAsync(BothAreRight, $"both say {expected} ms and what it costs", Explain);
        Assert.Equal(96 + last.RttCost, last.Cost);

        int Penalty(double factor) => Re6st.PenaltyOf((long)(expected * factor * 1000));
        static bool IsBetween(int value, int low, int high) => value >= low && value <= high;
    }

    // a - b directly, 96, and a - c - b, 192: then a - b gets long. What c says is unfeasible (192 is not below 96) until b has raised its number.
    [Fact]
    public async Task A_link_that_gets_long_is_left_and_taken_again_when_it_is_short()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), c = lab.Machine(3);
        lab.Link("ab", a, b);
        lab.Link("ac", a, c);
        lab.Link("bc", b, c);
        BabelDaemon babeld = BabelDaemon.Start(BabelDaemon.Babeld, c, new DaemonOptions { Links = ["ac", "bc"] });
        OurSpeaker ours = new OurSpeaker(a).On("ab", OurSpeaker.Parameters() with { Rtt = Re6st }).On("ac").Announce(a.Prefix);
        OurSpeaker far = new OurSpeaker(b).On("ab", OurSpeaker.Parameters() with { Rtt = Re6st }).On("bc").Announce(b.Prefix);
        string Explain() => $"{ours.Explain()}\n{far.Explain()}\n{babeld.Explain()}";
        InterfaceId direct = ours.Id("ab"), around = ours.Id("ac");
        await Eventually.TrueAsync(() => ours.Selected(b.Prefix)?.Interface == direct && babeld.Reaches(a.Prefix) && babeld.Reaches(b.Prefix), "the direct way is taken", Explain);

        ours.Delay = (TimeSpan.Zero, TimeSpan.FromMilliseconds(200));   // of all that comes to a, and c measures nothing
        await Eventually.TrueAsync(() => ours.Selected(b.Prefix)?.Interface == around, "the way around is taken", Explain);
        ours.Delay = default;
        await Eventually.TrueAsync(() => ours.Selected(b.Prefix)?.Interface == direct, "the direct way is taken again", Explain);
    }

    // A Hello each 0.5 s gives a sample each 1.5 s: some twenty in the time.
    [Fact]
    public async Task Delays_that_swing_a_little_move_no_route()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("one", a, b);
        lab.Link("two", a, b);
        BabelDaemon babeld = BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["one", "two"], Announced = [b.Prefix], MeasuresRoundTrips = true });
        var parameters = OurSpeaker.Parameters() with { Rtt = Re6st, HelloInterval = TimeSpan.FromMilliseconds(500) };
        OurSpeaker ours = new OurSpeaker(a) { Delay = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20)) };
        ours.On("one", parameters).On("two", parameters).Announce(a.Prefix);
        await Eventually.TrueAsync(() => ours.Selected(b.Prefix) is not null && ours.Ask(static speaker => speaker.Neighbours().All(static neighbour => neighbour.Rtt is not null)), "both are measured", () => $"{ours.Explain()}\n{babeld.Explain()}");
        await Task.Delay(3000, TestContext.Current.CancellationToken);

        InterfaceId before = ours.Selected(b.Prefix)!.Value.Interface;
        int switches = 0;
        var random = new Random(1);
        for (int step = 0; step < 60; step++)
        {
            double swing = 18 + (4 * random.NextDouble());
            ours.Delay = (TimeSpan.FromMilliseconds(swing), TimeSpan.FromMilliseconds(swing));
            await Task.Delay(200, TestContext.Current.CancellationToken);
            InterfaceId now = ours.Selected(b.Prefix)!.Value.Interface;
            switches += now == before ? 0 : 1;
            before = now;
        }

        Assert.InRange(switches, 0, 1);
    }
}
