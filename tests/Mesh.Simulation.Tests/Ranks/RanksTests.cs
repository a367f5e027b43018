using System.Globalization;
using System.Text.Json;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests.Ranks;

/// <summary>Several processes that compute one scenario get what one gets. <c>RANK_SCENARIOS</c> says how many random scenarios are tried.</summary>
public sealed class RanksTests
{
    private const int Usual = 6;

    private static int Scenarios =>
        int.TryParse(Environment.GetEnvironmentVariable("RANK_SCENARIOS"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) && wanted > 0 ? wanted : Usual;

    [Fact]
    public void A_random_scenario_gives_the_same_report_with_one_process_and_at_each_of_several()
    {
        for (int seed = 1; seed <= Scenarios; seed++)
        {
            string text = RandomScenario.Make((ulong)seed);
            string alone = Report(text, seed, workers: 1, ranks: null);
            int count = 2 + (seed % 3), workers = 1 + (seed % 2);
            Assert.All(ThreadRanks.Run(count, link => Report(text, seed, workers, link)), report => Assert.Equal(alone, report));
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    // Everything but the time that it took.
    internal static string Report(string text, int seed, int workers, IRankLink? ranks)
    {
        ScenarioResult result = new ScenarioRun(ScenarioReader.Parse(text), (ulong)seed, workers: workers, ranks: ranks).Run();
        return JsonSerializer.Serialize(result with { WallSeconds = 0 }, ScenarioJson.Default.ScenarioResult);
    }
}
