using Mesh.Babel;
using Mesh.Babel.Mac;
using Mesh.Interop.Tests.Harness;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Keys (RFC 8967; reference page 19, scenarios 3, 4, 6, 7).</summary>
public sealed class AuthenticationTests
{
    private static readonly DaemonKey One = new(IsBlake: true, "000102030405060708090a0b0c0d0e0f"), Two = new(IsBlake: true, "101112131415161718191a1b1c1d1e1f"),
        Sha = new(IsBlake: false, "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f");

    [Theory]
    [InlineData(BabelDaemon.Babeld, true)]
    [InlineData(BabelDaemon.Babeld, false)]
    [InlineData(BabelDaemon.Bird, true)]
    [InlineData(BabelDaemon.Bird, false)]
    public async Task With_one_key_both_learn_routes_and_without_it_nobody_is_a_neighbour(string kind, bool isBlake)
    {
        DaemonKey key = isBlake ? One : Sha;
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2), wrong = lab.Machine(3), unsigned = lab.Machine(4);
        lab.Link("lan", a, b, wrong, unsigned);
        BabelDaemon daemon = BabelDaemon.Start(kind, b, new DaemonOptions { Links = ["lan"], Announced = [b.Prefix], Key = key });
        OurSpeaker ours = Speak(a, new MacKeys([key.Ours])), impostor = Speak(wrong, new MacKeys([Two.Ours])), stranger = Speak(unsigned, MacKeys.None);
        string Explain() => $"{ours.Explain()}\n{daemon.Explain()}";
        await Eventually.TrueAsync(() => daemon.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, "both learn", Explain);
        Assert.Equal(NeighbourAuthentication.Verified, ours.Neighbour(b)!.Value.Authentication);

        await Task.Delay(3000, TestContext.Current.CancellationToken);
        foreach (OurSpeaker other in (OurSpeaker[])[impostor, stranger])
            Assert.Null(other.Ask(static speaker => speaker.Neighbours().Where(static neighbour => neighbour.Cost < ushort.MaxValue).Select(static neighbour => neighbour.Address.ToString()).FirstOrDefault()));
        Assert.False(daemon.Reaches(wrong.Prefix) || daemon.Reaches(unsigned.Prefix));
        Assert.Equal(b.Prefix, Assert.Single(ours.Table()).Key);
        Assert.True(ours.Ask(static speaker => speaker[BabelCounter.WrongMac] > 0 && speaker[BabelCounter.MissingMac] > 0));
    }

    [Theory]
    [InlineData(BabelDaemon.Babeld)]
    [InlineData(BabelDaemon.Bird)]
    public async Task After_a_crash_either_side_proves_that_its_packets_are_of_today(string kind)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        var options = new DaemonOptions { Links = ["ab"], Announced = [b.Prefix], Key = One };
        BabelDaemon daemon = BabelDaemon.Start(kind, b, options);
        OurSpeaker ours = Speak(a, new MacKeys([One.Ours]), "ab", Forgetful);
        string Explain() => $"{ours.Explain()}\n{daemon.Explain()}";
        await Eventually.TrueAsync(() => daemon.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, "both learn", Explain);

        long passed = ours.Ask(static speaker => speaker[BabelCounter.ChallengesPassed]);
        daemon.Kill();
        daemon = BabelDaemon.Start(kind, b, options);
        await Eventually.TrueAsync(() => ours.Ask(static speaker => speaker[BabelCounter.ChallengesPassed]) > passed, "it is challenged and passes", Explain);
        await Eventually.TrueAsync(() => daemon.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, "both learn again", Explain);

        ours.Dispose();
        ours = Speak(a, new MacKeys([One.Ours]), "ab");
        await Eventually.TrueAsync(() => ours.Ask(static speaker => speaker[BabelCounter.ChallengesAnswered]) > 0, "we are challenged and answer", Explain);
        await Eventually.TrueAsync(() => daemon.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, "both learn once more", Explain);
    }

    // Reference page 16.4: verify before sign; and 13.4: key material changes, index and counter stay.
    [Fact]
    public async Task Keys_are_exchanged_with_bird_without_losing_a_route_for_a_moment()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        var bird = (BirdDaemon)BabelDaemon.Start(BabelDaemon.Bird, b, new DaemonOptions { Links = ["ab"], Announced = [b.Prefix], Key = One });
        OurSpeaker ours = Speak(a, new MacKeys([One.Ours]), "ab");
        string Explain() => $"{ours.Explain()}\n{bird.Explain()}";
        await Eventually.TrueAsync(() => bird.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, "both learn", Explain);

        await KeepsRoutesAsync(a, b, ours, bird, 2000);
        ours.Do((speaker, now) => speaker.SetKeys(ours.Id("ab"), new MacKeys([One.Ours], [Two.Ours]), now));
        bird.UseKeys(One, Two);
        await KeepsRoutesAsync(a, b, ours, bird, 3000);
        ours.Do((speaker, now) => speaker.SetKeys(ours.Id("ab"), new MacKeys([Two.Ours], [One.Ours]), now));
        await KeepsRoutesAsync(a, b, ours, bird, 3000);
        bird.UseKeys(Two);
        await KeepsRoutesAsync(a, b, ours, bird, 3000);
        ours.Do((speaker, now) => speaker.SetKeys(ours.Id("ab"), new MacKeys([Two.Ours]), now));
        await KeepsRoutesAsync(a, b, ours, bird, 5000);
        Assert.Equal(0, ours.Ask(static speaker => speaker[BabelCounter.WrongMac]));
    }

    // babeld has one key an interface and replaces it in its place: we accept both meanwhile.
    [Fact]
    public async Task Keys_are_exchanged_with_babeld_without_losing_a_route_for_a_moment()
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        var babeld = (BabeldDaemon)BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["ab"], Announced = [b.Prefix], Key = One });
        OurSpeaker ours = Speak(a, new MacKeys([One.Ours]), "ab");
        string Explain() => $"{ours.Explain()}\n{babeld.Explain()}";
        await Eventually.TrueAsync(() => babeld.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, "both learn", Explain);

        // Signed with both, since babeld checks with one alone.
        ours.Do((speaker, now) => speaker.SetKeys(ours.Id("ab"), new MacKeys([One.Ours, Two.Ours]), now));
        await KeepsRoutesAsync(a, b, ours, babeld, 2000);
        babeld.ReplaceKey(Two);
        await KeepsRoutesAsync(a, b, ours, babeld, 4000);
        ours.Do((speaker, now) => speaker.SetKeys(ours.Id("ab"), new MacKeys([Two.Ours]), now));
        await KeepsRoutesAsync(a, b, ours, babeld, 6000);
        Assert.Equal(0, ours.Ask(static speaker => speaker[BabelCounter.WrongMac]));
    }

    // How the first key is introduced: some have it, some do not yet.
    [Theory]
    [InlineData("the daemon has no key")]
    [InlineData("the daemon has another key")]
    [InlineData("the daemon has our key")]
    [InlineData("we have no key, and babeld accepts bad signatures")]
    public async Task Who_accepts_anything_talks_to_those_without_the_key(string which)
    {
        using var lab = new BabelLab();
        LabMachine a = lab.Machine(1), b = lab.Machine(2);
        lab.Link("ab", a, b);
        bool isOurs = which.StartsWith("the daemon", StringComparison.Ordinal);
        DaemonKey? key = which switch { "the daemon has no key" => null, "the daemon has another key" => Two, _ => One };
        // One with another key has to accept anything, too: our packets are none of its own.
        BabelDaemon daemon = BabelDaemon.Start(BabelDaemon.Babeld, b, new DaemonOptions { Links = ["ab"], Announced = [b.Prefix], Key = key, IsPermissive = key is not null && key != One || !isOurs });
        OurSpeaker ours = Speak(a, isOurs ? new MacKeys([One.Ours], acceptAny: true) : MacKeys.None, "ab");
        await Eventually.TrueAsync(() => daemon.Reaches(a.Prefix) && ours.Selected(b.Prefix) is not null, which, () => $"{ours.Explain()}\n{daemon.Explain()}");
        if (isOurs && key != One)
            Assert.True(ours.Ask(static speaker => speaker[BabelCounter.Tolerated]) > 0);
    }

    // Who crashes and draws an older sequence number is refused until we forget its last one: after 3 minutes, and here after 4 update intervals.
    private static readonly BabelOptions Forgetful = new() { SourceLifetime = TimeSpan.FromSeconds(1) };

    private static OurSpeaker Speak(LabMachine machine, MacKeys keys, string link = "lan", BabelOptions? options = null) => new OurSpeaker(machine, options).On(link, OurSpeaker.Parameters(keys)).Announce(machine.Prefix);

    private static async Task KeepsRoutesAsync(LabMachine a, LabMachine b, OurSpeaker ours, BabelDaemon daemon, int milliseconds)
    {
        for (long end = Environment.TickCount64 + milliseconds; Environment.TickCount64 < end;)
        {
            Assert.True(ours.Selected(b.Prefix) is not null && daemon.Reaches(a.Prefix), $"{ours.Explain()}\n{daemon.Explain()}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}
