using System.Text.RegularExpressions;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Scenarios;

public sealed class ScenarioReaderTests
{
    private const string Good = """
        scenario {
          name = test
          internet { loss = 0.01 }
          parameters { client-count = 2 }
          sites = [
            { name = a, nodes = 2 }
          ]
          steps = [
            { do = wait, for = 1 s }
          ]
        }
        """;

    [Fact]
    public void A_good_scenario_is_read()
    {
        Scenario scenario = ScenarioReader.Parse(Good);
        Assert.Equal(("test", 3, 0.01, 2, null as int?), (scenario.Name, scenario.NodeCount, scenario.Internet.Loss, scenario.Registry.ClientCount, scenario.Registry.MaxClients));
        Assert.Equal(new PassTime(TimeSpan.FromSeconds(1)), Assert.Single(scenario.Steps));
    }

    [Fact]
    public void A_list_in_place_of_a_scenario_is_refused() =>
        Assert.Equal("my.conf:1:1: expected an object with the key scenario, not a list", Assert.Throws<ScenarioException>(() => ScenarioReader.Parse("[1]", "my.conf")).Message);

    [Fact]
    public void More_nodes_than_an_int_counts_are_too_many()
    {
        // Doubled 18 times: 262,144 sites of 10,000 nodes each.
        string doubled = string.Concat(Enumerable.Range(0, 18).Select(static power => $"x{power + 1} = ${{x{power}}} ${{x{power}}}\n"));
        string text = $"x0 = [{{ name = a, nodes = 10000 }}]\n{doubled}" + Good.Replace("[\n    { name = a, nodes = 2 }\n  ]", "${x18}", StringComparison.Ordinal);
        var refused = Assert.Throws<ScenarioException>(() => ScenarioReader.Parse(text));
        Assert.Contains(refused.Problems, static problem => problem.Contains("all sites together have 1 to 20000 nodes, not 2621440000", StringComparison.Ordinal));
    }

    [Fact]
    public void A_step_for_one_of_many_machines_costs_little()
    {
        string text = Good.Replace("nodes = 2", "nodes = 10000", StringComparison.Ordinal)
            .Replace("{ do = wait, for = 1 s }", string.Concat(Enumerable.Repeat("{ do = kill, machine = a-10000 }\n", 100)), StringComparison.Ordinal);
        _ = ScenarioReader.Parse(text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(100, ScenarioReader.Parse(text).Steps.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    [Theory]
    [InlineData("name = test", "", "1: scenario.name: is missing", false)]
    [InlineData("loss = 0.01", "loss = 2", "3: scenario.internet.loss: expected a number from 0 to 0.99, not 2", true)]
    [InlineData("loss = 0.01", "loss = much", "3: scenario.internet.loss: expected a number from 0 to 0.99", true)]
    [InlineData("loss = 0.01", "los = 0.01", "3: scenario.internet.los: unknown key; known here: base-latency, jitter, lan-latency, loss", true)]
    [InlineData("loss = 0.01", "jitter = 5", "3: scenario.internet.jitter: expected a duration with a unit, such as 20 ms or 3 s, not 5", true)]
    [InlineData("loss = 0.01", "jitter = 1e3", "3: scenario.internet.jitter: expected a duration with a unit, such as 20 ms or 3 s, not 1e3", true)]
    [InlineData("loss = 0.01", "jitter = 5 parsecs", "3: scenario.internet.jitter: expected a duration from 0 ms to 10 s", true)]
    [InlineData("loss = 0.01", "jitter = 11 s", "3: scenario.internet.jitter: expected a duration from 0 ms to 10 s", true)]
    [InlineData("internet { loss = 0.01 }", "internet = fast", "3: scenario.internet: expected an object", true)]
    [InlineData("client-count = 2", "client-count = 0", "4: scenario.parameters.client-count: expected a whole number from 1 to 1000, not 0", true)]
    [InlineData("client-count = 2", "client-count = 2.5", "4: scenario.parameters.client-count: expected a whole number from 1 to 1000", true)]
    [InlineData("nodes = 2", "nodes = 0", "6: scenario.sites[0].nodes: expected a whole number from 1 to 10000, not 0", true)]
    [InlineData("nodes = 2", "maps-ports = true", "6: scenario.sites[0].maps-ports: only a site behind NAT has a box that could map ports", true)]
    [InlineData("nodes = 2", "nat = perhaps", "6: scenario.sites[0].nat: expected true or false", true)]
    [InlineData("{ name = a, nodes = 2 }", "5", "5: scenario.sites: expected a list of objects", true)]
    [InlineData("do = wait, for = 1 s", "do = dance", "9: scenario.steps[0].do: 'dance' is not a step; steps are wait, await-routes, await-version, await-ejected, ping-all, ping, traffic", true)]
    [InlineData("do = wait, for = 1 s", "do = wait", "9: scenario.steps[0].for: is missing", true)]
    [InlineData("do = wait, for = 1 s", "for = 1 s", "9: scenario.steps[0].do: is missing", true)]
    [InlineData("do = wait, for = 1 s", "do = kill, machine = a-3", "9: scenario.steps[0].machine: there is no machine 'a-3'; nodes are called SITE-NUMBER, for example a-1, and the registry 'registry'", true)]
    [InlineData("do = wait, for = 1 s", "do = kill, machine = a-01", "9: scenario.steps[0].machine: there is no machine 'a-01'", true)]
    [InlineData("name = test", "name = test\n registry-node = perhaps", "3: scenario.registry-node: expected true or false", true)]
    [InlineData("do = wait, for = 1 s", "do = kill", "9: scenario.steps[0].machine: is missing", true)]
    [InlineData("do = wait, for = 1 s", "do = sleep, share = 2", "9: scenario.steps[0].share: expected a number from 0 to 1, not 2", true)]
    [InlineData("do = wait, for = 1 s", "do = partition", "9: scenario.steps[0].share: is missing", true)]
    [InlineData("do = wait, for = 1 s", "do = revoke, machine = registry", "9: scenario.steps[0].machine: there is no node 'registry'; nodes are called SITE-NUMBER, for example a-1", true)]
    [InlineData("do = wait, for = 1 s", "do = forge, machine = a-0", "9: scenario.steps[0].machine: there is no node 'a-0'", true)]
    [InlineData("do = wait, for = 1 s", "do = set-parameters", "9: scenario.steps[0].parameters: is missing", true)]
    [InlineData("do = wait, for = 1 s", "do = set-parameters, parameters { hello = 1 h }", "9: scenario.steps[0].parameters.hello: expected a duration from 1 s to 600 s", true)]
    [InlineData("do = wait, for = 1 s", "do = chaos, for = 1 s", "9: scenario.steps[0].faults: is missing", true)]
    [InlineData("do = wait, for = 1 s", "do = chaos, for = 1 s, faults = []", "9: scenario.steps[0].faults: expected a list of texts", true)]
    [InlineData("do = wait, for = 1 s", "do = chaos, for = 1 s, faults = [flood]", "9: scenario.steps[0].faults: 'flood' is not a fault; faults are kill, crash, sleep, leave, partition, rotate-keys", true)]
    [InlineData("do = wait, for = 1 s", "do = faults, for = 1 s, list = [ { at = 2 s, fault = rotate-keys } ]", "9: scenario.steps[0].list[0].at: expected a duration from 0 ms to 1 s, not", true)]
    [InlineData("do = wait, for = 1 s", "do = faults, for = 9 s, list = [ { at = 2 s, fault = kill, for = 1 s } ]", "9: scenario.steps[0].list[0].machine: is missing", true)]
    [InlineData("do = wait, for = 1 s", "do = faults, for = 9 s, list = [ { at = 2 s, fault = kill, machine = b-1, for = 1 s } ]", "9: scenario.steps[0].list[0].machine: there is no node 'b-1'", true)]
    [InlineData("do = wait, for = 1 s", "do = faults, for = 9 s, list = [ { at = 2 s, fault = partition, machines = [b-1], for = 1 s } ]", "9: scenario.steps[0].list[0].machines: there is no node 'b-1'", true)]
    [InlineData("do = wait, for = 1 s", "do = faults, for = 9 s, list = [ { at = 2 s, fault = crash, machine = a-1, for = 8 s } ]", "9: scenario.steps[0].list[0].for: expected an end before that of the step, which takes 9 s", true)]
    [InlineData("do = wait, for = 1 s", "do = faults, for = 9 s, list = [ { at = 2 s, fault = revoke, machine = a-1, for = 1 s } ]", "9: scenario.steps[0].list[0].for: unknown key", true)]
    [InlineData("name = test", "name = test\n invariants { dead-end = off }", "3: scenario.invariants.dead-end: unknown key; known here: all, dead-ends", true)]
    [InlineData("name = test", "name = test\n invariants { dead-ends = 5 s }", "3: scenario.invariants.dead-ends: expected true or false", true)]
    [InlineData("name = test", "name = test\n invariants { dead-ends { grace = 5 } }", "3: scenario.invariants.dead-ends.grace: expected a duration with a unit", true)]
    [InlineData("name = test", "name = test\n network = \"not a prefix\"", "3: scenario.network: 'not a prefix' is not an IPv6 prefix such as 2001:db8:42::/48", true)]
    [InlineData("{ name = a, nodes = 2 }", "{ name = a }, { name = a }", "5: scenario.sites: two sites are called 'a'", true)]
    public void A_problem_names_file_line_and_key(string text, string replacement, string problem, bool isOnly)
    {
        Assert.Contains(text, Good, StringComparison.Ordinal);
        var refused = Assert.Throws<ScenarioException>(() => ScenarioReader.Parse(Good.Replace(text, replacement, StringComparison.Ordinal), "my.conf"));
        string[] parts = problem.Split(": ", 2);
        Assert.Contains(refused.Problems, p => Regex.IsMatch(p, $@"^my\.conf:{parts[0]}:\d+: {Regex.Escape(parts[1])}", RegexOptions.None, TimeSpan.FromSeconds(1)));
        if (isOnly)
            Assert.InRange(refused.Problems.Count, 1, 2);
    }

    [Fact]
    public void Each_change_of_parameters_is_to_those_before_it()
    {
        Scenario scenario = ScenarioReader.Parse(Good.Replace(
            "{ do = wait, for = 1 s }", "{ do = set-parameters, parameters { hello = 10 s } }, { do = set-parameters, parameters { client-count = 3 } }", StringComparison.Ordinal));
        SetParameters[] changes = [.. scenario.Steps.Cast<SetParameters>()];
        Assert.Equal((10, 2), ((int)changes[0].Options.Hello.TotalSeconds, changes[0].Options.ClientCount));
        Assert.Equal((10, 3), ((int)changes[1].Options.Hello.TotalSeconds, changes[1].Options.ClientCount));
    }

    [Theory]
    [InlineData(3, "a 2", null)]
    [InlineData(2, "a 1", null)]
    [InlineData(1, null, "scenario test can have 2 to 20000 nodes, not 1")]
    [InlineData(20_001, null, "scenario test can have 2 to 20000 nodes, not 20001")]
    public void A_scenario_is_made_larger_or_smaller(int nodes, string? sites, string? problem) => Scale(Good, nodes, sites, problem);

    [Theory]
    [InlineData(7, "a 2, h 3, g 1")]
    [InlineData(13, "h 3, h2 3, g 1, g2 1, a 4")]
    [InlineData(100, "h 3, h2 3, h3 3, h4 3, h5 3, h6 3, h7 3, h8 3, h9 3, h10 3, h11 3, h12 3, h13 3, h14 3, h15 3, h16 3, g 1, g2 1, g3 1, g4 1, g5 1, g6 1, g7 1, g8 1, g9 1, g10 1, g11 1, g12 1, g13 1, g14 1, g15 1, g16 1, a 35")]
    public void Sites_behind_NAT_grow_in_number_and_others_in_nodes(int nodes, string sites) =>
        Scale(Good.Replace("{ name = a, nodes = 2 }", "{ name = a, nodes = 2 }, { name = h, nat = true, nodes = 3 }, { name = g, nat = true, nodes = 1 }", StringComparison.Ordinal), nodes, sites, problem: null);

    [Fact]
    public void A_scenario_cannot_lose_a_machine_that_it_needs() =>
        Scale(Good.Replace("do = wait, for = 1 s", "do = kill, machine = a-2", StringComparison.Ordinal), 2, sites: null, "scenario test with 2 nodes has no machine 'a-2', which it needs for: kill a-2");

    private static void Scale(string text, int nodes, string? sites, string? problem)
    {
        Scenario scenario = ScenarioReader.Parse(text);
        if (problem is not null)
        {
            Assert.Equal([problem], Assert.Throws<ScenarioException>(() => scenario.WithNodes(nodes)).Problems);
            return;
        }

        Scenario scaled = scenario.WithNodes(nodes);
        Assert.Equal(nodes, scaled.NodeCount);
        Assert.Equal(sites!.Split(", ").Order(StringComparer.Ordinal), scaled.Sites.Select(static site => $"{site.Name} {site.Nodes}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_registrys_node_can_be_named_where_there_is_one()
    {
        string kill = Good.Replace("do = wait, for = 1 s", "do = kill, machine = registry-node", StringComparison.Ordinal);
        Assert.Equal(new Inflict(MachineFault.Kill, "registry-node"), Assert.Single(ScenarioReader.Parse(kill).Steps));
        string without = kill.Replace("name = test", "name = test\n registry-node = false", StringComparison.Ordinal);
        Assert.Contains("there is no machine 'registry-node'", Assert.Throws<ScenarioException>(() => ScenarioReader.Parse(without)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        string bad = Good.Replace("loss = 0.01", "los = 1", StringComparison.Ordinal).Replace("client-count = 2", "client-count = x", StringComparison.Ordinal)
            .Replace("nodes = 2", "nodes = -1", StringComparison.Ordinal).Replace("do = wait", "do = dance", StringComparison.Ordinal);
        var refused = Assert.Throws<ScenarioException>(() => ScenarioReader.Parse(bad, "my.conf"));
        foreach (string key in (string[])["scenario.internet.los:", "scenario.parameters.client-count:", "scenario.sites[0].nodes:", "scenario.steps[0].do:"])
            Assert.Contains(refused.Problems, p => p.Contains(key, StringComparison.Ordinal));
        Assert.Equal(string.Join(Environment.NewLine, refused.Problems), refused.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("scenario { name = ")]
    [InlineData("{")]
    public void A_text_that_is_no_scenario_is_refused(string text) => Assert.Throws<ScenarioException>(() => ScenarioReader.Parse(text, "my.conf"));

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        var refused = Assert.Throws<ScenarioException>(() => ScenarioReader.Load("/nowhere/my.conf"));
        Assert.Contains("/nowhere/my.conf", Assert.Single(refused.Problems), StringComparison.Ordinal);
    }
}
