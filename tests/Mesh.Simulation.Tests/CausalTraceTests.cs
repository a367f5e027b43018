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
        IReadOnlyList<TraceEvent> chain = trace.Follow(last, 100_000);
        Assert.True(chain.Count > 1);
        Assert.All(chain.Zip(chain.Skip(1)), static pair => Assert.True(pair.Second.Id == pair.First.Cause && pair.Second.Id < pair.First.Id && pair.Second.Seconds <= pair.First.Seconds));
        Assert.Contains(chain, static one => one.Machine != "registry");
        Assert.Equal(0, chain[^1].Cause);
    }

    [Fact]
    public void A_timer_leads_back_to_what_armed_it_and_from_there_to_the_packet_that_came()
    {
        var trace = new CausalTrace();
        _ = new ScenarioRun(Quickstart, seed: 7) { Trace = trace }.Run();
        Assert.NotNull(trace.FindLast(one => one.Trigger.StartsWith("timer of ", StringComparison.Ordinal) && trace.Find(one.Cause) is { } cause
            && cause.Trigger.StartsWith("UDP from ", StringComparison.Ordinal) && cause.Machine == one.Machine && cause.Seconds < one.Seconds));
        // A chain ends where something was done to a machine, or where that made it send at once; nothing begins with a timer, but what the registry has armed before it was traced.
        Assert.Null(trace.FindLast(static one => one.Cause == 0 && one.Seconds > 0.01 && one.Trigger.StartsWith("timer of ", StringComparison.Ordinal)));
        IReadOnlyList<TraceEvent> chain = trace.Follow(trace.FindLast(static one => one.Machine == "tokyo-1" && one.Trigger.StartsWith("timer of /user/node/babel", StringComparison.Ordinal))!, 100_000);
        Assert.True(chain.Count > 3 && chain.Select(static one => one.Machine).Distinct(StringComparer.Ordinal).Count() > 1, string.Join('\n', chain));
    }

    [Fact]
    public void A_periodic_timer_leads_to_what_began_it_each_time()
    {
        const string tick = "timer of /user/node/tunnels: Tick";
        var trace = new CausalTrace();
        _ = new ScenarioRun(Quickstart, seed: 7) { Trace = trace }.Run();
        var causes = new HashSet<long>();
        int firings = 0;
        _ = trace.FindLast(one =>
        {
            if (one.Machine == "tokyo-1" && one.Trigger == tick)
            {
                firings++;
                causes.Add(one.Cause);
            }

            return false;
        });
        // It begins once; a Tick that is wanted once beside it is armed by what wants it.
        Assert.True(firings > 4 && causes.Count <= firings / 2, $"{firings} firings, {causes.Count} causes");
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
