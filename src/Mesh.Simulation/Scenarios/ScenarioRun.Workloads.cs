using System.Diagnostics;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <content>Nodes that come and go, and clocks.</content>
public sealed partial class ScenarioRun
{
    private static readonly TimeSpan AuthorityBackdating = TimeSpan.FromMinutes(5);

    private readonly Dictionary<SimulatedNode, Site> _sites = [];   // the registry's node is in none
    private readonly HashSet<SimulatedNode> _joinMeasured = [];

    private (string Outcome, bool IsGood) Work(ScenarioStep step) => step switch
    {
        JoinWave wave => Join(wave),
        AwaitJoined joined => AwaitJoined(joined.Within),
        AwaitRefused refused => AwaitRefused(refused.Within),
        Churn churn => Churn(churn),
        JumpClock jump => JumpClock(jump),
        Skip skip => Skip(skip),
        RenewAuthority renew => RenewAuthority(renew.Lifetime),
        PlugLans plug => PlugLans(plug),
        SetDisk disk => SetDisk(disk),
        ReplaceNodes replace => Replace(replace),
        _ => throw new UnreachableException(),
    };

    private (string Outcome, bool IsGood) Join(JoinWave wave)
    {
        SimulatedNode[] left = [.. _world.Nodes.Where(node => node.BootedAt is null && (wave.Site is null || (_sites.TryGetValue(node, out Site? site) && site.Family == wave.Site)))];
        SimulatedNode[] nodes = wave.Count is { } count ? [.. Choose(left, share: 1).Take(count)] : Choose(left, wave.Share);
        if (nodes.Length == 0)
            return ("there are no new nodes", false);
        _world.Registry.RenewToken();
        foreach (SimulatedNode node in nodes)
        {
            double moment = _random.NextDouble();
            double part = wave.Shape switch { WaveShape.Burst => 0, WaveShape.Growing => Math.Sqrt(moment), WaveShape.Fading => 1 - Math.Sqrt(moment), _ => moment };
            // Somebody may have switched it on meanwhile.
            _world.Engine.At(_world.Engine.Now + AfterOrder + (wave.Spread * part), () => Inflict(MachineFault.Boot, node.Machine, () => _world.Boot(node)));
        }

        RunFor(wave.Spread + (2 * AfterOrder), static () => false);
        return ($"{nodes.Length} nodes, {nodes.Count(static node => node.IsRunning)} of them have joined", true);
    }

    // The registry carries an order out at once, but after those that are under way.
    private static readonly TimeSpan AfterOrder = TimeSpan.FromMilliseconds(10);

    private (string Outcome, bool IsGood) AwaitJoined(TimeSpan within)
    {
        SimulatedNode[] Missing() => [.. _world.Nodes.Where(static node => node.Machine is { IsAwake: true } && !node.IsRunning)];
        if (!RunFor(within, () => Missing().Length == 0))
            return ($"{Missing().Length} nodes have not joined after {within.TotalSeconds:0.###} s, for example {Missing()[0].Machine.Name}: {Missing()[0].JoinProblem ?? "no answer yet"}", false);
        double[] times = [.. _world.Nodes.Where(node => node is { BootedAt: not null, StartedAt: not null } && _joinMeasured.Add(node)).Select(static node => (node.StartedAt!.Value - node.BootedAt!.Value).TotalSeconds)];
        if (times.Length == 0)
            return ("nobody new", true);
        Measure measure = Measure.Of("a node has joined after", "s", times);
        _measures.Add(measure);
        return ($"{times.Length} nodes, p50 {measure.P50:0.00} s, p99 {measure.P99:0.00} s, max {measure.Max:0.00} s", true);
    }

    private (string Outcome, bool IsGood) AwaitRefused(TimeSpan within)
    {
        int wanted = _world.Registry.Options.MinProtocol;
        SimulatedNode[] old = [.. _world.Nodes.Where(node => node.BootedAt is not null && node.Protocol < wanted)];
        if (old.Length == 0)
            return ($"nobody's program is older than protocol {wanted}", false);
        TimeSpan start = _world.Engine.Now;
        bool isOver = RunFor(within, () => old.All(static node => node is { Refusal: not null, IsRunning: false }));
        if (_world.Nodes.FirstOrDefault(node => node.Refusal is not null && node.Protocol >= wanted) is { } wrong)
            return ($"{wrong.Machine.Name} has ended, which speaks protocol {wrong.Protocol}: {wrong.Refusal}", false);
        return isOver
            ? ($"{old.Length} nodes after {(_world.Engine.Now - start).TotalSeconds:0.0} s: {old[0].Refusal}", true)
            : ($"not after {within.TotalSeconds:0.###} s: {old.First(static node => node.Refusal is null || node.IsRunning).Machine.Name} still runs", false);
    }

    private (string Outcome, bool IsGood) Churn(Churn churn)
    {
        TimeSpan end = _world.Engine.Now + churn.Duration;
        double owed = 0;
        int done = 0;
        while (_world.Engine.Now < end && !IsStopped)
        {
            if (churn.Replaces)
                _world.Registry.RenewToken();
            SimulatedNode[] nodes = [.. Running().Where(node => node != _world.RegistryNode)];
            _random.Shuffle<SimulatedNode>(nodes);
            owed += churn.Share * nodes.Length;
            TimeSpan piece = churn.Interval < end - _world.Engine.Now ? churn.Interval : end - _world.Engine.Now;
            foreach (SimulatedNode node in nodes.Take((int)owed))
            {
                _world.Engine.At(_world.Engine.Now + AfterOrder + ((piece - AfterOrder) * _random.NextDouble()), () =>
                {
                    if (node.IsRunning && !_revoked.ContainsKey(node))
                    {
                        Restart(node, churn.Replaces);
                        done++;
                    }
                });
            }

            owed -= Math.Floor(owed);
            RunFor(piece, static () => false);
        }

        return ($"{done} nodes were {(churn.Replaces ? "replaced" : "restarted")}", true);
    }

    private void Restart(SimulatedNode node, bool replaces)
    {
        Disturb(node);
        node.Machine.Crash();
        if (replaces)
        {
            node.Reinstall();
            _joinMeasured.Remove(node);
        }

        _world.Boot(node);
    }

    private (string Outcome, bool IsGood) JumpClock(JumpClock jump)
    {
        Machine[] machines = MachinesOf(jump.Machine, jump.Share);
        foreach (Machine machine in machines)
            machine.JumpClock(jump.By);
        return (jump.Machine is null ? $"{machines.Length} nodes" : "done", true);
    }

    private Machine[] MachinesOf(string? name, double share) => name switch
    {
        SimulatedNetwork.RegistryName => [_world.Registry.Machine],
        null => [.. Choose([.. _world.Nodes.Where(node => node != _world.RegistryNode)], share).Select(static node => node.Machine)],
        _ => [_world.Find(name)!.Machine],
    };

    private (string Outcome, bool IsGood) PlugLans(PlugLans plug)
    {
        var common = new LanSegment();
        var nodes = _world.Nodes.Where(node => _sites.TryGetValue(node, out Site? site) && plug.Sites.Contains(site.Family, StringComparer.Ordinal)).ToArray();
        foreach (IGrouping<Site, SimulatedNode> site in nodes.GroupBy(node => _sites[node]))
        {
            LanSegment own = plug.Merges ? common : new LanSegment();
            foreach (SimulatedNode node in site)
            {
                _traffic.Disturb(node);
                own.Plug(node.Machine);
            }
        }

        return ($"{nodes.Length} nodes", true);
    }

    private (string Outcome, bool IsGood) SetDisk(SetDisk disk)
    {
        Machine[] machines = MachinesOf(disk.Machine, disk.Share);
        foreach (Machine machine in machines)
            machine.DiskCondition = disk.Condition;
        return (disk.Machine is null ? $"{machines.Length} nodes" : "done", true);
    }

    private (string Outcome, bool IsGood) Replace(ReplaceNodes replace)
    {
        SimulatedNode[] nodes = replace.Machine is { } name ? [_world.Find(name)!] : Choose([.. Running().Where(node => node != _world.RegistryNode)], replace.Share);
        _world.Registry.RenewToken();
        RunFor(AfterOrder, static () => false);
        foreach (SimulatedNode node in nodes)
            Restart(node, replaces: true);
        return (replace.Machine is null ? $"{nodes.Length} nodes" : "done", true);
    }

    private (string Outcome, bool IsGood) Skip(Skip skip)
    {
        Dictionary<SimulatedNode, int> before = _world.Nodes.ToDictionary(static node => node, static node => node.Renewals);
        TimeSpan passed = TimeSpan.Zero;
        int lapsed = 0;
        string? example = null;
        while (passed < skip.Duration && !IsStopped)
        {
            SimulatedNode[] on = skip.Restarts ? [.. _world.Nodes.Where(static node => node.Machine is { IsAwake: true })] : [];
            bool isRegistryOn = skip.Restarts && _world.Registry.Machine.IsUp;
            foreach (Machine machine in on.Select(static node => node.Machine))
                machine.Kill();
            if (isRegistryOn)
                _world.Registry.Machine.Kill();
            foreach (Machine machine in _world.Nodes.Select(static node => node.Machine).Append(_world.Registry.Machine))
                machine.JumpClock(skip.Every - skip.Run);
            if (isRegistryOn)
                _world.BootRegistry();
            foreach (SimulatedNode node in on)
            {
                Disturb(node);
                _world.Boot(node);
            }

            RunFor(skip.Run, static () => false);
            passed += skip.Every;
            SimulatedNode[] ended = [.. Running().Where(static node => node.Certificate is { MayServe: false })];
            lapsed += ended.Length;
            example ??= ended.Length == 0 ? null : $"{ended[0].Machine.Name} after {passed.TotalDays:0.#} days: {ended[0].Certificate!.Problem ?? $"{ended[0].Certificate!.State}"}";
        }

        SimulatedNode[] running = Running();
        if (running.Length == 0)
            return ("nobody runs", false);
        SimulatedNode least = running.MinBy(node => node.Renewals - before[node])!;
        int renewals = least.Renewals - before[least];
        _measures.Add(Measure.Of("new certificates of a node", "of a run", running.Select(node => (double)(node.Renewals - before[node]))));
        return ($"{passed.TotalDays:0.#} days, each node has had at least {renewals} new certificates{(example is null ? "" : $", and {lapsed} times one had ended: {example}")}", lapsed == 0 && renewals >= skip.MinRenewals);
    }

    private (string Outcome, bool IsGood) RenewAuthority(TimeSpan lifetime)
    {
        DateTimeOffset now = _world.Engine.Epoch + _world.Engine.Now + _world.Registry.Machine.ClockSkew;
        _world.Registry.RenewAuthority(now - AuthorityBackdating, now + lifetime);
        _world.Registry.Machine.Kill();
        _world.BootRegistry();
        return ("done", true);
    }

    private bool HasRoutes(double share)
    {
        SimulatedNode[] running = Running();
        return RouteTrace.Reached(running, _world.Network) >= share * running.Length * (running.Length - 1);
    }
}
