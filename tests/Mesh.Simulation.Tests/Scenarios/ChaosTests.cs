using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Scenarios;

public sealed class ChaosTests
{
    private const string Small = """
        scenario {
          name = small
          sites = [ { name = open, nodes = 5 }, { name = home, nat = true, nodes = 2 } ]
          parameters { client-count = 2, hello = 4 s, rotation-step-time = 30 s }
          steps = [
            { do = await-routes, within = 60 s }
            { do = chaos, for = 120 s, every = 6 s, faults = [kill, crash, sleep, leave, partition, rotate-keys, set-parameters, registry-kill, registry-outage, revoke, forge] }
            { do = await-routes, within = 300 s }
          ]
        }
        """;

    [Fact]
    public void What_happens_follows_from_the_seed_and_every_kind_comes_up()
    {
        Scenario scenario = ScenarioReader.Parse(Small);
        Assert.Equal(Texts(scenario, 1), Texts(scenario, 1), StringComparer.Ordinal);
        Assert.NotEqual(Texts(scenario, 1), Texts(scenario, 2), StringComparer.Ordinal);
        Assert.Equal(Enum.GetValues<FaultKind>(), Enumerable.Range(0, 30).SelectMany(seed => Faults(scenario, (ulong)seed)).Select(static fault => fault.Kind).Distinct().Order());
    }

    [Fact]
    public void Every_fault_is_over_by_the_end_and_no_machine_has_two_at_a_time()
    {
        Scenario scenario = ScenarioReader.Parse(Small);
        for (ulong seed = 0; seed < 200; seed++)
        {
            IReadOnlyList<TimedFault> faults = Faults(scenario, seed);
            Assert.All(faults, static fault => Assert.True(fault.At + fault.For <= TimeSpan.FromSeconds(120)));
            foreach (IGrouping<string, TimedFault> machine in faults.Where(static fault => TimedFault.IsOfNode(fault.Kind)).GroupBy(static fault => fault.Machines[0], StringComparer.Ordinal))
                Assert.All(machine.Zip(machine.Skip(1)), static pair => Assert.True(pair.First.At + pair.First.For < pair.Second.At));
        }
    }

    [Fact]
    public void A_run_is_clean_and_the_scenario_with_the_list_written_out_is_the_same_run()
    {
        ScenarioTree tree = ScenarioTree.Parse(Small);
        Scenario scenario = ScenarioReader.Parse(Small);
        tree.Take(scenario.WithFaultsOf(3));
        Scenario concrete = ScenarioReader.Parse(tree.ToString());
        Assert.Equal(Texts(scenario, 3), Texts(concrete, 3), StringComparer.Ordinal);
        ScenarioResult atRandom = new ScenarioRun(scenario, seed: 3).Run(), listed = new ScenarioRun(concrete, seed: 3).Run();
        Assert.Empty(atRandom.Violations);
        Assert.Equal(atRandom.Digest, listed.Digest);
        Assert.Equal(atRandom.Faults, listed.Faults);
        Assert.Equal(Faults(scenario, 3).Count, atRandom.Faults.Count);
    }

    [Fact]
    public void Invariants_change_nothing_that_happens()
    {
        ScenarioResult watched = new ScenarioRun(ScenarioReader.Parse(Small), seed: 4).Run();
        ScenarioResult alone = new ScenarioRun(ScenarioReader.Parse(Small.Replace("name = small", "name = small\n invariants { all = off }", StringComparison.Ordinal)), seed: 4).Run();
        Assert.Empty(watched.Violations);
        Assert.Equal(alone.Digest, watched.Digest);
    }

    [Fact]
    public void A_run_ends_at_the_time_that_was_asked_for_and_goes_there_the_same_way()
    {
        ScenarioResult half = new ScenarioRun(ScenarioReader.Parse(Small), seed: 5) { Until = TimeSpan.FromSeconds(70) }.Run();
        Assert.Equal((70, 0), (half.VirtualSeconds, half.Violations.Count));
        ScenarioResult again = new ScenarioRun(ScenarioReader.Parse(Small), seed: 5, static _ => { }) { Until = TimeSpan.FromSeconds(70) }.Run();
        Assert.Equal(half.Digest, again.Digest);
    }

    [Fact]
    public void A_violated_invariant_makes_a_run_fail_with_time_machines_and_details()
    {
        // Nobody has new parameters in no time.
        string text = Small.Replace("name = small", "name = small\n invariants { parameters-spread { grace = 0 s } }", StringComparison.Ordinal);
        ScenarioResult result = new ScenarioRun(ScenarioReader.Parse(text), seed: 6) { StopsAtViolation = true }.Run();
        Mesh.Simulation.Invariants.InvariantViolation violation = result.InvariantViolations[0];
        Assert.Equal("parameters-spread", violation.Invariant);
        Assert.False(result.IsClean);
        Assert.Equal(violation.Seconds, result.VirtualSeconds);
        Assert.Contains($"invariant parameters-spread: {violation.Machines[0]}: it uses version ", result.Violations[0], StringComparison.Ordinal);
        Assert.Equal(result.InvariantCounts["parameters-spread"], result.InvariantViolations.Count);
    }

    private static IEnumerable<string> Texts(Scenario scenario, ulong seed) => Faults(scenario, seed).Select(static fault => fault.ToString());

    private static IReadOnlyList<TimedFault> Faults(Scenario scenario, ulong seed) => Assert.Single(scenario.WithFaultsOf(seed).Steps.OfType<FaultPlan>()).Faults;
}
