using Mesh.Simulation.Scenarios;

namespace Mesh.Simulation.Tests;

public sealed class ScenarioTests
{
    private static string Quickstart => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scenarios", "quickstart.conf"));

    [Fact]
    public void The_quickstart_is_clean_and_its_digest_follows_from_the_seed()
    {
        Scenario scenario = ScenarioReader.Parse(Quickstart);
        ScenarioResult first = new ScenarioRun(scenario, seed: 7).Run();
        ScenarioResult again = new ScenarioRun(scenario, seed: 7).Run();
        ScenarioResult other = new ScenarioRun(scenario, seed: 8).Run();
        Assert.Empty(first.Violations);
        Assert.Empty(other.Violations);
        Assert.Equal(first.Digest, again.Digest);
        Assert.Equal(first.Messages, again.Messages);
        Assert.NotEqual(first.Digest, other.Digest, StringComparer.Ordinal);
    }

    [Fact]
    public void Being_watched_does_not_change_what_happens()
    {
        Scenario scenario = ScenarioReader.Parse(Quickstart);
        int reports = 0;
        ScenarioResult watched = new ScenarioRun(scenario, seed: 3, _ => reports++, new NullLog()).Run();
        ScenarioResult alone = new ScenarioRun(scenario, seed: 3).Run();
        Assert.True(reports > 0);
        Assert.Equal(alone.Digest, watched.Digest);
    }

    private sealed class NullLog : Mesh.Actors.ILogSink
    {
        public Mesh.Actors.LogLevel Level => Mesh.Actors.LogLevel.Debug;

        public void Write(Mesh.Actors.LogEntry entry)
        {
            // Only that it is called matters here.
        }
    }
}
