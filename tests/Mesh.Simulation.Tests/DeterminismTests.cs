using System.Globalization;
using System.Text.Json;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests;

/// <summary>The same scenario and seed give the same run, however it is computed. <c>SCENARIOS</c> says how many random scenarios are tried.</summary>
public sealed class DeterminismTests
{
    private const int Usual = 12;

    private static int Scenarios => int.TryParse(Environment.GetEnvironmentVariable("SCENARIOS"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) && wanted > 0 ? wanted : Usual;

    [Fact]
    public void A_random_scenario_gives_the_same_digest_and_the_same_report_twice_and_with_any_number_of_workers()
    {
        var digests = new HashSet<string>(StringComparer.Ordinal);
        for (int seed = 1; seed <= Scenarios; seed++)
        {
            string text = RandomScenario.Make((ulong)seed);
            string first = Report(text, seed, workers: 1, out string digest);
            Assert.Equal(first, Report(text, seed, workers: 1, out _));
            Assert.Equal(first, Report(text, seed, workers: 2, out _));
            Assert.Equal(first, Report(text, seed, workers: 3 + (seed % 4), out _));
            Assert.True(digests.Add(digest), "another scenario gives another digest");
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public void Another_seed_gives_another_digest()
    {
        string text = RandomScenario.Make(1);
        _ = Report(text, 1, workers: 1, out string one);
        _ = Report(text, 2, workers: 1, out string other);
        Assert.NotEqual(one, other, StringComparer.Ordinal);
    }

    [Fact]
    public void A_run_whose_log_is_wanted_has_one_worker_so_that_its_lines_are_in_order()
    {
        Scenario scenario = ScenarioReader.Parse(RandomScenario.Make(1));
        Assert.Equal(2, new ScenarioRun(scenario, 1, workers: 2).World.Engine.Workers);
        Assert.Equal(1, new ScenarioRun(scenario, 1, log: new Nothing(), workers: 2).World.Engine.Workers);
    }

    // Everything but the time that it took.
    private static string Report(string text, int seed, int workers, out string digest)
    {
        ScenarioResult result = new ScenarioRun(ScenarioReader.Parse(text), (ulong)seed, workers: workers).Run();
        digest = result.Digest;
        return JsonSerializer.Serialize(result with { WallSeconds = 0 }, ScenarioJson.Default.ScenarioResult);
    }

    private sealed class Nothing : Actors.ILogSink
    {
        public Actors.LogLevel Level => Actors.LogLevel.Error;

        public void Write(Actors.LogEntry entry)
        {
        }
    }
}
