using System.Diagnostics;
using Mesh.Actors;
using Mesh.Node;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Invariants;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Tracing;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <summary>How far a run is. Reported several times per wall second.</summary>
/// <param name="Now">Virtual time.</param>
/// <param name="Step">What is going on.</param>
/// <param name="NodesUp">Nodes whose actors run.</param>
/// <param name="Tunnels">Tunnels that are up, counted once.</param>
/// <param name="Routes">Routes that nodes have, of all that they could have: a share, 0..1.</param>
/// <param name="Messages">Messages handled so far.</param>
/// <param name="Speed">Virtual seconds per wall second so far.</param>
public sealed record ScenarioProgress(TimeSpan Now, string Step, int NodesUp, int Tunnels, double Routes, long Messages, double Speed);

/// <summary>Carries out a scenario.</summary>
public sealed partial class ScenarioRun
{
    private string Model => _scenario.Cryptography.IsModelled
        ? "Real: registry and node actors, every message between machines, journals. Modelled: TCP (losses cost time), TLS (its round trips and the check of certificates, not its encryption), RSA and AEAD (digests of the same lengths)."
        : "Real: registry and node actors, every message between machines, RSA and AEAD, journals. Modelled: TCP (losses cost time), TLS (its round trips and the check of certificates, not its encryption), RSA keys from a fixed pool.";

    private static readonly TimeSpan FirstJoinLimit = TimeSpan.FromMinutes(1);   // it never takes a second unless the underlay is absurdly slow
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    private readonly Scenario _scenario;
    private readonly ulong _seed;
    private readonly Action<ScenarioProgress>? _progress;
    private readonly CancellationToken _stop;
    private readonly SimulatedNetwork _world;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<StepResult> _steps = [];
    private readonly List<string> _violations = [];
    private readonly List<Measure> _measures = [];
    private readonly DeterministicRandom _random;
    private readonly TimeSpan _look;
    private readonly InvariantWatch _watch;
    private TimeSpan _reported = -ProgressInterval;
    private string _step = "nodes join";

    /// <summary>Prepares a run.</summary>
    /// <param name="scenario">What to simulate.</param>
    /// <param name="seed">Everything random follows from it.</param>
    /// <param name="progress">Gets reports, or null.</param>
    /// <param name="log">Gets the machines' logs, or null.</param>
    /// <param name="stop">Ends the run early; the result is then partial.</param>
    /// <param name="nodes">Settings of the nodes, or null for the defaults.</param>
    /// <param name="workers">How many threads compute it; what happens does not depend on it. Where there is a log, one: its lines are to be in order.</param>
    /// <param name="ranks">The other processes that compute it, with the same arguments apart from <paramref name="progress"/> and <paramref name="stop"/>; or null. What happens does not depend on them, and all of
    /// them get the same result. Any of them can end the run early.</param>
    /// <exception cref="ArgumentException">There are ranks and a log: its lines would not be in order.</exception>
    /// <exception cref="InvalidOperationException">Another rank has other arguments, or is another build.</exception>
    public ScenarioRun(
        Scenario scenario, ulong seed, Action<ScenarioProgress>? progress = null, ILogSink? log = null, CancellationToken stop = default, NodeOptions? nodes = null, int workers = 1,
        IRankLink? ranks = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        if (log is not null && ranks is { Count: > 1 })
            throw new ArgumentException("the lines of a log are in order only where one process computes the run", nameof(log));
        scenario = ChaosExpansion.Expand(scenario, seed);
        (_scenario, _seed, _progress, _stop) = (scenario, seed, progress, stop);
        _world = new SimulatedNetwork(
            seed, scenario.Network, scenario.Internet, scenario.DiameterMilliseconds, scenario.Registry, nodes ?? new NodeOptions { RegistryUrl = "" }, scenario.Joins, log,
            scenario.Cryptography, scenario.RegistrySite, log is null ? workers : 1, ranks);
        // A condition is looked at less often where a look costs more.
        _look = TimeSpan.FromMilliseconds(Math.Clamp(scenario.NodeCount, 100, 1000));
        if (scenario.HasRegistryNode)
            _world.AddRegistryNode();
        foreach (Site site in scenario.Sites)
        {
            int before = _world.Nodes.Count;
            if (site.IsBehindNat)
                _world.AddNatSite(site.Name, site.Nodes, site.MapsPorts, site.Options);
            else
                _world.AddPublicNodes(site.Name, site.Nodes, site.Options);
            foreach (SimulatedNode node in _world.Nodes.Skip(before))
                _sites.Add(node, site);
        }

        _random = _world.ForkRandom();
        _traffic = new PingTraffic(_world);
        _watch = new InvariantWatch(_world, InvariantCatalogue.Create(scenario.Invariants));
        CompareWithOtherRanks();
    }

    /// <summary>Virtual time at which the run ends, whatever the scenario has left to do; null for its end.</summary>
    public TimeSpan? Until { get; init; }

    /// <summary>Remembers what machines do and why.</summary>
    public CausalTrace? Trace
    {
        get => _world.Internet.Trace;
        init => _world.Internet.Trace = value is null || (_world.Engine.Workers == 1 && !_world.Engine.HasRanks) ? value : throw new InvalidOperationException("a trace is written by one worker");
    }

    /// <summary>Whether the run ends with the first violation. Default false: what else goes wrong is worth knowing.</summary>
    public bool StopsAtViolation { get; init; }

    /// <summary>Called with each step when it is over.</summary>
    public Action<StepResult>? StepEnded { get; init; }

    /// <summary>What is carried out: the scenario, with a list of faults in place of each wish for some.</summary>
    public Scenario Scenario => _scenario;

    /// <summary>The simulated world, to look at.</summary>
    public SimulatedNetwork World => _world;

    /// <summary>Carries the scenario out.</summary>
    public ScenarioResult Run()
    {
        using SimulationEngine engine = _world.Engine;   // its threads end with the run, whatever ends it
        CarryOutSteps();
        return ToResult();
    }

    private void CarryOutSteps()
    {
        if (_world.RegistryNode is { } first)
        {
            _world.Boot(first);
            RunFor(FirstJoinLimit, () => first.IsRunning);
        }

        foreach (SimulatedNode node in _world.Nodes.Where(n => n != _world.RegistryNode && !_sites[n].JoinsLater))
            _world.Engine.At(_world.Engine.Now + _random.NextTimeSpan(TimeSpan.FromMilliseconds(1), _scenario.JoinSpread + TimeSpan.FromMilliseconds(1)), () => _world.Boot(node));
        Carry(new PassTime(_scenario.JoinSpread + TimeSpan.FromMilliseconds(2)), "nodes are switched on");
        foreach (ScenarioStep step in _scenario.Steps)
        {
            if (IsOver)
                break;
            Carry(step, step.Title);
        }
    }

    private void Carry(ScenarioStep step, string title)
    {
        _step = title;
        TimeSpan start = _world.Engine.Now;
        (string outcome, bool isGood) = step switch
        {
            PassTime pass => PassTime(pass.Duration),
            AwaitRoutes routes => AwaitRoutes(routes),
            PingAll ping => PingAll(ping),
            Traffic traffic => BeginTraffic(traffic),
            StopTraffic stop => EndTraffic(stop),
            Inflict inflict => Inflict(inflict),
            Partition partition => Partition(partition),
            FaultPlan plan => CarryOut(plan),
            SetParameters set => SetParameters(set),
            RevokeNode revoke => Revoke(revoke.Machine),
            RotateKeys _ => RotateKeys(),
            AwaitVersion version => AwaitVersion(version),
            AwaitEjected ejected => AwaitEjected(ejected),
            Forge forge => Forge(forge),
            _ => Work(step),
        };
        // A step that was not let finish has not failed.
        if (IsOver && !isGood)
            (outcome, isGood) = ("not finished", true);
        var ended = new StepResult(title, start.TotalSeconds, _world.Engine.Now.TotalSeconds, outcome, isGood);
        _steps.Add(ended);
        StepEnded?.Invoke(ended);
        if (!isGood)
            _violations.Add($"at {_world.Engine.Now.TotalSeconds:0.000} s: {title}: {outcome}");
    }

    private bool IsOver => IsStopped || _world.Engine.Now >= Until || (StopsAtViolation && (_violations.Count > 0 || _watch.Violations.Count > 0));

    private (string Outcome, bool IsGood) PassTime(TimeSpan duration)
    {
        RunFor(duration, static () => false);
        string[] failed = [.. _world.Nodes.Where(n => n.Identity is null && n.JoinProblem is not null).Select(n => $"{n.Machine.Name}: {n.JoinProblem}")];
        return failed.Length == 0 ? ("done", true) : ($"{failed.Length} nodes could not join yet: {failed[0]}", true);
    }

    private (string Outcome, bool IsGood) AwaitRoutes(AwaitRoutes wait)
    {
        TimeSpan start = _world.Engine.Now;
        if (RunFor(wait.Within, wait.Share < 1 ? () => HasRoutes(wait.Share) : HasAllRoutes))
        {
            TimeSpan took = _world.Engine.Now - start;
            if (wait.Share < 1)
                _measures.Add(Measure.Of($"routes for {wait.Share:0.###%} of the pairs after", "s", [took.TotalSeconds]));
            return ($"after {took.TotalSeconds:0.0} s", true);
        }

        return ($"not after {wait.Within.TotalSeconds:0} s: {RouteTrace.FindBroken(Running(), _world.Network) ?? "somebody has not joined"}", false);
    }

    // Who is part of the network: whoever is revoked is not.
    private SimulatedNode[] Running() => [.. _world.Nodes.Where(n => n.IsRunning && !IsShutOut(n))];

    // Not whether tables are full, but whether following them from hop to hop gets there: just after a failure, tables are full of ways through the dead.
    private bool HasAllRoutes()
    {
        SimulatedNode[] running = Running();
        if (running.Length < _world.Nodes.Count(n => n.Machine is { IsAwake: true } && !IsShutOut(n)))
            return false;   // somebody is still joining
        return running.All(n => n.Routes.Length >= running.Length - 1) && RouteTrace.FindBroken(running, _world.Network) is null;
    }

    // Lets time pass in small pieces, so that a condition can be looked at, progress be shown and Ctrl-C be obeyed. The pieces do not change what happens.
    private bool RunFor(TimeSpan duration, Func<bool> condition)
    {
        TimeSpan end = _world.Engine.Now + duration;
        if (Until < end)
            end = Until.Value;
        while (!condition())
        {
            if (Confer())
                Report();
            if (_world.Engine.Now >= end || IsOver)
                return false;
            TimeSpan next = _world.Engine.Now + _look;
            _world.Engine.RunUntil(next < end ? next : end);
            _watch.Look();
        }

        return true;
    }

    private void Report()
    {
        SimulatedNode[] running = Running();
        int possible = Math.Max(1, running.Length * (running.Length - 1));
        var progress = new ScenarioProgress(
            _world.Engine.Now, _step, running.Length, running.Sum(n => n.Tunnels.Count(t => t.State == Node.Tunnels.TunnelState.Up)) / 2,
            Math.Min(1, running.Sum(n => n.Routes.Length) / (double)possible), _world.Engine.Delivered, _world.Engine.Now.TotalSeconds / _clock.Elapsed.TotalSeconds);
        _progress?.Invoke(progress);
    }

    private ScenarioResult ToResult() => new(
        _scenario.Name,
        _scenario.Description,
        _seed,
        _world.Engine.Digest.ToString(),
        _world.Nodes.Count,
        _world.Engine.Now.TotalSeconds,
        _clock.Elapsed.TotalSeconds,
        _world.Engine.Delivered,
        _world.Engine.Events,
        _world.Internet.Lost,
        _steps,
        [.. _violations, .. _watch.Violations.Select(static violation => violation.ToString())],
        _measures,
        [.. _world.Nodes.Select(n => new NodeResult(
            n.Machine.Name, n.Identity?.Prefix.ToString(), n.IsRunning,
            [.. n.Tunnels.Where(t => t.State == Node.Tunnels.TunnelState.Up).Select(t => NameOf(t.Peer))], n.Routes.Length)
        {
            X = _scenario.Internet.Latency.OnMap(n.Machine.Place)?.X,
            Y = _scenario.Internet.Latency.OnMap(n.Machine.Place)?.Y,
        })],
        Model)
    {
        DroppedPackets = _world.Internet.Dropped,
        Shape = NetworkShape.Of(_world, Running(), _propagations),
        IsPartial = IsStopped,
        InvariantViolations = _watch.Violations,
        InvariantCounts = _watch.Counts,
        Faults = [.. _scenario.Steps.OfType<FaultPlan>().SelectMany(static plan => plan.Faults).Select(static fault => fault.ToString())],
    };

    private string NameOf(NodePrefix prefix) => _world.Nodes.FirstOrDefault(n => n.Identity?.Prefix == prefix)?.Machine.Name ?? prefix.ToString();
}
