using Mesh.Actors;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Registry;
using Mesh.Registry;
using Mesh.Registry.Rotation;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Scenarios;

/// <content>What the registry does to the network, and how it gets to the nodes.</content>
public sealed partial class ScenarioRun
{
    private const string ConfigCall = "getNetworkConfig";
    private const int SignatureLength = 256;   // of an RSA key of 2048 bits
    private const ulong ForgedAhead = 1000;
    private const double MayBeFooled = 0.05;   // the nodes' own hourly checks go on meanwhile

    private static readonly TimeSpan PublishLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    private readonly Dictionary<SimulatedNode, EjectionWatch> _revoked = [];
    private readonly List<Propagation> _propagations = [];
    private TimeSpan _publishedAt;
    private TimeSpan _measuredAt;
    private long _callsBefore;

    private long ConfigCalls => _world.Registry.Calls.GetValueOrDefault(ConfigCall);

    private (string Outcome, bool IsGood) SetParameters(SetParameters set) => Publish(() =>
    {
        // Whose program is too old ends by itself.
        foreach (SimulatedNode node in _world.Nodes.Where(node => node.Protocol < set.Options.MinProtocol))
        {
            _traffic.Exclude(node);
            _watch.Disturb(node);
        }

        _world.Registry.Options = set.Options;
        _world.Registry.Machine.Kill();
        _world.BootRegistry();
    });

    private (string Outcome, bool IsGood) RotateKeys() => Publish(() => _world.Registry.Order(new UpdateHmac()));

    private (string Outcome, bool IsGood) Revoke(string machine)
    {
        SimulatedNode node = _world.Find(machine)!;
        if (node.Certificate?.SerialNumber is not { } serial)
            return ("it has no certificate", false);
        _traffic.Exclude(node);
        _watch.Disturb(node);
        SimulatedNode[] others = [.. Running().Where(other => other != node)];
        var watch = new EjectionWatch(_world, node, others);
        watch.Begin(_random);
        (string Outcome, bool IsGood) published = Publish(() => _world.Registry.Order(new Revoke($"{serial}")));
        if (!published.IsGood)
        {
            watch.End();
            return published;
        }

        watch.Since = _publishedAt;
        _revoked.Add(node, watch);
        return published;
    }

    private (string Outcome, bool IsGood) Publish(Action change)
    {
        ulong before = _world.Registry.Published.Number;
        _callsBefore = ConfigCalls;
        change();
        if (!RunFor(PublishLimit, () => _world.Registry.Published.Number > before))
            return ($"the registry published nothing within {PublishLimit.TotalSeconds:0} s: nothing has changed", false);
        _publishedAt = _world.Registry.PublishedAt;
        return ($"version {_world.Registry.Published.Number}", true);
    }

    private (string Outcome, bool IsGood) AwaitVersion(AwaitVersion wait)
    {
        ulong version = _world.Registry.Published.Number;
        bool isReached = RunFor(wait.Within - (_world.Engine.Now - _publishedAt), () => Running().All(node => node.ParametersVersion >= version));
        SimulatedNode[] running = Running(), late = [.. running.Where(node => node.ParametersVersion < version)];
        if (!isReached && late.Length > 0)
            return ($"{late.Length} of {running.Length} nodes still have another version than {version} after {wait.Within.TotalSeconds:0.###} s, for example {late[0].Machine.Name}: {late[0].ParametersVersion}", false);
        string requests = $"{ConfigCalls - _callsBefore} requests to the registry";
        // Each node once, and from when it could hear of it: a sleeper from its waking.
        double[] times = [.. running.Select(node => (node.ParametersSince, From: Latest(_publishedAt, _traffic.DisturbedAt(node))))
            .Where(time => time.ParametersSince > Latest(time.From, _measuredAt)).Select(static time => (time.ParametersSince - time.From).TotalSeconds)];
        _measuredAt = _world.Engine.Now;
        if (times.Length == 0)
            return ($"everybody had them already, {requests}", true);
        Measure measure = Measure.Of("parameters reach a node after", "s", times);
        _measures.Add(measure);
        _propagations.Add(Propagation.Of(version, times));
        _measures.Add(Measure.Of("registry requests per node and change", "", [(ConfigCalls - _callsBefore) / (double)running.Length]));
        bool isGood = wait.Median is not { } median || measure.P50 <= median.TotalSeconds;
        return ($"{times.Length} nodes, p50 {measure.P50:0.00} s, p99 {measure.P99:0.00} s, max {measure.Max:0.00} s, {requests}{(isGood ? "" : $"; the median may be {wait.Median!.Value.TotalSeconds:0.##} s")}", isGood);
    }

    private static TimeSpan Latest(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private (string Outcome, bool IsGood) AwaitEjected(AwaitEjected wait)
    {
        if (!_revoked.TryGetValue(_world.Find(wait.Machine)!, out EjectionWatch? watch))
            return ("it was not revoked", false);
        RunFor(wait.Within, watch.IsOut);
        if (watch.IsOut())
            RunFor(Quiet, static () => false);   // whether somebody takes a late packet
        watch.End();
        if (watch.Where() is { } where)
            return ($"not after {wait.Within.TotalSeconds:0.###} s: {where}", false);
        _measures.Add(Measure.Of("last packet of a revoked node accepted after", "s", [watch.LastPacket.TotalSeconds]));
        _measures.Add(Measure.Of("last tunnel or route to a revoked node gone after", "s", [watch.LastTrace.TotalSeconds]));
        return ($"last packet accepted after {watch.LastPacket.TotalSeconds:0.00} s, last tunnel or route gone after {watch.LastTrace.TotalSeconds:0.00} s, {watch.Sent} packets sent", watch.LastPacket <= wait.Within && watch.LastTrace <= wait.Within);
    }

    private (string Outcome, bool IsGood) Forge(Forge forge)
    {
        SimulatedNode liar = _world.Find(forge.Machine)!;
        if (!liar.IsRunning)
            return ("it does not run", false);
        long calls = ConfigCalls;
        NetworkVersion old = liar.Version!;
        TimeSpan end = _world.Engine.Now + forge.Duration;
        int told = 0;
        while (_world.Engine.Now < end && !IsOver)
        {
            liar.Spread(NextLie(old, told++));
            RunFor(LieInterval, static () => false);
        }

        SimulatedNode[] running = Running();
        SimulatedNode[] others = [.. running.Where(node => node != liar)];
        foreach (SimulatedNode node in others)
            node.CountForged();
        long refused = others.Sum(static node => node.ForgedVersions);
        if (refused == 0)
            return ($"nobody has heard any of {told} lies", false);   // then this shows nothing
        SimulatedNode? fooled = Array.Find(running, node => node.ParametersVersion > _world.Registry.Published.Number);
        long asked = ConfigCalls - calls;
        _measures.Add(Measure.Of("registry requests per node during lies", "", [asked / (double)running.Length]));
        return fooled is not null
            ? ($"{fooled.Machine.Name} believes in version {fooled.ParametersVersion}", false)
            : ($"{told} lies to all neighbours and peers, refused {refused} times, nobody believes them, {asked} requests to the registry", asked <= Math.Ceiling(MayBeFooled * running.Length));
    }
}
