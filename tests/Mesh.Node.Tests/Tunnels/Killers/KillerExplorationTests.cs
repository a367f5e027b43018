using Mesh.Node.Tunnels.Killers;

namespace Mesh.Node.Tests.Tunnels.Killers;

/// <summary>
/// Both ends of a tunnel in all orders: each may begin, messages arrive late, in any order, twice, or never, time passes or not, actors fail and begin anew, nodes crash, the tunnel dies. In no state does
/// one end cut while the other may still route over the tunnel, and from each state that was visited the pair comes to one of the two legal outcomes.
/// </summary>
public sealed class KillerExplorationTests
{
    [Theory]
    [InlineData(1, 1, 0, 0, 0, 18)]   // both want it, nothing goes wrong but the tunnel
    [InlineData(2, 0, 1, 0, 0, 22)]   // a second attempt after messages were lost
    [InlineData(2, 0, 0, 1, 0, 20)]   // messages of the first attempt come again in the second
    [InlineData(1, 1, 0, 1, 0, 15)]
    [InlineData(1, 1, 1, 0, 1, 14)]   // an actor begins anew
    [InlineData(2, 0, 0, 0, 1, 17)]   // and what was taken back before is asked for again
    public void No_end_cuts_while_the_other_may_route_and_all_comes_to_an_end(int beginsA, int beginsB, int losses, int duplicates, int restarts, int depth)
    {
        var limits = new Limits(beginsA, beginsB, losses, duplicates, restarts);
        var visited = new HashSet<UInt128>();
        var frontier = new List<TwoEnds> { TwoEnds.Start };
        long transitions = 0, agreed = 0, continued = 0;
        for (int level = 0; level < depth && frontier.Count > 0; level++)
        {
            var next = new List<TwoEnds>();
            foreach (TwoEnds state in frontier)
            {
                foreach ((string what, TwoEnds after) in Follow(state, limits))
                {
                    transitions++;
                    Assert.True(after.Violation is null, $"{after.Violation}, after {what} in {state}");
                    if (!visited.Add(after.Key))
                        continue;
                    next.Add(after);
                    agreed += (after.A.IsCutting || after.B.IsCutting) && !after.IsForced ? 1 : 0;
                    if (visited.Count % 16 == 0)
                    {
                        continued++;
                        AssertComesToAnEnd(after, LinkUse.Unrouted);
                        AssertComesToAnEnd(after, LinkUse.Routed);
                    }
                }
            }

            frontier = next;
        }

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{visited.Count} states visited in {transitions} transitions up to depth {depth}{(frontier.Count == 0 ? " (all there are)" : "")}; {agreed} of them cut by agreement; {continued} followed to their end");
        Assert.True(agreed > 0);
    }

    [Fact]
    public void Without_the_margin_an_agreement_that_was_long_under_way_would_cut_under_the_other_ends_traffic()
    {
        // The exploration can fail: the same with an end that takes agreements for as long as it likes.
        TwoEnds state = TwoEnds.Start.Begin(isB: false, isForced: false);
        state = state.Look(false, LinkUse.Routed).Look(false, LinkUse.Unrouted).Look(false, LinkUse.Locked);
        state = state.Deliver(0, staysOnItsWay: false, isRefused: false);
        state = state.Look(true, LinkUse.Routed).Look(true, LinkUse.Unrouted).Look(true, LinkUse.Locked);
        Assert.Equal((Kind.Agree, false), (Assert.Single(state.Messages).Kind, Assert.Single(state.Messages).ToB));
        for (int second = 0; second < 5; second++)
            state = state.PassSecond();
        state = state.Look(true, LinkUse.Locked);
        Assert.Null(state.B.Killer);
        state = state.Deliver(0, staysOnItsWay: false, isRefused: false);
        Assert.True(state.A.Killer!.IsAgreed);
        TwoEnds cut = state.With(false, state.A with { IsCutting = true });
        Assert.Equal("an end cuts while the other may route over the tunnel", cut.Violation);
        Assert.Null(state.Look(false, LinkUse.Locked).Violation);
        Assert.Null(state.Look(false, LinkUse.Locked).A.Killer);
    }

    private static IEnumerable<(string What, TwoEnds After)> Follow(TwoEnds state, Limits limits)
    {
        yield return ("a second", state.PassSecond());
        if (!state.IsDead)
            yield return ("the tunnel dies", state.Die());
        foreach (bool isB in (bool[])[false, true])
        {
            End end = state.Of(isB);
            string name = isB ? "B" : "A";
            if (state.IsDead && !end.IsGone)
                yield return ($"{name} notices", state.Notice(isB));
            if (!end.IsGone && !end.IsCutting && end.Begun < (isB ? limits.BeginsB : limits.BeginsA))
            {
                yield return ($"{name} begins", state.Begin(isB, isForced: false));
                if (!isB)
                    yield return ($"{name} begins and will not give up", state.Begin(isB, isForced: true));
            }

            if (!state.IsDead)
                yield return ($"{name} crashes", state.Crash(isB));
            if (end.Killer is null)
                continue;
            if (state.Restarts < limits.Restarts && !end.IsCutting)
                yield return ($"the actor of {name} restarts", state.Restart(isB));
            foreach (LinkUse use in UsesOf(end))
                yield return ($"{name} sees {use}", state.Look(isB, use));
        }

        for (int i = 0; i < state.Messages.Length; i++)
        {
            OnItsWay message = state.Messages[i];
            yield return ($"{message} arrives", state.Deliver(i, staysOnItsWay: false, isRefused: false));
            if (message.Kind == Kind.Ask && state.Of(message.ToB).Killer is null)
                yield return ($"{message} is refused", state.Deliver(i, staysOnItsWay: false, isRefused: true));
            if (state.Duplicates < limits.Duplicates)
                yield return ($"{message} arrives and will again", state.Deliver(i, staysOnItsWay: true, isRefused: false));
            if (state.Losses < limits.Losses)
                yield return ($"{message} is lost", state with { Messages = state.Messages.RemoveAt(i), Losses = state.Losses + 1 });
        }
    }

    private static LinkUse[] UsesOf(End end) => end switch
    {
        { IsGone: true } => [LinkUse.Unknown],
        { Multiplier: Killer.HardMultiplier } => [LinkUse.Locked, LinkUse.Needed],
        _ => [LinkUse.Routed, LinkUse.Unrouted],
    };

    // From here on nothing goes wrong, and routes move, or they do not.
    private static void AssertComesToAnEnd(TwoEnds state, LinkUse use)
    {
        TwoEnds begin = state;
        for (int step = 0; step < 400; step++)
        {
            Assert.True(state.Violation is null, $"{state.Violation}, from {begin}");
            if (state.IsSettled)
                return;
            if (state.Messages.Length > 0)
                state = state.Deliver(0, staysOnItsWay: false, isRefused: false);
            foreach (bool isB in (bool[])[false, true])
            {
                if (state.IsDead && !state.Of(isB).IsGone)
                    state = state.Notice(isB);
                if (state.Of(isB) is { Killer: not null } end)
                    state = state.Look(isB, end is { IsGone: false, Multiplier: not Killer.HardMultiplier } ? use : UsesOf(end)[0]);
            }

            if (step % 8 == 7)
                state = state.PassSecond();
        }

        Assert.Fail($"no end is reached from {begin}; last {state}");
    }

    private sealed record Limits(int BeginsA, int BeginsB, int Losses, int Duplicates, int Restarts);
}
