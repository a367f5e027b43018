using Mesh.Simulation.Scenarios;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests.Scenarios;

/// <summary>The scenarios that come with the program hold what they promise, and can fail. HACKING says how to run them larger and with more seeds.</summary>
public sealed class SampleScenarioTests
{
    [Theory]
    [InlineData("parameter-change", 10, 3)]
    [InlineData("parameter-change", 60, 1)]
    [InlineData("parameters-under-load", 10, 2)]
    [InlineData("revocation", 10, 3)]
    [InlineData("revocation", 60, 1)]
    [InlineData("hmac-introduction", 10, 2)]
    [InlineData("hmac-rotation", 10, 2)]
    [InlineData("partition", 10, 3)]
    [InlineData("lying-member", 10, 2)]
    [InlineData("join-storm", 17, 2)]
    [InlineData("join-storm", 60, 1)]
    [InlineData("rolling-revocation", 10, 2)]
    [InlineData("continental-partition", 12, 2)]
    [InlineData("flash-crowd", 15, 1)]
    [InlineData("mixed-versions", 11, 2)]
    public void A_sample_is_clean(string name, int nodes, int seeds)
    {
        for (ulong seed = 1; seed <= (ulong)seeds; seed++)
        {
            ScenarioResult result = new ScenarioRun(Load(name).WithNodes(nodes), seed).Run();
            Assert.True(result.IsClean, $"seed {seed}: {string.Join(Environment.NewLine, result.Violations)}");
        }
    }

    [Fact]
    public void The_registry_can_be_away_for_longer_than_the_hourly_checks_and_nobody_misses_it()
    {
        ScenarioResult result = new ScenarioRun(Parse(Read("registry-outage").Replace("for = 12 h", "for = 2 h", StringComparison.Ordinal)), seed: 1).Run();
        Assert.Empty(result.Violations);
        Assert.InRange(result.VirtualSeconds, 4 * 3600, 5 * 3600);
    }

    [Fact]
    public void Tunnels_are_replaced_and_nobody_who_pings_notices()
    {
        string sample = Read("tunnel-refresh").Replace("for = 3600 s", "for = 1200 s", StringComparison.Ordinal).Replace("min-destroyed = 50", "min-destroyed = 15", StringComparison.Ordinal);
        ScenarioResult result = new ScenarioRun(Parse(sample), seed: 2).Run();
        Assert.Empty(result.Violations);
        Assert.Equal(0, Assert.Single(result.Measures, static m => m.Name == "pings lost").Max);
    }

    [Fact]
    public void A_network_is_years_old_with_new_certificates_and_a_new_authority()
    {
        string sample = Read("aging").Replace("for = 1825 d", "for = 800 d", StringComparison.Ordinal).Replace("min-renewals = 4", "min-renewals = 2", StringComparison.Ordinal);
        ScenarioResult result = new ScenarioRun(Parse(sample), seed: 2).Run();
        Assert.Empty(result.Violations);
        Assert.InRange(Assert.Single(result.Measures, static m => m.Name == "a node has joined after").Max, 0.01, 10);
    }

    [Fact]
    public void The_questions_of_the_paper_are_answered_by_the_running_protocol()
    {
        string sample = Read("paper").Replace("for = 1800 s", "for = 600 s", StringComparison.Ordinal).Replace("share = 0.025", "share = 0.1", StringComparison.Ordinal)
            .Replace("  sites = [", "  parameters { client-count = 2, max-clients = 20 }\n  sites = [", StringComparison.Ordinal);
        ScenarioResult result = new ScenarioRun(Parse(sample).WithNodes(16), seed: 3).Run();   // with some seeds the survivors lose nothing
        Assert.Empty(result.Violations);
        Assert.InRange(Assert.Single(result.Measures, static m => m.Name == "routes for 99.9% of the pairs after").Max, 1, 120);
        Assert.InRange(Assert.Single(result.Measures, static m => m.Name == "mean round trip of traffic under churn").Max, 50, 500);
    }

    [Theory]
    [InlineData("join-storm", "join, spread = 30 s, shape = growing }", "join, spread = 30 s, shape = growing }, { do = kill, machine = registry }, { do = join }", "there are no new nodes")]
    [InlineData("join-storm", "{ do = await-joined, within = 60 s }\n    { do = await-routes, within = 120 s }\n    { do = stop", "{ do = await-joined, within = 1 ms }\n    { do = await-routes, within = 1 ms }\n    { do = stop", "every node has a route to every other within 0.001 s")]
    [InlineData("rolling-revocation", "await-ejected, machine = open-2, within = 10 s", "await-ejected, machine = open-2, within = 100 ms", "open-2 is out within 0.1 s")]
    [InlineData("continental-partition", "{ do = heal }", "", "every node has a route to every other within 300 s: not after 300 s")]
    [InlineData("continental-partition", "mean = 500 ms }\n    { do = partition", "mean = 50 ms }\n    { do = partition", "their mean round trip was at most 50 ms")]
    [InlineData("flash-crowd", "    { do = stop-traffic }", "    { do = stop-traffic, max-lost-share = 0.01 }", "at most 1% of the pings were lost")]
    [InlineData("mixed-versions", "parameters { min-protocol = 9 }", "parameters { min-protocol = 8 }", "nobody's program is older than protocol 8")]
    [InlineData("mixed-versions", "{ do = await-refused, within = 60 s }", "{ do = await-refused, within = 1 ms }", "not after 0.001 s: old-1 still runs")]
    [InlineData("mixed-versions", "{ do = revoke, machine = plain-2 }", "", "it was not revoked")]
    [InlineData("tunnel-refresh", "do = wait, for = 3600 s", "do = wait, for = 60 s", "at least 50 tunnels were destroyed in order")]
    [InlineData("parameter-change", "await-version, within = 60 s, median = 5 s", "await-version, within = 60 s, median = 10 ms", "; the median may be 0.01 s")]
    [InlineData("parameter-change", "await-version, within = 60 s, median = 5 s", "await-version, within = 100 ms", "nodes still have another version than 2 after 0.1 s")]
    [InlineData("parameter-change", "set-parameters, parameters { hello = 10 s }", "set-parameters, parameters { hello = 15 s }", "the registry published nothing within 60 s: nothing has changed")]
    [InlineData("revocation", "await-ejected, machine = open-2, within = 10 s", "await-ejected, machine = open-2, within = 100 ms", "open-2 is out within 0.1 s: not after 0.1 s")]
    [InlineData("revocation", "do = revoke, machine = open-2", "do = wait, for = 1 s", "it was not revoked")]
    public void A_sample_can_fail(string name, string text, string replacement, string violation)
    {
        string sample = Read(name);
        Assert.Contains(text, sample, StringComparison.Ordinal);
        ScenarioResult result = new ScenarioRun(Parse(sample.Replace(text, replacement, StringComparison.Ordinal)), seed: 1).Run();
        Assert.Contains(result.Violations, found => found.Contains(violation, StringComparison.Ordinal));
    }

    // Each node wants two tunnels and finds them on its own side, so nobody looked for the other side until the registry's node was missed (seed 3).
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Two_islands_whose_nodes_have_all_the_tunnels_they_want_become_one_network(ulong seed)
    {
        string sample = Read("partition").Replace("  sites = [", "  parameters { client-count = 2, max-clients = 20 }\n  sites = [", StringComparison.Ordinal);
        ScenarioResult result = new ScenarioRun(Parse(sample).WithNodes(30), seed).Run();
        Assert.Empty(result.Violations);
    }

    [Fact]
    public void Pings_that_a_crash_of_a_relay_loses_are_counted()
    {
        ScenarioResult result = new ScenarioRun(
            Parse("""
                scenario {
                  name = losses
                  sites = [ { name = relay, nodes = 2 }, { name = a, nat = true, nodes = 1 }, { name = b, nat = true, nodes = 1 } ]
                  parameters { client-count = 1, hello = 4 s }
                  registry-node = false
                  steps = [
                    { do = await-routes, within = 60 s }
                    { do = wait, for = 30 s }
                    { do = traffic, pairs = 12, interval = 200 ms }
                    { do = wait, for = 20 s }
                    { do = crash, machine = relay-1 }
                    { do = wait, for = 20 s }
                    { do = crash, machine = relay-2 }
                    { do = wait, for = 20 s }
                    { do = stop-traffic, max-lost = 0 }
                  ]
                }
                """),
            seed: 1).Run();
        string violation = Assert.Single(result.Violations);
        Assert.Contains("at most 0 pings were lost: ", violation, StringComparison.Ordinal);
        Assert.Contains(", most of a pair: ", violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_measure_has_nearest_rank_percentiles()
    {
        Assert.Equal(new Measure("x", "s", 200, 100, 198, 200), Measure.Of("x", "s", Enumerable.Range(1, 200).Select(static i => (double)i)));
        Assert.Equal(new Measure("x", "s", 1, 7, 7, 7), Measure.Of("x", "s", [7]));
    }

    [Fact]
    public void A_sweep_puts_measures_together_by_name()
    {
        Scenario scenario = Load("parameter-change");
        SweepResult sweep = SweepResult.Of(scenario, [new ScenarioRun(scenario, seed: 2).Run(), new ScenarioRun(scenario, seed: 1).Run()], wallSeconds: 1);
        Assert.True(sweep.IsClean);
        Assert.Equal([1ul, 2ul], sweep.Runs.Select(static run => run.Seed));
        Assert.Equal(40, sweep.Measures.Single(static measure => measure.Name == "parameters reach a node after").Count);
    }

    private static Scenario Load(string name) => Parse(Read(name));

    // With modelled cryptography, which changes nothing but the time that it takes: ResilienceTests and others have the real one.
    private static Scenario Parse(string text) => ScenarioReader.Parse(text) with { Cryptography = SimulatedCryptography.Modelled };

    private static string Read(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scenarios", $"{name}.conf"));
}
