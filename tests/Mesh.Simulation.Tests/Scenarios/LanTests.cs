using Mesh.Simulation.Scenarios;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests.Scenarios;

/// <summary>Sites whose nodes are on one LAN.</summary>
public sealed class LanTests
{
    private const string World = """
        scenario {
          name = lan
          parameters { hello = 4 s, client-count = 1, max-clients = 10 }
          sites = [
            { name = open, nodes = 2 }
            { name = office, nat = true, lan = true, nodes = 3 }
            { name = lab, nat = true, lan = true, nodes = 2 }
          ]
          steps = [ { do = await-joined }, { do = await-routes, within = 120 s }, { do = wait, for = 60 s }, { do = ping-all } STEPS ]
        }
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Nodes_on_a_LAN_reach_each_other_over_it_and_all_others_and_the_same_seed_does_the_same(ulong seed)
    {
        ScenarioRun run = Make("", seed);
        ScenarioResult result = run.Run();
        Assert.Empty(result.Violations);
        Assert.Equal(result.Digest, Make("", seed).Run().Digest);
        SimulatedNode[] office = Of(run, "office");
        Assert.All(office, node => Assert.All(office.Where(other => other != node), other => Assert.NotNull(RouteTo(run, node, other).Device)));
        Assert.All(office, node => Assert.All(Of(run, "lab"), other => Assert.NotEqual(other.Identity!.Prefix, RouteTo(run, node, other).Via)));
    }

    [Fact]
    public void LANs_become_one_and_two_again()
    {
        ScenarioRun merged = Make(", { do = lan-merge, sites = [ office, lab ] }, { do = wait, for = 60 s }, { do = ping-all }", 1);
        Assert.Empty(merged.Run().Violations);
        Assert.All(Of(merged, "office"), node => Assert.All(Of(merged, "lab"), other => Assert.Equal(other.Identity!.Prefix, RouteTo(merged, node, other).Via)));

        ScenarioRun split = Make(", { do = lan-merge, sites = [ office, lab ] }, { do = wait, for = 60 s }, { do = lan-split, sites = [ office, lab ] }, { do = wait, for = 60 s }, { do = await-routes }, { do = ping-all }", 1);
        Assert.Empty(split.Run().Violations);
        Assert.All(Of(split, "office"), node => Assert.All(Of(split, "lab"), other => Assert.NotEqual(other.Identity!.Prefix, RouteTo(split, node, other).Via)));
    }

    private static ScenarioRun Make(string steps, ulong seed) => new(ScenarioReader.Parse(World.Replace("STEPS", steps, StringComparison.Ordinal)), seed);

    private static SimulatedNode[] Of(ScenarioRun run, string site) => [.. run.World.Nodes.Where(node => node.Machine.Name.StartsWith(site, StringComparison.Ordinal))];

    private static Node.Routing.NodeRoute RouteTo(ScenarioRun run, SimulatedNode from, SimulatedNode to) =>
        from.Routes.Single(route => route.Destination == to.Identity!.Prefix.Subnet(run.World.Network));
}
