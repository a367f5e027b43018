using Mesh.Node;

namespace Mesh.Simulation.Scenarios;

/// <summary>How far a reduction is.</summary>
/// <param name="Runs">Runs so far.</param>
/// <param name="Faults">Faults in the smallest scenario so far.</param>
/// <param name="Nodes">Nodes in it.</param>
/// <param name="Steps">Steps in it.</param>
/// <param name="What">What is tried.</param>
public sealed record ShrinkProgress(int Runs, int Faults, int Nodes, int Steps, string What);

/// <summary>Reduces a scenario that has a violation to one that is smaller and has it, too: fewer faults (delta debugging, ddmin), fewer nodes, fewer steps, shorter times.</summary>
/// <remarks>A violation is the same where the same invariant or the same kind of step is violated first. Each candidate is a run with the same seed.</remarks>
public sealed class ScenarioShrink
{
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(5);   // a candidate may take this much longer than the first run
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private readonly ulong _seed;
    private readonly int _maxRuns;
    private readonly CancellationToken _stop;
    private readonly NodeOptions? _node;
    private Scenario _best;
    private List<int> _kept;
    private TimeSpan _until = TimeSpan.MaxValue;

    /// <summary>Prepares a reduction.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="seed">A seed with which it has a violation.</param>
    /// <param name="maxRuns">How many runs it may take.</param>
    /// <param name="stop">Ends it early, with the best so far.</param>
    /// <param name="node">Settings of the nodes, or null for the defaults.</param>
    public ScenarioShrink(Scenario scenario, ulong seed, int maxRuns, CancellationToken stop = default, NodeOptions? node = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        (_seed, _maxRuns, _stop, _node) = (seed, maxRuns, stop, node);
        _best = scenario.WithFaultsOf(seed);
        _kept = [.. Enumerable.Range(0, scenario.Steps.Count)];
    }

    /// <summary>Gets reports, or null.</summary>
    public Action<ShrinkProgress>? Progress { get; init; }

    /// <summary>The smallest scenario so far.</summary>
    public Scenario Scenario => _best;

    /// <summary>Which of the first scenario's steps are left in it.</summary>
    public IReadOnlyList<int> KeptSteps => _kept;

    /// <summary>What is violated: the name of an invariant, or the kind of a step; null where nothing is.</summary>
    public string? Violated { get; private set; }

    /// <summary>What the smallest scenario's run said of it.</summary>
    public string? Violation { get; private set; }

    /// <summary>Runs so far.</summary>
    public int Runs { get; private set; }

    /// <summary>True where it ended before there was nothing left to try.</summary>
    public bool IsPartial { get; private set; }

    private int FaultCount => _best.Steps.OfType<FaultPlan>().Sum(static plan => plan.Faults.Count);

    /// <summary>Reduces.</summary>
    /// <returns>False where the scenario has no violation with this seed.</returns>
    public bool Run()
    {
        ScenarioResult first = Carry(_best);
        if (KeyOf(first, _best) is not { } key)
            return false;
        (Violated, Violation) = (key, first.Violations[0]);
        _until = TimeSpan.FromSeconds(first.VirtualSeconds) + Slack;
        int before;
        do
        {
            before = Size();
            ReduceFaults();
            ReduceSteps();
            ReduceNodes();
            ReduceTimes();
        }
        while (Size() < before && !IsOver);
        IsPartial = IsOver;
        return true;
    }

    private bool IsOver => _stop.IsCancellationRequested || Runs >= _maxRuns;

    private int Size() => FaultCount + _best.Steps.Count + _best.NodeCount;

    /// <summary>What of a result is compared: the first invariant, or else the kind of the first step that was violated.</summary>
    private static string? KeyOf(ScenarioResult result, Scenario scenario)
    {
        if (result.InvariantViolations.Count > 0)
            return result.InvariantViolations[0].Invariant;
        // The steps of the result begin with one that no scenario has: nodes are switched on.
        for (int i = 0; i < result.Steps.Count; i++)
        {
            if (!result.Steps[i].IsGood)
                return i == 0 ? "join" : scenario.Steps[i - 1].GetType().Name;
        }

        return null;
    }

    private ScenarioResult Carry(Scenario scenario)
    {
        Runs++;
        return new ScenarioRun(scenario, _seed, stop: _stop, nodes: _node) { StopsAtViolation = true, Until = _until < TimeSpan.MaxValue ? _until : null }.Run();
    }

    private bool Try(Scenario candidate, List<int> kept, string what)
    {
        if (IsOver)
            return false;
        Progress?.Invoke(new ShrinkProgress(Runs, FaultCount, _best.NodeCount, _best.Steps.Count, what));
        ScenarioResult result = Carry(candidate);
        if (result.IsPartial || KeyOf(result, candidate) != Violated)
            return false;
        (_best, _kept, Violation) = (candidate, kept, result.Violations[0]);
        return true;
    }

    // ddmin: parts are left out, large ones first.
    private void ReduceFaults()
    {
        for (int parts = 1; !IsOver;)
        {
            TimedFault[] faults = [.. _best.Steps.OfType<FaultPlan>().SelectMany(static plan => plan.Faults)];
            if (faults.Length == 0)
                return;
            parts = Math.Min(parts, faults.Length);
            bool isReduced = false;
            for (int part = 0; part < parts && !isReduced; part++)
            {
                HashSet<TimedFault> left = new(faults[(faults.Length * part / parts)..(faults.Length * (part + 1) / parts)], ReferenceEqualityComparer.Instance);
                isReduced = Try(WithPlans(plan => plan with { Faults = [.. plan.Faults.Where(fault => !left.Contains(fault))] }), _kept, $"without {left.Count} of {faults.Length} faults");
            }

            if (!isReduced && parts == faults.Length)
                return;
            parts = isReduced ? Math.Max(parts - 1, 1) : Math.Min(2 * parts, faults.Length);
        }
    }

    private void ReduceSteps()
    {
        for (int i = _best.Steps.Count - 1; i >= 0 && !IsOver; i--)
        {
            List<int> kept = [.. _kept];
            kept.RemoveAt(i);
            Try(_best with { Steps = [.. _best.Steps.Where((_, index) => index != i)] }, kept, $"without: {_best.Steps[i].Title}");
        }
    }

    private void ReduceNodes()
    {
        for (int i = _best.Sites.Count - 1; i >= 0 && !IsOver; i--)
        {
            // All of them, then half of what is left, and so on to one.
            for (int fewer = _best.Sites[i].Nodes; fewer >= 1 && !IsOver;)
            {
                Site site = _best.Sites[i];
                Scenario candidate = _best with { Sites = [.. _best.Sites.Select((one, index) => index == i ? one with { Nodes = one.Nodes - fewer } : one).Where(static one => one.Nodes > 0)] };
                bool isGone = fewer == site.Nodes;
                if (candidate.Sites.Count > 0 && candidate.Steps.All(step => step.Machines.All(candidate.HasMachine)) && Try(candidate, _kept, $"without {fewer} of {site.Nodes} nodes of {site.Name}"))
                {
                    if (isGone)
                        break;
                    fewer = Math.Min(fewer, _best.Sites[i].Nodes - 1);
                }
                else
                {
                    fewer /= 2;
                }
            }
        }
    }

    private void ReduceTimes()
    {
        for (int i = 0; i < _best.Steps.Count && !IsOver; i++)
        {
            // Half as long, as often as it helps.
            while (Shorter(_best.Steps[i]) is { } shorter && Try(_best with { Steps = [.. _best.Steps.Select((step, index) => index == i ? shorter : step)] }, _kept, $"shorter: {_best.Steps[i].Title}"))
            {
            }
        }
    }

    private static ScenarioStep? Shorter(ScenarioStep step)
    {
        switch (step)
        {
            case PassTime pass when pass.Duration >= 2 * Shortest:
                return new PassTime(Half(pass.Duration));
            case FaultPlan { Faults.Count: > 0 } plan when plan.Faults[0].At >= 2 * Shortest:
                // All of them earlier: nothing happens before the first.
                TimeSpan earlier = plan.Faults[0].At - Half(plan.Faults[0].At);
                return new FaultPlan(plan.Duration - earlier, [.. plan.Faults.Select(fault => fault with { At = fault.At - earlier })]);
            case FaultPlan plan when Half(plan.Duration) is var half && plan.Faults.All(fault => fault.At + fault.For <= half) && half >= Shortest:
                return plan with { Duration = half };
            default:
                return null;
        }
    }

    private static TimeSpan Half(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Floor(time.TotalMilliseconds / 2));

    private Scenario WithPlans(Func<FaultPlan, FaultPlan> change) => _best with { Steps = [.. _best.Steps.Select(step => step is FaultPlan plan ? change(plan) : step)] };
}
