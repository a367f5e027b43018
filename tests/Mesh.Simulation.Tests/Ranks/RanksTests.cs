using System.Globalization;
using System.Text.Json;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Tests.Underlay;

namespace Mesh.Simulation.Tests.Ranks;

/// <summary>Several processes that compute one scenario get what one gets. <c>RANK_SCENARIOS</c> says how many random scenarios are tried.</summary>
public sealed class RanksTests
{
    private const int Usual = 4;

    private static int Scenarios =>
        int.TryParse(Environment.GetEnvironmentVariable("RANK_SCENARIOS"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) && wanted > 0 ? wanted : Usual;

    [Fact]
    public void A_random_scenario_gives_the_same_report_with_one_process_and_at_each_of_several()
    {
        for (int seed = 1; seed <= Scenarios; seed++)
        {
            string text = RandomScenario.Make((ulong)seed);
            string alone = Report(text, seed, workers: 1, ranks: null);
            int count = 2 + (seed % 3), workers = 1 + (seed % 2);
            Assert.All(ThreadRanks.Run(count, link => Report(text, seed, workers, link)), report => Assert.Equal(alone, report));
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_scenario_with_every_step_gives_the_same_report_with_one_process_and_at_each_of_several(int seed)
    {
        string alone = Report(EveryStep, seed, workers: 1, ranks: null);
        Assert.All(ThreadRanks.Run(1 + seed, link => Report(EveryStep, seed, workers: 1, link)), report => Assert.Equal(alone, report));
    }

    [Fact]
    public void A_violation_is_the_same_at_each_process_and_ends_each_where_it_is_to_end_the_run()
    {
        const string Impatient = """
            scenario {
              name = impatient
              sites = [ { name = open, nodes = 3 } ]
              parameters { client-count = 1, hello = 4 s }
              invariants { parameters-spread { grace = 0 s } }
              steps = [
                { do = await-routes, within = 60 s }
                { do = chaos, for = 60 s, every = 10 s, faults = [kill, set-parameters, registry-kill] }
                { do = await-routes, within = 200 s }
              ]
            }
            """;
        ScenarioResult Run(IRankLink? ranks) => new ScenarioRun(ScenarioReader.Parse(Impatient), 3, ranks: ranks) { StopsAtViolation = true }.Run();
        ScenarioResult alone = Run(null);
        Assert.NotEmpty(alone.InvariantViolations);
        Assert.All(ThreadRanks.Run(2, Run), result => Assert.Equal((alone.Digest, Json(alone)), (result.Digest, Json(result))));
    }

    [Fact]
    public void Who_is_told_to_stop_stops_all_at_one_point_of_the_script()
    {
        using var stop = new CancellationTokenSource();
        Scenario scenario = ScenarioReader.Parse(RandomScenario.Make(1));
        ScenarioResult[] results = ThreadRanks.Run(3, link => new ScenarioRun(scenario, 1, stop: link.Rank == 1 ? stop.Token : default, ranks: link)
        {
            StepEnded = _ => stop.Cancel(),
        }.Run());
        Assert.All(results, result => Assert.True(result.IsPartial));
        Assert.Single(results.Select(Json).Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public void Progress_is_told_to_whoever_wants_it_though_all_have_to_look()
    {
        Scenario scenario = ScenarioReader.Parse(RandomScenario.Make(2));
        var told = new List<ScenarioProgress>();
        string alone = Json(new ScenarioRun(scenario, 2).Run());
        string[] reports = ThreadRanks.Run(2, link => Json(new ScenarioRun(scenario, 2, progress: link.Rank == 0 ? told.Add : null, ranks: link).Run()));
        Assert.All(reports, report => Assert.Equal(alone, report));
        Assert.NotEmpty(told);
    }

    [Fact]
    public void Processes_with_another_seed_do_not_begin()
    {
        Scenario scenario = ScenarioReader.Parse(RandomScenario.Make(1));
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => ThreadRanks.Run(2, link => new ScenarioRun(scenario, (ulong)link.Rank, ranks: link).Run()));
        Assert.Contains("computes something else", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Processes_that_come_apart_notice_it_at_their_next_meeting()
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ThreadRanks.Run(2, link =>
        {
            using var world = new TestUnderlay(ranks: link);
            world.Run(TimeSpan.FromSeconds(1 + link.Rank));
            return world.Engine.Digest;
        }));
        Assert.Contains("the ranks have come apart", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_is_for_one_process()
    {
        Scenario scenario = ScenarioReader.Parse(RandomScenario.Make(1));
        ArgumentException error = Assert.Throws<ArgumentException>(() => ThreadRanks.Run(2, link => new ScenarioRun(scenario, 1, log: new NoLog(), ranks: link)));
        Assert.Contains("one process", error.Message, StringComparison.Ordinal);
    }

    // Everything but the time that it took.
    internal static string Report(string text, int seed, int workers, IRankLink? ranks)
    {
        ScenarioResult result = new ScenarioRun(ScenarioReader.Parse(text), (ulong)seed, workers: workers, ranks: ranks).Run();
        return Json(result);
    }

    private static string Json(ScenarioResult result) => JsonSerializer.Serialize(result with { WallSeconds = 0 }, ScenarioJson.Default.ScenarioResult);

    private const string EveryStep = """
        scenario {
          name = every-step, cryptography = modelled, join-spread = 5 s, diameter = 60 ms, clock-skew = 2 s
          internet { base-latency = 2 ms, jitter = 1 ms, loss = 0.001 }
          parameters { client-count = 3, hello = 8 s }
          sites = [
            { name = open, nodes = 4, line { up = 4 Mbit/s, down = 16 Mbit/s } }
            { name = home, nat = symmetric, nodes = 2 }
            { name = mapped, nat = true, maps-ports = true, nodes = 1 }
            { name = both, nodes = 1, underlay = both }
            { name = office, nodes = 2, lan = true }
            { name = lab, nodes = 2, lan = true }
            { name = late, nodes = 4, join = later }
          ]
          steps = [
            { do = await-routes, within = 120 s }
            { do = traffic, pairs = 10, interval = 500 ms, pattern = gravity, label = first }
            { do = join, site = late, count = 2, spread = 5 s, shape = growing }
            { do = await-joined, within = 60 s }
            { do = kill, machine = open-1 }
            { do = crash, share = 0.1 }
            { do = sleep, machine = home-1 }
            { do = wait, for = 20 s }
            { do = boot }
            { do = wake, machine = home-1 }
            { do = revoke, machine = open-2 }
            { do = await-ejected, machine = open-2, within = 60 s }
            { do = await-version, within = 60 s }
            { do = stop-traffic }
            { do = set-parameters, parameters { hello = 6 s } }
            { do = forge, machine = open-3, for = 20 s }
            { do = rotate-keys }
            { do = await-version, within = 60 s }
            { do = partition, share = 0.3 }
            { do = wait, for = 30 s }
            { do = heal }
            { do = lan-merge, sites = [office, lab] }
            { do = wait, for = 30 s }
            { do = lan-split, sites = [office, lab] }
            { do = slow-disk, share = 0.3, delay = 20 ms }
            { do = full-disk, machine = open-4 }
            { do = replace, share = 0.1 }
            { do = churn, share = 0.2, every = 20 s, for = 40 s, kind = replace }
            { do = good-disk }
            { do = clock-jump, share = 0.2, by = 30 s }
            { do = join, spread = 2 s }
            { do = renew-authority, for = 7300 d }
            { do = skip, for = 60 d, every = 20 d, run = 30 s }
            { do = crash, machine = registry }
            { do = wait, for = 5 s }
            { do = boot, machine = registry }
            { do = traffic, pairs = 5, pattern = hub, hub = registry-node, interval = 1 s, size = 500 }
            {
              do = chaos, for = 120 s, every = 8 s
              faults = [kill, crash, sleep, leave, partition, rotate-keys, set-parameters, registry-kill, registry-outage, revoke, forge]
            }
            { do = stop-traffic }
            { do = await-routes, within = 120 s, share = 0.5 }
            { do = ping, pairs = 30, attempts = 2 }
          ]
        }
        """;

    private sealed class NoLog : Actors.ILogSink
    {
        public Actors.LogLevel Level => Actors.LogLevel.Error;

        public void Write(Actors.LogEntry entry)
        {
        }
    }
}
