using Mesh.Simulation.Scenarios;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests.Scenarios;

/// <summary>Steps that let nodes come and go, and wall clocks jump.</summary>
public sealed class WorkloadTests
{
    private const string World = """
        scenario {
          name = test
          latency { model = geography }
          registry { city = Frankfurt }
          line { up = 5 Mbit/s, down = 20 Mbit/s, jitter = 3 ms, loss = 0.002 }
          clock-skew = 2 s
          parameters { hello = 4 s, client-count = 3, certificate-lifetime = 6 h, renew-period = 3 h }
          sites = [
            { name = paris, city = Paris, nodes = 2 }
            { name = tokyo, city = Tokyo, nodes = 2 }
            { name = york, city = "New York", nat = symmetric, nodes = 2 }
            { name = sydney, city = Sydney, nat = port-restricted, carrier-nat = true, nodes = 2, tells-capabilities = false }
            { name = lagos, city = Lagos, nat = full-cone, nat-timeout = 30 s, nodes = 1, cipher = chacha20-poly1305 }
            { name = late, city = Lima, nodes = 4, join = later }
          ]
          steps = [
            { do = await-joined }
            { do = await-routes, within = 120 s }
            STEPS
          ]
        }
        """;

    [Fact]
    public void A_world_of_cities_lines_boxes_and_clocks_holds_together_while_nodes_come_and_go_and_the_same_seed_does_the_same()
    {
        const string steps = """
            { do = ping-all }
            { do = join, site = late, spread = 10 s, shape = growing }
            { do = await-joined }
            { do = await-routes }
            { do = traffic, pairs = 20, pattern = gravity, size = 1000 }
            { do = churn, share = 0.1, every = 60 s, for = 3 m }
            { do = stop-traffic, max-lost-share = 0.1, mean = 600 ms }
            { do = wait, for = 30 s }
            { do = await-joined }
            { do = await-routes }
            { do = clock-jump, share = 0.3, by = -1 h }
            { do = wait, for = 30 s }
            { do = ping-all, attempts = 5 }
            """;
        // Five attempts, by chance: a ping crosses lines that lose 0.2 % some seven times, so 1.4 % are lost, one independently of the other (of 27,300 first ones in this network 388, then 6 of those, then 1), and of
        // 182 pairs one loses three in a row in a run of two thousand. Seed 1 with real cryptography is such a run.
        var run = new ScenarioRun(Parse(steps), seed: 1);
        ScenarioResult result = run.Run();
        Assert.Empty(result.Violations);
        Assert.Equal(result.Digest, new ScenarioRun(Parse(steps), seed: 1).Run().Digest);
        Assert.NotEqual(result.Digest, new ScenarioRun(Parse(steps), seed: 2).Run().Digest, StringComparer.Ordinal);
        Assert.InRange(run.World.Nodes.Max(static node => Math.Abs(node.Machine.ClockSkew.TotalSeconds)), 3598, 3602);
        StepResult churn = Assert.Single(result.Steps, static step => step.Title.StartsWith("10% of the nodes are replaced", StringComparison.Ordinal));
        Assert.Contains(churn.Outcome, Enumerable.Range(2, 4).Select(static count => $"{count} nodes were replaced"), StringComparer.Ordinal);
        // Those that were replaced have prefixes that nobody had before: as many as joined were given.
        Assert.Equal(14, result.Topology.Select(static node => node.Prefix).Distinct(StringComparer.Ordinal).Count());
        Assert.InRange(Assert.Single(result.Measures, static m => m.Name == "round trip of traffic over that of the underlay").P50, 0.9, 5);
    }

    [Fact]
    public void New_nodes_wait_for_their_wave()
    {
        var run = new ScenarioRun(Parse("{ do = join, count = 3, spread = 0 s, shape = burst }, { do = await-joined }, { do = join, share = 1 }, { do = await-joined }, { do = join }"), seed: 1);
        ScenarioResult result = run.Run();
        Assert.Equal("there are no new nodes", result.Steps[^1].Outcome);
        Assert.Single(result.Violations);
        Assert.StartsWith("3 nodes", result.Steps[^5].Outcome, StringComparison.Ordinal);
        Assert.StartsWith("1 nodes", result.Steps[^3].Outcome, StringComparison.Ordinal);
        Assert.All(run.World.Nodes, static node => Assert.True(node.IsRunning));
    }

    [Fact]
    public void A_long_time_is_skipped_in_pieces_and_certificates_are_renewed_meanwhile()
    {
        var run = new ScenarioRun(Parse("{ do = skip, for = 40 h, every = 1 h, run = 1 m, min-renewals = 8 }, { do = await-routes }"), seed: 1);
        ScenarioResult result = run.Run();
        Assert.Empty(result.Violations);
        Assert.InRange(result.VirtualSeconds, 40 * 60, 3600);
        Assert.All(run.World.Nodes.Where(static node => node.IsRunning), node => Assert.True(node.Certificate!.Until > run.World.Engine.Epoch + TimeSpan.FromHours(40)));
    }

    [Fact]
    public void A_long_time_in_which_nobody_can_renew_is_a_violation()
    {
        ScenarioResult result = new ScenarioRun(Parse("{ do = kill, machine = registry }, { do = skip, for = 12 h, every = 1 h, run = 1 m }"), seed: 1).Run();
        Assert.Contains("times one had ended: ", Assert.Single(result.Violations), StringComparison.Ordinal);
    }

    [Fact]
    public void Restarted_nodes_are_the_same_and_replaced_ones_are_others()
    {
        foreach (bool replaces in (bool[])[false, true])
        {
            var run = new ScenarioRun(Parse($"{{ do = churn, share = 1, every = 60 s, for = 60 s, kind = {(replaces ? "replace" : "restart")} }}, {{ do = await-joined }}"), seed: 1);
            ScenarioResult result = new ScenarioRun(Parse(""), seed: 1).Run();
            Dictionary<string, string?> first = result.Topology.ToDictionary(static node => node.Name, static node => node.Prefix, StringComparer.Ordinal);
            ScenarioResult after = run.Run();
            Assert.Empty(after.Violations);
            Assert.All(after.Topology.Where(static node => node.IsRunning && node.Name != SimulatedNetwork.RegistryNodeName), node => Assert.Equal(replaces, node.Prefix != first[node.Name]));
        }
    }

    [Fact]
    public void A_full_disk_of_the_registry_keeps_new_nodes_out_until_there_is_room_and_the_others_go_on()
    {
        var run = new ScenarioRun(
            Parse("""
                { do = full-disk, machine = registry }
                { do = join, site = late }
                { do = wait, for = 20 s }
                { do = ping-all }
                { do = await-joined, within = 1 s }
                { do = good-disk, machine = registry }
                # It has ended, as the real program does: somebody has to start it again.
                { do = kill, machine = registry }
                { do = boot, machine = registry }
                { do = await-joined, within = 120 s }
                { do = await-routes, within = 60 s }
                """),
            seed: 1);
        ScenarioResult result = run.Run();
        Assert.Contains("4 nodes have not joined after 1 s", Assert.Single(result.Violations), StringComparison.Ordinal);
        Assert.Equal(14, result.Topology.Count(static node => node.IsRunning));
    }

    // The same failure, twice: of a disk that has written what it says, and of one that has not.
    [Theory]
    [InlineData("{ do = good-disk, machine = registry }", "crash", true)]
    [InlineData("{ do = lying-disk, machine = registry }", "kill", true)]
    [InlineData("{ do = lying-disk, machine = registry }", "crash", false)]
    [InlineData("{ do = lying-disk, machine = registry, cache = 2 s }", "crash", true)]
    public void What_a_lying_disk_of_the_registry_loses_with_its_power_is_a_broken_promise(string disk, string end, bool isKept)
    {
        ScenarioResult result = new ScenarioRun(
            Parse($$"""
                {{disk}}
                { do = join, site = late }
                { do = await-joined }
                { do = wait, for = 10 s }
                { do = {{end}}, machine = registry }
                { do = wait, for = 5 s }
                { do = boot, machine = registry }
                { do = wait, for = 20 s }
                """),
            seed: 2).Run();
        if (isKept)
        {
            Assert.Empty(result.Violations);
            return;
        }

        Assert.All(result.InvariantViolations, static violation => Assert.Equal("registry-memory", violation.Invariant));
        Assert.Contains(result.InvariantViolations, static violation => violation.Details.Contains("it no longer knows prefix", StringComparison.Ordinal) && violation.Machines.Any(static name => name.StartsWith("late-", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_slow_disk_of_the_registry_makes_joins_slow()
    {
        double Slowest(string steps) => new ScenarioRun(Parse(steps), seed: 1).Run().Measures.Last(static m => m.Name == "a node has joined after").Max;
        double usual = Slowest("{ do = join, site = late }, { do = await-joined, within = 120 s }");
        double slow = Slowest("{ do = slow-disk, machine = registry, delay = 3 s }, { do = join, site = late }, { do = await-joined, within = 120 s }");
        Assert.InRange(slow - usual, 3, 30);
    }

    [Fact]
    public void Nodes_with_full_disks_are_members_still_and_a_node_without_its_disk_is_another_one()
    {
        var run = new ScenarioRun(Parse("{ do = full-disk }, { do = wait, for = 60 s }, { do = ping-all }, { do = good-disk }, { do = replace, machine = tokyo-1 }, { do = await-joined }, { do = await-routes }, { do = ping-all }"), seed: 1);
        Assert.Empty(run.Run().Violations);
        Assert.Equal(1, run.World.Registry.Calls["requestCertificate"] - run.World.Nodes.Count(static node => node.IsRunning));
    }

    private static Scenario Parse(string steps) => ScenarioReader.Parse(World.Replace("STEPS", steps, StringComparison.Ordinal));
}
