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
    public void Without_measures_there_is_no_table_of_them() =>
        Assert.DoesNotContain("What was measured", HtmlReport.Render(Result with { Measures = [] }), StringComparison.Ordinal);
}
