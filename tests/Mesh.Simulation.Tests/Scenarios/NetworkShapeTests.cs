using System.Text.Json;
using Mesh.Simulation.Reports;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Scenarios;

public sealed class NetworkShapeTests
{
    [Fact]
    public void A_run_counts_hops_stretches_tunnels_requests_and_times_and_the_JSON_has_them()
    {
        ScenarioResult result = new ScenarioRun(
            ScenarioReader.Parse("""
                scenario {
                  name = shape
                  sites = [ { name = a, nat = true, nodes = 2 }, { name = b, nat = true, nodes = 1 } ]
                  parameters { client-count = 1, max-clients = 10, hello = 4 s }
                  steps = [
                    { do = await-routes, within = 60 s }
                    { do = set-parameters, parameters { hello = 5 s } }
                    { do = await-version }
                  ]
                }
                """),
            seed: 1).Run();
        Assert.Empty(result.Violations);
        // The registry's node has three tunnels, the others one each: six pairs next to each other, six over it.
        Assert.Equal([new Bar(1, 6), new Bar(2, 6)], result.Shape.Hops);
        Assert.Equal([new Bar(1, 3), new Bar(3, 1)], result.Shape.Arities);
        Assert.Equal(10, result.Shape.Stretches.Sum(static bar => bar.Count));   // two pairs share a site
        Assert.InRange(result.Shape.Stretches.Single(static bar => bar.Value == 1).Count, 6, 10);   // neighbours, and those for whom the way over it is straight
        Propagation propagation = Assert.Single(result.Shape.Propagations);
        Assert.Equal((2ul, 4), (propagation.Version, propagation.Seconds.Count));
        Assert.InRange(result.Shape.RegistryLoad.Sum(static bar => bar.Count), 8, 100);
        JsonElement json = JsonSerializer.SerializeToElement(result, ScenarioJson.Default.ScenarioResult).GetProperty("shape");
        Assert.Equal(6, json.GetProperty("hops")[1].GetProperty("count").GetInt64());
        Assert.Equal(4, json.GetProperty("propagations")[0].GetProperty("seconds").GetArrayLength());
        Assert.Contains("Pairs of nodes by hop distance", HtmlReport.Render(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_many_times_some_are_kept_with_the_first_and_the_last()
    {
        Propagation kept = Propagation.Of(3, Enumerable.Range(0, 1001).Select(static i => (double)(1000 - i)));
        Assert.Equal((Propagation.MaxSeconds, 0, 1000), (kept.Seconds.Count, kept.Seconds[0], kept.Seconds[^1]));
        Assert.Equal([1.0, 2.0], Propagation.Of(3, [2, 1]).Seconds);
    }
}
