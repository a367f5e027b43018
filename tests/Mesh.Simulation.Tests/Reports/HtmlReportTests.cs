using Mesh.Simulation.Reports;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Reports;

public sealed class HtmlReportTests
{
    private static readonly ScenarioResult Result = new(
        "a <name>", "shows & tells", Seed: 7, "0011223344556677", Nodes: 2, VirtualSeconds: 10, WallSeconds: 2, Messages: 1, Packets: 2, LostPackets: 0,
        [new StepResult("a <step>", 0, 1, "done", IsGood: true), new StepResult("another", 1, 2, "not done", IsGood: false)], ["at 2 s: another: not done"],
        [Measure.Of("time <x>", "s", [1.5, 2.5])],
        [new NodeResult("one", "0/16", IsRunning: true, ["two"], 1), new NodeResult("two", "1/16", IsRunning: true, ["one"], 1)], "a model");

    [Fact]
    public void Steps_measures_and_the_map_are_on_the_page_and_nothing_is_taken_for_markup()
    {
        string page = HtmlReport.Render(Result);
        Assert.Contains("<td>a &lt;step&gt;</td><td class=\"good\">done</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td class=\"bad\">not done</td>", page, StringComparison.Ordinal);
        Assert.Contains("<tr><td>time &lt;x&gt;</td><td>s</td><td class=\"number\">2</td><td class=\"number\">1.5</td><td class=\"number\">2.5</td><td class=\"number\">2.5</td></tr>", page, StringComparison.Ordinal);
        Assert.Contains("1 violations.", page, StringComparison.Ordinal);
        Assert.Single(page.Split("<line "), static part => part.StartsWith("x1", StringComparison.Ordinal));
        Assert.DoesNotContain("<name>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_network_is_plotted_and_nodes_stand_where_they_are()
    {
        ScenarioResult result = Result with
        {
            Shape = new NetworkShape
            {
                Hops = [new Bar(1, 20), new Bar(2, 5)],
                Stretches = [new Bar(1, 7), new Bar(1.25, 3)],
                Arities = [new Bar(1, 2)],
                RegistryLoad = [new Bar(0, 4), new Bar(10, 1)],
                Propagations = [new Propagation(2, [0.5, 1, 1.5])],
            },
            Topology = [.. Result.Topology.Select(static (node, i) => node with { X = 100 * i, Y = 50 * i })],
        };
        string page = HtmlReport.Render(result);
        foreach (string title in (string[])["Pairs of nodes by hop distance", "Pairs of nodes by path stretch", "Nodes by arity", "Nodes that have new parameters, %", "Requests to the registry in 10 s"])
            Assert.Contains($"<h3>{title}</h3>", page, StringComparison.Ordinal);
        Assert.Contains("<title>2: 5</title>", page, StringComparison.Ordinal);
        Assert.Contains("<title>version 2</title>", page, StringComparison.Ordinal);
        Assert.Contains("aria-label=\"Nodes where they are, tunnels as lines\"", page, StringComparison.Ordinal);
        Assert.Contains("<line x1=\"64.0\" y1=\"448.0\" x2=\"576.0\" y2=\"192.0\"/>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_measures_there_is_no_table_of_them() =>
        Assert.DoesNotContain("What was measured", HtmlReport.Render(Result with { Measures = [] }), StringComparison.Ordinal);
}
