using Mesh.Node;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Scenarios;

public sealed class ScenarioShrinkTests
{
    private const string Text = """
        scenario {
          name = reuse
          sites = [ { name = open, nodes = 6 }, { name = home, nat = true, nodes = 2 } ]
          parameters { client-count = 2, hello = 4 s }
          steps = [
            { do = await-routes, within = 60 s }
            { do = wait, for = 20 s }
            { do = chaos, for = 120 s, every = 8 s, faults = [kill, crash, sleep, forge, registry-kill] }
            { do = ping, pairs = 10 }
          ]
        }
        """;

    private static readonly NodeOptions Wrong = new() { RegistryUrl = "", Mutation = NodeMutation.ReuseSeqnos };

    [Fact]
    public void A_violation_is_reduced_to_the_fault_that_matters_and_the_written_scenario_has_it()
    {
        Scenario scenario = ScenarioReader.Parse(Text);
        var reports = new List<ShrinkProgress>();
        var shrink = new ScenarioShrink(scenario, seed: 5, maxRuns: 300, node: Wrong) { Progress = reports.Add };
        Assert.True(shrink.Run());
        Assert.Equal("seqno-forward", shrink.Violated);
        Assert.False(shrink.IsPartial);
        TimedFault fault = Assert.Single(shrink.Scenario.Steps.OfType<FaultPlan>().Single().Faults);
        Assert.Contains(fault.Kind, (FaultKind[])[FaultKind.Kill, FaultKind.Crash]);
        Assert.InRange(shrink.Scenario.NodeCount, 2, 5);
        Assert.InRange(shrink.Scenario.Steps.Count, 1, 2);
        Assert.True(reports.Count > 0 && reports[^1].Runs < shrink.Runs + 1);

        ScenarioTree tree = ScenarioTree.Parse(Text);
        tree.Take(shrink.Scenario, shrink.KeptSteps);
        ScenarioResult again = new ScenarioRun(ScenarioReader.Parse(tree.ToString()), seed: 5, nodes: Wrong) { StopsAtViolation = true }.Run();
        Assert.Equal(shrink.Violation, again.Violations[0]);
    }

    [Fact]
    public void What_has_no_violation_is_not_reduced()
    {
        var shrink = new ScenarioShrink(ScenarioReader.Parse(Text), seed: 1, maxRuns: 300);
        Assert.False(shrink.Run());
        Assert.Equal((1, null as string), (shrink.Runs, shrink.Violated));
    }

    [Fact]
    public void It_ends_with_the_best_so_far_when_it_has_run_often_enough()
    {
        var shrink = new ScenarioShrink(ScenarioReader.Parse(Text), seed: 1, maxRuns: 4, node: Wrong);
        Assert.True(shrink.Run());
        Assert.Equal((4, true), (shrink.Runs, shrink.IsPartial));
        Assert.NotNull(shrink.Violation);
    }

    [Fact]
    public void Two_results_are_compared_number_by_number()
    {
        Scenario scenario = ScenarioReader.Parse(Text);
        ScenarioResult a = new ScenarioRun(scenario, seed: 2) { Until = TimeSpan.FromSeconds(40) }.Run(), b = new ScenarioRun(scenario with { Steps = [scenario.Steps[0], scenario.Steps[0]] }, seed: 2).Run();
        ResultComparison same = ResultComparison.Of(a, a), other = ResultComparison.Of(a, b);
        Assert.True(same.IsSameRun);
        Assert.All(same.Numbers, static number => Assert.Equal(0, number.Difference));
        Assert.False(other.IsSameRun);
        ComparedNumber messages = other.Numbers.Single(static number => number.Name == "messages");
        Assert.Equal((a.Messages, b.Messages, b.Messages - a.Messages), ((long)messages.A!, (long)messages.B!, (long)messages.Difference!));
        Assert.Equal(messages.Difference / messages.A, messages.Relative);
        Assert.Contains(other.Numbers, static number => number is { Kind: "step", Name: "every node has a route to every other within 60 s (2)", A: null, B: not null, Difference: null });
    }
}
