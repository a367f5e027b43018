using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Scenarios;

/// <summary>Routes that a step has found to lead somewhere carry the very next packet.</summary>
public sealed class AwaitRoutesTests
{
    // A node that comes back at once has lost its tunnels, which their other ends still believe in: routes lead into them, and what is sent there is lost.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Pings_right_after_it_are_answered_though_a_node_has_lost_its_tunnels_just_before(ulong seed)
    {
        Scenario scenario = ScenarioReader.Parse("""
            scenario {
              name = ghosts
              cryptography = modelled
              parameters { hello = 4 s, client-count = 2 }
              sites = [ { name = open, nodes = 8 } ]
              steps = [
                { do = await-routes }
                { do = wait, for = 60 s }
                { do = crash, machine = open-1 }
                { do = boot, machine = open-1 }
                { do = await-routes }
                { do = ping-all, attempts = 1 }
                { do = crash, share = 0.3 }
                { do = boot }
                { do = await-routes }
                { do = ping-all, attempts = 1 }
              ]
            }
            """);
        Assert.Empty(new ScenarioRun(scenario, seed).Run().Violations);
    }
}
