using Mesh.Simulation.Paper;
using Mesh.Simulation.Reports;

namespace Mesh.Simulation.Tests.Reports;

public sealed class PaperReportTests
{
    [Fact]
    public void Each_experiment_has_a_plot_with_theirs_as_rings_and_a_table()
    {
        PaperRow Row(int nodes, double ours, params Comparison[] comparisons) => new(
            PaperExperiment.Hops, new(StringComparer.Ordinal) { ["n"] = nodes, ["k"] = 5 }, new(StringComparer.Ordinal) { ["mean_hops"] = ours }, comparisons);
        string page = PaperReport.Render(new PaperResult(
            7, 2, [Row(100, 2.2, new Comparison("mean_hops", "published", 2.2, 2.4, 0.01, IsRelative: true), new Comparison("mean_hops", "formula", 2.2, 9)), Row(10_000, 3.2)], new(StringComparer.Ordinal) { ["hops"] = 1.5 },
            IsPartial: true, ["a <note>"]));
        Assert.Contains("points=\"60.0,300.0 660.0,60.0\"><title>k 5</title>", page, StringComparison.Ordinal);   // from corner to corner
        Assert.Contains("<circle cx=\"60.0\" cy=\"252.0\"", page, StringComparison.Ordinal);   // a fifth up
        Assert.Equal(2, page.Split("<circle").Length);   // a formula is not a ring
        Assert.Contains("<td class=\"number\">-8.33</td><td>published</td><td class=\"bad\">outside</td>", page, StringComparison.Ordinal);
        Assert.Contains("0 of 1 numbers are within", page, StringComparison.Ordinal);
        Assert.Contains("Stopped before its end", page, StringComparison.Ordinal);
        Assert.Contains("a &lt;note&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_zero_is_left_out_of_a_logarithmic_plot()
    {
        PaperRow Row(int alive, double pair) => new(PaperExperiment.Kill, new(StringComparer.Ordinal) { ["n"] = 10, ["alive_percent"] = alive }, new(StringComparer.Ordinal) { ["pair"] = pair }, []);
        string page = PaperReport.Render(new PaperResult(1, 1, [Row(5, 0.1), Row(50, 0.001), Row(95, 0)], [], IsPartial: false, []));
        Assert.Contains("points=\"60.0,60.0 360.0,300.0\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<polyline", PaperReport.Render(new PaperResult(1, 1, [Row(95, 0)], [], IsPartial: false, [])), StringComparison.Ordinal);
    }
}
