using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Tracing;

namespace Mesh.Simulation.Tests;

public sealed class CausalTraceTests
{
    private static Scenario Quickstart => ScenarioReader.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scenarios", "quickstart.conf")));

    [Fact]
    public void Being_traced_does_not_change_what_happens()
    {
        ScenarioResult alone = new ScenarioRun(Quickstart, seed: 7).Run();
        ScenarioResult traced = new ScenarioRun(Quickstart, seed: 7) { Trace = new CausalTrace() }.Run();
        Assert.Equal((alone.Digest, alone.Messages, alone.Packets), (traced.Digest, traced.Messages, traced.Packets));
    }

    [Fact]
    public void Each_event_was_caused_by_one_before_it_on_a_machine_that_could_send()
    {
        var trace = new CausalTrace();
        _ = new ScenarioRun(Quickstart, seed: 7) { Trace = trace }.Run();
        TraceEvent last = trace.FindLast(static one => one.Machine == "registry" && one.Cause != 0)!;
        IReadOnlyList<TraceEvent> chain = trace.Follow(last, 100);
        Assert.True(chain.Count > 1);
        Assert.All(chain.Zip(chain.Skip(1)), static pair => Assert.True(pair.Second.Id == pair.First.Cause && pair.Second.Id < pair.First.Id && pair.Second.Seconds < pair.First.Seconds));
        Assert.Contains(chain, static one => one.Machine != "registry");
        Assert.Equal(0, chain[^1].Cause);
    }

    [Fact]
    public void What_is_older_than_there_is_room_for_is_forgotten()
    {
        var trace = new CausalTrace(capacity: 100);
        _ = new ScenarioRun(Quickstart, seed: 7) { Trace = trace }.Run();
        TraceEvent last = trace.FindLast(static _ => true)!;
        Assert.NotNull(trace.Find(last.Id - 99));
        Assert.Null(trace.Find(last.Id - 100));
        Assert.Null(trace.Find(0));
        Assert.Null(trace.Find(last.Id + 1));
    }
}
